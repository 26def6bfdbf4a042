"""Limits on the connections of a server, so that callers who never finish a request cannot keep others out.

A connection costs a file descriptor from its first moment, and uvicorn waits for ever for the rest of a request. Here a
request has to come within seconds. Where there are too many connections one whose request is incomplete is closed: of
those that wait at the gate (`_request_gate.py`) the oldest, else the oldest that uvicorn has. A caller such as Rasa,
who sends a whole request at once, is never closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["ConnectionLimits", "Connections", "raise_descriptor_limit"]

_Phase = Literal["head", "body", "answer"]

_DESCRIPTORS_WANTED = 8_192
# What the process needs besides: Redis, files, the connections to the studio's pages.
_DESCRIPTORS_KEPT = 192
_DESCRIPTORS_UNKNOWN = 1_024
_MOST_CONNECTIONS = 2_000


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
        free = raise_descriptor_limit() - _DESCRIPTORS_KEPT
        return cls(most=max(64, min(_MOST_CONNECTIONS, free)))


class _Connection:
    __slots__ = ("phase", "since", "transport")

    def __init__(self, transport: asyncio.Transport, since: float) -> None:
        self.transport, self.since = transport, since
        self.phase: _Phase = "head"

    def enter(self, phase: _Phase, now: float) -> None:
        self.phase, self.since = phase, now


class Connections:
    """The connections of one server on which a request has come: its protocol and its app are wrapped to know them."""

    def __init__(self, limits: ConnectionLimits, timer: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._timer = timer
        self._open: dict[tuple[str, int], _Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self, base: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
        """Return `base` for connections that are handed on: what has been read of them stands in `held`."""
        connections = self

        class Counted(base):  # type: ignore[misc,valid-type]
            held = b""

            def connection_made(self, transport: Any) -> None:
                connections._began(transport)
                super().connection_made(transport)
                held, self.held = self.held, b""
                self.data_received(held)

            def connection_lost(self, exc: Exception | None) -> None:
                connections._ended(self.transport)
                super().connection_lost(exc)

        return Counted

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

    def close_overdue(self) -> None:
        """Close those whose request takes too long."""
        now = self._timer()
        allowed = {"head": self.limits.head_seconds, "body": self.limits.body_seconds, "answer": float("inf")}
        for each in [each for each in self._open.values() if now - each.since > allowed[each.phase]]:
            each.transport.abort()

    def close_oldest(self) -> bool:
        """Close the first that is not being answered, and tell whether there was one."""
        for name, connection in self._open.items():
            if connection.phase != "answer":
                self._open.pop(name)
                connection.transport.abort()
                return True
        return False

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
        if name is not None:
            self._open[name] = _Connection(transport, self._timer())

    def _ended(self, transport: asyncio.Transport) -> None:
        self._open.pop(_name(transport) or ("", 0), None)


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
