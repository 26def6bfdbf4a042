from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from haptik_actions._serving import serve_app
from tests.support.patience import SECONDS


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["client"][0].encode()})


async def test_an_answer_is_sent_without_waiting_for_more() -> None:
    """With Nagle's algorithm head and body of an answer, two writes, are 40 ms apart."""
    seen: list[int] = []

    class Watching(AutoHTTPProtocol):  # type: ignore[misc,valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            connection = transport.get_extra_info("socket")
            seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            super().connection_made(transport)

    async with serve_app(app, protocol=Watching) as url, httpx.AsyncClient(timeout=SECONDS) as http:
        await http.get(url)
    assert seen == [1]


@pytest.mark.parametrize(
    ("proxy", "client"), [(None, "127.0.0.1"), ("127.0.0.1", "203.0.113.9"), ("10.1.1.1", "127.0.0.1")]
)
async def test_only_the_proxy_says_who_calls(proxy: str | None, client: str) -> None:
    async with serve_app(app, proxy=proxy) as url, httpx.AsyncClient(timeout=SECONDS) as http:
        assert (await http.get(url, headers={"X-Forwarded-For": "203.0.113.9"})).text == client


async def test_another_address_of_the_loopback_interface() -> None:
    async with serve_app(app, host="127.0.0.2") as url, httpx.AsyncClient(timeout=SECONDS) as http:
        assert url.startswith("http://127.0.0.2:")
        assert (await http.get(url)).status_code == 200
