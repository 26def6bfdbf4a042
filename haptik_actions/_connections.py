"""Limits on the connections of a server, so that callers who never finish a request cannot keep others out.

A connection costs a file descriptor from its first moment, and uvicorn waits for ever for the rest of a request. Here a
request has to come within seconds, and where there are too many connections the one whose request has been incomplete
longest is closed. A caller such as Rasa, who sends a whole request at once, never is.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal

__all__ = ["ACCEPTED_AT_ONCE", "QUEUE", "ConnectionLimits", "Connections", "raise_descriptor_limit"]

_Phase = Literal["head", "body", "answer"]

_DESCRIPTORS_WANTED = 8_192
# What the process needs besides: Redis, files, the connections to the studio's pages.
_DESCRIPTORS_KEPT = 160
_DESCRIPTORS_UNKNOWN = 1_024
_MOST_CONNECTIONS = 2_000
_TICK_SECONDS, _CLOSED_AT_ONCE = 0.25, 32
_HEAD_ENDS = b"\r\n\r\n"
# The server's own limit, which answers what is longer, is not far from it.
_LONGEST_HEAD = 65_536
ACCEPTED_AT_ONCE = 64
"""New connections between two looks at the others: a crowd at the door shall not hold up who is inside."""
QUEUE = 2_048
"""Connections that the kernel holds until they are accepted. Who finds it full tries again a second later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Seconds until the first line and the headers of a request are there, and until its body is; most connections.

    The clock of the head starts with the connection and anew after each answer.
    """

    head_seconds: float = 10.0
    body_seconds: float = 120.0
    most: int = _MOST_CONNECTIONS

    @classmethod
    def of_this_process(cls) -> ConnectionLimits:
        """Return limits under which the process keeps file descriptors for its other work."""
        free = raise_descriptor_limit() - _DESCRIPTORS_KEPT - ACCEPTED_AT_ONCE
        return cls(most=max(64, min(_MOST_CONNECTIONS, free)))


class _Connection:
    __slots__ = ("phase", "since", "transport")

    def __init__(self, transport: asyncio.Transport, since: float) -> None:
        self.transport, self.since = transport, since
        self.phase: _Phase = "head"

    def enter(self, phase: _Phase, now: float) -> None:
        self.phase, self.since = phase, now


class Connections:
    """Keeps the limits for one server: its protocol and its app are wrapped, and `watching` runs beside it."""

    def __init__(self, limits: ConnectionLimits, timer: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._timer = limits, timer
        self._open: dict[tuple[str, int], _Connection] = {}

    def protocol(self, base: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
        """Return what becomes `base` for each connection on which the headers of a request are complete.

        Before that a connection costs next to nothing: a thousand of them at once shall not hold up who is in earnest.
        """
        connections = self

        class Counted(base):  # type: ignore[misc,valid-type]
            def connection_lost(self, exc: Exception | None) -> None:
                connections._ended(self.transport)
                super().connection_lost(exc)

        class Doorstep(asyncio.Protocol):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                self._inside = partial(Counted, *arguments, **options)
                self._head = b""

            def connection_made(self, transport: Any) -> None:
                self._transport = transport
                connections._began(transport)

            def data_received(self, data: bytes) -> None:
                seen = max(0, len(self._head) - len(_HEAD_ENDS))
                self._head += data
                if self._head.find(_HEAD_ENDS, seen) >= 0 or len(self._head) > _LONGEST_HEAD:
                    inside = self._inside()
                    self._transport.set_protocol(inside)
                    inside.connection_made(self._transport)
                    inside.data_received(self._head)

            def connection_lost(self, exc: Exception | None) -> None:
                connections._ended(self._transport)

        return Doorstep

    def app(self, app: Any) -> Any:
        """Return `app`, which tells how far the request of each connection is."""

        async def counted(scope: Any, receive: Any, send: Any) -> None:
            connection = self._open.get(tuple(scope.get("client") or ()))
            if scope["type"] != "http" or connection is None:
                await app(scope, receive, send)
                return
            connection.enter("body", self._timer())
            try:
                await app(scope, self._receiving(connection, receive), self._sending(connection, send))
            finally:
                connection.enter("head", self._timer())

        return counted

    @contextlib.asynccontextmanager
    async def watching(self) -> Any:
        """Close connections whose request takes too long, for the time of the block."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            # The server knows of none of them on which no request has begun.
            for connection in list(self._open.values()):
                connection.transport.abort()

    def _receiving(self, connection: _Connection, receive: Any) -> Any:
        async def receiving() -> Any:
            message = await receive()
            if not message.get("more_body"):
                connection.enter("answer", self._timer())
            return message

        return receiving

    def _sending(self, connection: _Connection, send: Any) -> Any:
        async def sending(message: Any) -> None:
            connection.enter("answer", self._timer())
            await send(message)

        return sending

    def _began(self, transport: asyncio.Transport) -> None:
        name = _name(transport)
        if name is None:
            return
        if len(self._open) >= self._limits.most:
            self._make_room(transport)
        if not transport.is_closing():
            self._open[name] = _Connection(transport, self._timer())

    def _ended(self, transport: asyncio.Transport) -> None:
        self._open.pop(_name(transport) or ("", 0), None)

    def _make_room(self, newest: asyncio.Transport) -> None:
        # In the order in which they came: the first that is not being answered has waited longest.
        for name, connection in self._open.items():
            if connection.phase != "answer":
                self._open.pop(name)
                connection.transport.abort()
                return
        newest.abort()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(_TICK_SECONDS, self._limits.head_seconds / 4))
            # Not all of a crowd in one go, nor will they be back in one go.
            for connection in list(islice(self._overdue(), _CLOSED_AT_ONCE)):
                connection.transport.abort()

    def _overdue(self) -> Iterator[_Connection]:
        now = self._timer()
        allowed = {"head": self._limits.head_seconds, "body": self._limits.body_seconds, "answer": float("inf")}
        return (each for each in self._open.values() if now - each.since > allowed[each.phase])


def raise_descriptor_limit() -> int:
    """Let this process have some thousand file descriptors, where the machine allows it; return how many it has.

    Shells give 1,024 by default, for programs of another age.
    """
    try:
        import resource
    except ImportError:
        return _DESCRIPTORS_UNKNOWN
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS_WANTED if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS_WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def _name(transport: asyncio.Transport) -> tuple[str, int] | None:
    """The caller's address and port, by which uvicorn names the connection to the app, too."""
    peer = transport.get_extra_info("peername")
    return (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else None
