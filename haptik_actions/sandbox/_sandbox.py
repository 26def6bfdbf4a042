"""The sandbox that tests and demos hold in their hands."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from haptik_actions.sandbox._chats import Chat
from haptik_actions.sandbox._control import ControlPlane
from haptik_actions.sandbox._gateway import Gateway
from haptik_actions.sandbox._journal import JournalEntry
from haptik_actions.sandbox._page import Page
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._seed import default_state, load_state, state_from_mapping
from haptik_actions.sandbox._send_chat_to_agent import send_chat_to_agent
from haptik_actions.sandbox._state import State

__all__ = ["Sandbox"]


class Sandbox:
    """The Haptik platform in memory.

    `state` is what it knows at the start, the packaged state when None; `clock` gives seconds and may be a test's own.
    `app` is the ASGI app: platform, control plane under `/_sandbox/`, page at `/`. Use it with `httpx.ASGITransport`,
    or give the sandbox to `serve`.
    """

    def __init__(self, state: State | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._platform = Platform(default_state() if state is None else state, clock)
        self.app = _build_app(self._platform)

    @classmethod
    def from_file(cls, path: str | PathLike[str], *, clock: Callable[[], float] = time.monotonic) -> Sandbox:
        """Start from a YAML file; `ConfigurationError` names the file, the value's path and the remedy."""
        return cls(load_state(path), clock=clock)

    @classmethod
    def from_mapping(cls, mapping: dict[str, Any], *, clock: Callable[[], float] = time.monotonic) -> Sandbox:
        """Start from what such a file holds, as dicts and lists; `ConfigurationError` as for `from_file`."""
        return cls(state_from_mapping(mapping, source="state"), clock=clock)

    @property
    def outage(self) -> bool:
        """Whether the platform is down: its endpoints then answer 503; page and control plane go on."""
        return self._platform.outage

    @outage.setter
    def outage(self, active: bool) -> None:
        self._platform.outage = active

    @property
    def journal(self) -> list[JournalEntry]:
        """The last thousand requests to the platform, the oldest first, without headers and without tokens."""
        return self._platform.journal.entries()

    def queue(self) -> list[Chat]:
        """Return the chats that left the bot, counting down or pending, in the order in which they queue."""
        return self._platform.board.queue()

    def chats(self) -> list[Chat]:
        """Return every chat, also those that are with the bot."""
        return self._platform.board.chats()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward; `ConfigurationError` for a negative or infinite number."""
        self._platform.clock.advance(seconds)

    def reset(self) -> None:
        """Return to the start: chats with the bot, empty journal, no outage, clock not moved."""
        self._platform.reset()


def _build_app(platform: Platform) -> Starlette:
    page = Page(platform)
    return Starlette(
        routes=[
            *page.routes(),
            Mount("/_sandbox", routes=[*ControlPlane(platform).routes(), *page.parts()]),
            Mount("/", app=Gateway(platform, [send_chat_to_agent(platform)])),
        ]
    )
