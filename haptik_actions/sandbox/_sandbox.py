"""`Sandbox`, the class that tests and demos use, and the sandbox on a port of the loopback interface."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from haptik_actions._serving import serve_app
from haptik_actions.sandbox._bot_api import bot_api
from haptik_actions.sandbox._control import ControlPlane
from haptik_actions.sandbox._faults import Connections, Fault, aimed
from haptik_actions.sandbox._gateway import Gateway
from haptik_actions.sandbox._integration_api import faq, get_chat_history, send_chat_to_agent
from haptik_actions.sandbox._journal import Endpoint, JournalEntry, called
from haptik_actions.sandbox._loopback import OwnNamesOnly, OwnPagesOnly
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._page import Page
from haptik_actions.sandbox._people import People
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._seed import default_state, load_state, state_from_mapping
from haptik_actions.sandbox._state import State, Webhook
from haptik_actions.sandbox._webhook import Courier, Event

if TYPE_CHECKING:
    import httpx

__all__ = ["Sandbox", "serve"]


class Sandbox(People):
    """The Haptik platform in memory.

    `state` is what it knows at the start, the packaged state when None; `clock` gives seconds and may be a test's own.
    `start` is the time of day at the start, with a time zone; now when None. Messages are stamped with it.
    `webhook_transport` carries the events to the webhook, and the calls of nodes to a bot; httpx's own when None.
    `framed_by` is the origin of a page of one's own that may show the agents' page in a frame, such as
    `http://127.0.0.1:8080`; none may when None.
    `app` is the ASGI app: platform, control plane under `/_sandbox/`, page at `/`. Reach it through `transport()`
    without a socket, or give the sandbox to `serve`.
    """

    def __init__(
        self,
        state: State | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        start: datetime | None = None,
        webhook_transport: httpx.AsyncBaseTransport | None = None,
        framed_by: str | None = None,
    ) -> None:
        platform = Platform(default_state() if state is None else state, clock, start)
        super().__init__(platform, NodeCaller(platform, webhook_transport))
        self._courier = Courier(platform.events, platform.clock, webhook_transport, platform.automat.settle)
        self.app = _build_app(platform, self._caller, framed_by)

    @classmethod
    def from_file(
        cls,
        path: str | PathLike[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        start: datetime | None = None,
        webhook_transport: httpx.AsyncBaseTransport | None = None,
    ) -> Sandbox:
        """Start from a YAML file; `ConfigurationError` names the file, the value's path and the remedy."""
        return cls(load_state(path), clock=clock, start=start, webhook_transport=webhook_transport)

    @classmethod
    def from_mapping(
        cls,
        mapping: dict[str, Any],
        *,
        clock: Callable[[], float] = time.monotonic,
        start: datetime | None = None,
        webhook_transport: httpx.AsyncBaseTransport | None = None,
    ) -> Sandbox:
        """Start from what such a file holds, as dicts and lists; `ConfigurationError` as for `from_file`."""
        state = state_from_mapping(mapping, source="state")
        return cls(state, clock=clock, start=start, webhook_transport=webhook_transport)

    @property
    def state(self) -> State:
        """What the platform knew at the start."""
        return self._platform.state

    def transport(self) -> httpx.AsyncBaseTransport:
        """Return a transport for httpx or `HaptikClient` that reaches the sandbox without a socket.

        Faults end there like those of a connection: `httpx.ReadError` for a reset, `httpx.RemoteProtocolError` for a
        truncated answer, `httpx.ReadTimeout` when the request's own read time-out passes.
        """
        from haptik_actions.sandbox._transport import InProcessTransport

        return InProcessTransport(self.app)

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

    def fail(self, fault: Fault, *, endpoint: Endpoint | None = None) -> None:
        """Let `fault` strike from now on, at one API or, where neither it nor `endpoint` names one, at every path.

        Faults strike in the order in which they were added: latencies add up, and of the others the first that
        strikes decides. `ConfigurationError` for an API that does not exist.
        """
        self._platform.faults.add(aimed(fault, endpoint))

    def clear_faults(self) -> None:
        """Let nothing go wrong any more; ends an outage, too."""
        self._platform.faults.clear()

    def assert_called(self, endpoint: Endpoint, *, times: int | None = None, **fields: object) -> list[JournalEntry]:
        """Return the requests to an API that carried `fields` in their query or body, and perhaps others.

        `times` is how many there have to be, at least one when None. `AssertionError` shows what there was instead,
        or the nearest request and what differs.
        """
        return called(self.journal, endpoint, self._platform.journal.hide(fields), times)

    def assert_not_called(self, endpoint: Endpoint, **fields: object) -> None:
        """Raise `AssertionError` where a request to an API carried `fields`; without any, where there was one."""
        called(self.journal, endpoint, self._platform.journal.hide(fields), 0)

    @property
    def webhook(self) -> Webhook | None:
        """Where events go; None for nowhere. Setting it enables it."""
        return self._platform.events.webhook

    @webhook.setter
    def webhook(self, webhook: Webhook | None) -> None:
        self._platform.events.set_webhook(webhook)

    @property
    def webhook_enabled(self) -> bool:
        """Whether the webhook gets events; false after the last try of one has failed, until `enable_webhook`."""
        return self._platform.events.is_enabled

    def enable_webhook(self) -> None:
        """Enable the webhook again; what was queued meanwhile is due at once."""
        self._platform.events.enable()

    def events(self) -> list[Event]:
        """Return the last thousand events and what became of each, the oldest first."""
        return self._platform.events.events()

    async def deliver_events(self) -> list[Event]:
        """Try each event that is due now once, and return these events as they are then. `serve` does it by itself."""
        return await self._courier.deliver()

    async def keep_delivering_events(self) -> None:
        """Deliver events when they are due, for as long as the task runs; for an app that `serve` does not run."""
        await self._courier.keep_delivering()

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward by seconds; `ConfigurationError` for a negative or infinite number."""
        self._platform.clock.advance(seconds)
        self._platform.automat.settle()

    def reset(self) -> None:
        """Return to the start: chats with the bot, empty journal, no outage, clock not moved."""
        self._platform.reset()
        self._caller.reset()


def _build_app(platform: Platform, caller: NodeCaller, framed_by: str | None) -> Starlette:
    page = Page(platform, caller, framed_by)
    apis = [*send_chat_to_agent(platform), *get_chat_history(platform), *faq(platform), *bot_api(platform)]
    return Starlette(
        routes=[
            *page.routes(),
            Mount(
                "/_sandbox",
                routes=[*ControlPlane(platform, caller).routes(), *page.parts()],
                middleware=[Middleware(OwnPagesOnly)],
            ),
            Mount("/", app=Gateway(platform, apis)),
        ],
        middleware=[Middleware(_Settled, settle=platform.automat.settle)],
    )


class _Settled:
    """Middleware that lets the platform do what is due, before a request is answered and after it."""

    def __init__(self, app: ASGIApp, settle: Callable[[], None]) -> None:
        self._app = app
        self._settle = settle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._settle()
        await self._app(scope, receive, send)
        self._settle()


@asynccontextmanager
async def serve(sandbox: Sandbox, port: int = 0) -> AsyncIterator[str]:
    """Run the sandbox in the running loop and yield its base URL; port 0 takes a free one. Events go to the webhook.

    Afterwards nothing is left: requests still in flight are ended after one second. `ConfigurationError` where the port
    cannot be had.
    """
    connections = Connections()
    # Added here and not in the app, because without a socket tests call the sandbox by any name.
    app = connections.around(OwnNamesOnly(sandbox.app))
    async with serve_app(app, port, protocol=connections.protocol) as base_url:
        courier = asyncio.create_task(sandbox.keep_delivering_events())
        try:
            yield base_url
        finally:
            courier.cancel()
            with suppress(asyncio.CancelledError):
                await courier
