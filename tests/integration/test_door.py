"""A connection costs next to nothing until a whole request is there."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol

from haptik_actions._connections import ConnectionLimits
from haptik_actions._serving import serve_app

PATIENT = ConnectionLimits(head_seconds=600, body_seconds=600, most=500)
HALVES = [b"", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"]


Protocol = type[asyncio.Protocol]
# What uvicorn takes where httptools is installed, and where it is not.
both_protocols = pytest.mark.parametrize("protocol", sorted({AutoHTTPProtocol, H11Protocol}, key=str))


class Echo:
    """An app that says back what it was sent, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)))


@contextlib.contextmanager
def crowd(url: str, number: int) -> Iterator[None]:
    """So many callers who never finish what they began."""
    with contextlib.ExitStack() as opened:
        for each in range(number):
            opened.enter_context(connected(url)).sendall(HALVES[each % len(HALVES)])
        yield


async def test_a_crowd_that_does_not_finish_calls_nothing_and_starts_nothing() -> None:
    app = Echo()
    async with serve_app(app, limits=PATIENT) as url, httpx.AsyncClient(base_url=url) as http:
        await http.post("/", content=b"first")
        tasks = len(asyncio.all_tasks())
        with crowd(url, 90):
            # Whoever is answered came after all of them.
            async with httpx.AsyncClient(base_url=url) as last:
                assert (await last.post("/", content=b"last")).content == b"last"
            assert app.calls == 2
            assert len(asyncio.all_tasks()) <= tasks


async def test_a_crowd_keeps_nobody_out_who_was_there_before() -> None:
    async with serve_app(Echo(), limits=PATIENT) as url, httpx.AsyncClient(base_url=url) as http:
        stream = (await http.post("/", content=b"first")).extensions["network_stream"]
        port = stream.get_extra_info("client_addr")[1]
        with crowd(url, 600):
            answer = await http.post("/", content=b"second")
        # The same connection, though there were too many of them.
        assert answer.extensions["network_stream"].get_extra_info("client_addr")[1] == port


SENT = {
    "in one piece": [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"],
    "byte by byte": [bytes([each]) for each in b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"],
    "in chunks": [b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nhi\r\n", b"0\r\n\r\n"],
}


@both_protocols
@pytest.mark.parametrize("pieces", SENT.values(), ids=SENT)
async def test_a_request_that_comes_in_pieces_is_answered(pieces: list[bytes], protocol: Protocol) -> None:
    async with serve_app(Echo(), protocol=protocol, limits=PATIENT) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(2) == b"hi"
        writer.close()


@both_protocols
@pytest.mark.parametrize("size", [0, 1, 65_000, 70_000, 3_000_000])
async def test_bodies_of_every_size_come_whole(size: int, protocol: Protocol) -> None:
    body = bytes(each % 251 for each in range(size))
    async with serve_app(Echo(), protocol=protocol, limits=PATIENT) as url, httpx.AsyncClient(base_url=url) as http:
        for _ in range(2):
            assert (await http.post("/", content=body)).content == body


@both_protocols
async def test_two_requests_in_one_piece_are_both_answered(protocol: Protocol) -> None:
    async with serve_app(Echo(), protocol=protocol, limits=PATIENT) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nho")
        told = await reader.read()
        assert (told.count(b"HTTP/1.1 200"), told.endswith(b"ho")) == (2, True)
        writer.close()


@both_protocols
async def test_who_asks_whether_to_send_the_body_is_told(protocol: Protocol) -> None:
    async with serve_app(Echo(), protocol=protocol, limits=PATIENT) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(b"hi")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()


@both_protocols
async def test_what_is_no_http_is_told_so(protocol: Protocol) -> None:
    async with serve_app(Echo(), protocol=protocol, limits=PATIENT) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_the_server_ends_though_callers_wait_at_the_door() -> None:
    async with serve_app(Echo(), limits=PATIENT) as url:
        waiting = [connected(url) for _ in range(3)]
        # Whoever is answered came after them.
        async with httpx.AsyncClient(base_url=url) as http:
            await http.get("/")
    for each in waiting:
        with each:
            each.settimeout(20)
            with contextlib.suppress(ConnectionResetError):
                assert each.recv(1) == b""


FEW_DESCRIPTORS = """
import asyncio, sys
from haptik_actions._connections import ConnectionLimits
from haptik_actions._serving import serve_app
from tests.integration.test_door import Echo

async def main():
    async with serve_app(Echo(), limits=ConnectionLimits(head_seconds=600, body_seconds=600)) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


async def test_a_server_without_a_free_descriptor_goes_on_answering() -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FEW_DESCRIPTORS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)),
    )
    assert server.stdout is not None
    assert server.stdin is not None
    url = (await server.stdout.readline()).decode().strip()
    with crowd(url, 200):
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            assert (await http.post("/", content=b"all the same")).content == b"all the same"
    server.stdin.close()
    assert await server.wait() == 0
