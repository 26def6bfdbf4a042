"""The sandbox on a real port, in a thread of its own, and guarded actions whose hand-offs reach it.

Tests without an event loop can use both.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from haptik_actions.config import ENVIRONMENT, Settings

if TYPE_CHECKING:
    from haptik_actions.sandbox import Sandbox

__all__ = ["SandboxServer", "actions_on", "serve_in_thread", "settings_for"]

_IN_PROCESS = "http://127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxServer:
    """A sandbox that serves: `url` is its base URL, `http://127.0.0.1:<port>`; `sandbox` is what to look into."""

    url: str
    sandbox: Sandbox

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which another process, an action server for example, calls this sandbox."""
        settings = settings_for(self.sandbox, base_url=self.url)
        values = {variable: getattr(settings, name) for name, variable in ENVIRONMENT.items()}
        return {variable: str(value) for variable, value in values.items() if value is not None}


@contextmanager
def serve_in_thread(sandbox: Sandbox, port: int = 0) -> Iterator[SandboxServer]:
    """Serve the sandbox on a loopback port, a free one when `port` is 0, until the block ends.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    started: Future[tuple[str, Callable[[], object]]] = Future()
    thread = Thread(target=_run, args=(sandbox, port, started), name="haptik-sandbox", daemon=True)
    thread.start()
    try:
        url, stop = started.result()
        try:
            yield SandboxServer(url=url, sandbox=sandbox)
        finally:
            stop()
    finally:
        thread.join()


def _run(sandbox: Sandbox, port: int, started: Future[tuple[str, Callable[[], object]]]) -> None:
    try:
        asyncio.run(_serve(sandbox, port, started))
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)


async def _serve(sandbox: Sandbox, port: int, started: Future[tuple[str, Callable[[], object]]]) -> None:
    from haptik_actions.sandbox import serve

    loop, over = asyncio.get_running_loop(), asyncio.Event()
    async with serve(sandbox, port) as url:
        started.set_result((url, partial(loop.call_soon_threadsafe, over.set)))
        await over.wait()


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
