"""What editors do does not delay what users read: the pages are a process of their own, and callers have limits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis.asyncio

from haptik_actions._connections import ConnectionLimits
from haptik_actions._serving import serve_app
from haptik_actions.config import Settings
from haptik_actions.studio import serve
from tests.support.patience import SECONDS
from tests.support.studio import token_of

CALL = {"response": "utter_greet", "arguments": {}, "tracker": {}, "channel": {"name": "rest"}}


@pytest.fixture
async def http(redis_client: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[httpx.AsyncClient]:
    await redis_client.set("haptik:messages:en:utter_greet", "Hello!")
    async with (
        serve(Settings(redis_url=valkey_url)) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        yield client


def pages_process() -> int:
    """The only child of this process that runs the studio's pages."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    (found,) = [int(each) for each in children if b"studio._pages" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return found


async def test_rasa_is_answered_while_the_pages_stand_still(http: httpx.AsyncClient) -> None:
    pages = pages_process()
    os.kill(pages, signal.SIGSTOP)
    try:
        waiting = asyncio.ensure_future(http.get("/"))
        for _ in range(20):
            assert (await http.post("/nlg", json=CALL)).json()["text"] == "Hello!"
        assert not waiting.done()
    finally:
        os.kill(pages, signal.SIGCONT)
    assert (await waiting).status_code == 200


async def test_pages_that_end_come_back_and_rasa_notices_nothing(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    first = pages_process()
    os.kill(first, signal.SIGKILL)
    seen = set()
    while (answer := await http.get("/")).status_code != 200:
        seen.add(answer.status_code)
        assert (await http.post("/nlg", json=CALL)).json()["text"] == "Hello!"
        await asyncio.sleep(0.05)
    assert seen <= {503}
    assert pages_process() != first
    assert "The process of the studio's pages ended (signal 9)." in caplog.text


async def test_the_pages_end_with_the_studio(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    async with serve(Settings(redis_url=valkey_url)):
        pages = pages_process()
    with pytest.raises(ProcessLookupError):
        os.kill(pages, 0)


async def test_a_form_passes_with_its_cookie_and_nobody_says_for_whom(http: httpx.AsyncClient) -> None:
    page = await http.get("/message?key=utter_greet&locale=en")
    form = {"csrf": token_of(page.text), "key": "utter_greet", "locale": "en", "v0.text": "Grüß dich {", "do": "x"}
    answer = await http.post("/message", data={**form, "variations": "1"})
    assert answer.status_code == 200
    assert "Grüß dich" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    # The names by which the two processes tell each other who calls cannot be sent from outside.
    told = {"X-Haptik-Front-Scheme": "https", "X-Haptik-Front-Client": "203.0.113.9"}
    async with httpx.AsyncClient(base_url=http.base_url, timeout=SECONDS) as fresh:
        assert "Secure" not in (await fresh.get("/sign-in", headers=told)).headers.get("set-cookie", "")


async def answering(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def begin(url: str, sent: bytes) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(sent)
    connection.setblocking(False)
    return connection


async def is_closed(connection: socket.socket) -> bool:
    try:
        return await asyncio.get_running_loop().sock_recv(connection, 100) == b""
    except ConnectionResetError:
        return True


HALVES = [b"", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"]


@pytest.mark.parametrize("sent", HALVES)
async def test_a_request_that_does_not_end_is_closed(sent: bytes) -> None:
    limits = ConnectionLimits(head_seconds=0.2, body_seconds=0.2)
    async with serve_app(answering, limits=limits) as url:
        with begin(url, sent) as connection:
            assert await asyncio.wait_for(is_closed(connection), 20)


@pytest.mark.parametrize("sent", HALVES)
async def test_where_there_are_too_many_the_one_that_waits_longest_goes(sent: bytes) -> None:
    limits = ConnectionLimits(head_seconds=600, body_seconds=600, most=5)
    async with serve_app(answering, limits=limits) as url, httpx.AsyncClient(base_url=url, timeout=SECONDS) as http:
        with contextlib.ExitStack() as opened:
            halves = [opened.enter_context(begin(url, sent)) for _ in range(20)]
            for _ in range(3):
                assert (await http.post("/", content=b"whole")).text == "ok"
            first = [asyncio.wait_for(is_closed(each), 20) for each in halves[:15]]
            assert all(await asyncio.gather(*first))
