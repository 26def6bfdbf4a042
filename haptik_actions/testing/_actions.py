"""Guarded actions whose hand-offs reach a sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from haptik_actions.config import Settings

if TYPE_CHECKING:
    from haptik_actions.sandbox import Sandbox

__all__ = ["actions_on", "settings_for"]

_IN_PROCESS = "http://127.0.0.1"


def settings_for(sandbox: Sandbox, *, base_url: str = _IN_PROCESS, team: str | None = None) -> Settings:
    """Return settings that fit the sandbox: its first partner, its first active business, and `team`.

    `team` is the first active team when None. There is no `redis_url`: messages are the packaged copy.
    """
    state = sandbox.state
    business_id = next((business.id for business in state.businesses if business.active), None)
    return Settings(
        base_url=base_url,
        client_id=state.partners[0].client_id,
        token=state.partners[0].token,
        business_id=business_id,
        team=team or next((team.name for team in state.teams if team.active), None),
    )


@asynccontextmanager
async def actions_on(sandbox: Sandbox, *, settings: Settings | None = None) -> AsyncIterator[None]:
    """Let guarded actions of this process use the sandbox, without a socket, until the block ends.

    `settings` are those of `settings_for(sandbox)` when None. Afterwards what the actions opened is closed, hand-offs
    that still wait are dropped, and actions go back to the settings of environment and `endpoints.yml`.
    """
    from haptik_actions.actions import Runtime, configure

    used = settings_for(sandbox) if settings is None else settings
    runtime = Runtime(load_settings=lambda: used, transport=sandbox.transport())
    configure(lambda: runtime)
    try:
        yield
    finally:
        configure()
        await runtime.aclose()
