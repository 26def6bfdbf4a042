"""Breaks connections: the real one over a socket; in process by an exception that the transport translates.

ASGI knows no way to end a connection without an answer. `Connections` adds one as the extension
`haptik_actions.connection` of the scope: the server's protocol class tells which socket belongs to which caller.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["Connections", "close", "reset", "until_gone"]

_EXTENSION = "haptik_actions.connection"
# SO_LINGER with a time of 0: closing the socket then resets the connection (RFC 9293, 3.10.4).
_NO_LINGER = struct.pack("ii", 1, 0)


class Connections:
    """The open connections of one server: give it `protocol`, and let it serve what `around` returns."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}
        self.protocol: type[asyncio.Protocol] = _protocol(self._open)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with the caller's connection in the scope's extensions."""

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            connection = self._open.get(tuple(scope.get("client") or ()))
            extensions = {**(scope.get("extensions") or {}), _EXTENSION: connection}
            await app({**scope, "extensions": extensions}, receive, send)

        return with_connection


def _protocol(opened: dict[tuple[str, int], asyncio.Transport]) -> type[asyncio.Protocol]:
    # uvicorn makes the protocol objects itself, so the class has to carry the registry.
    class Registered(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            self._peer = transport.get_extra_info("peername")[:2]
            opened[self._peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            opened.pop(self._peer, None)
            super().connection_lost(exc)

    return Registered


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the caller's connection; without a socket raise `ConnectionResetError`."""
    transport = _transport(scope)
    if transport is None:
        raise ConnectionResetError("the sandbox reset the connection")
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    await until_gone(receive)


async def close(scope: Scope, receive: Receive) -> None:
    """Close the caller's connection after what was sent; without a socket raise `ConnectionAbortedError`."""
    transport = _transport(scope)
    if transport is None:
        raise ConnectionAbortedError("the sandbox closed the connection in the middle of its answer")
    transport.close()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Wait until the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _transport(scope: Scope) -> Any:
    return (scope.get("extensions") or {}).get(_EXTENSION)
