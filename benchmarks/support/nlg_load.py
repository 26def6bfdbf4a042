"""Sixteen connections that post the same call again and again, and how long each answer took."""

from __future__ import annotations

import asyncio
import time
from typing import Any

CONNECTIONS = 16


class _Connection(asyncio.Protocol):
    """No HTTP library: the server is to be the slow one."""

    def __init__(self, request: bytes, count: int, took: list[float]) -> None:
        self._request, self._left, self._took = request, count, took
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]):
            return
        self._took.append(time.perf_counter() - self._began)
        assert head.startswith(b"HTTP/1.1 200"), head
        assert body.startswith(b'{"text":"Order 1001 is on its way'), body
        self._buffer = b""
        self._left -= 1
        if self._left:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server hung up"))

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(self._request)


def ask(port: int, body: bytes, requests: int) -> tuple[float, float]:
    """Return answers a second, and the p99 of an answer in seconds. Runs in a process of its own."""
    return asyncio.run(_ask(port, body, requests))


async def _ask(port: int, body: bytes, requests: int) -> tuple[float, float]:
    head = f"POST / HTTP/1.1\r\nHost: nlg\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    took: list[float] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    connections = []
    for _ in range(CONNECTIONS):
        _, connection = await loop.create_connection(
            lambda: _Connection(head.encode() + body, requests // CONNECTIONS, took), "127.0.0.1", port
        )
        connections.append(connection)
    await asyncio.gather(*(connection.done for connection in connections))
    took.sort()
    return len(took) / (time.perf_counter() - began), took[int(len(took) * 0.99)]
