from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
from uvicorn.protocols.http.h11_impl import H11Protocol

from haptik_actions._serving import serve_app


class Watched(H11Protocol):
    """uvicorn's own protocol, which also looks at the option of its connection."""

    without_delay: list[int]

    def connection_made(self, transport: Any) -> None:
        option = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        type(self).without_delay.append(option)
        super().connection_made(transport)


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_head() -> None:
    Watched.without_delay = []
    async with serve_app(app, protocol=Watched) as url:
        answer = await asyncio.to_thread(httpx.get, url)
    assert answer.text == "ok"
    assert Watched.without_delay
    assert all(Watched.without_delay)
