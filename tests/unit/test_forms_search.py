"""The search service behind a field: its protocol, its time, and what it may not do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from haptik_actions.errors import ConfigurationError, SearchUnavailable
from haptik_actions.forms import check_source, search_titles

SOURCE = "https://places.example.org/find?country=in"


def answering(status: int = 200, body: Any = None, seen: list[httpx.Request] | None = None) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content)

    return httpx.MockTransport(answer)


def found(*titles: str) -> dict[str, Any]:
    return {"success": True, "data": [{"title": title} for title in titles], "query": "g", "error": None}


async def test_the_documented_call_and_answer() -> None:
    seen: list[httpx.Request] = []
    transport = answering(body=found("Gate 4", "Gateway  of India", "Gate 4", " "), seen=seen)
    titles = await search_titles(SOURCE, "ga & te", user_id="user-1", user_name="asha", transport=transport)
    assert titles == ["Gate 4", "Gateway of India"]
    assert dict(seen[0].url.params) == {
        "country": "in",
        "query": "ga & te",
        "user_id": "user-1",
        "user_name": "asha",
    }
    assert (seen[0].method, seen[0].url.host) == ("GET", "places.example.org")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"success": False, "data": [], "query": "g", "error": "no"}),
        (200, {"data": []}),
        (200, {"success": True, "data": [{"name": "x"}]}),
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, b'"' + b"x" * 300_000 + b'"'),
        (302, {}),
        (500, found("x")),
    ],
    ids=["says no", "no success", "no title", "html", "no utf-8", "too long", "redirect", "500"],
)
async def test_what_is_no_answer_of_the_protocol(status: int, body: Any) -> None:
    with pytest.raises(SearchUnavailable):
        await search_titles(SOURCE, "g", user_id="u", transport=answering(status, body))


async def test_at_most_fifty_titles() -> None:
    transport = answering(body=found(*(f"Gate {number}" for number in range(200))))
    assert len(await search_titles(SOURCE, "g", user_id="u", transport=transport)) == 50


@asynccontextmanager
async def trickling() -> AsyncIterator[str]:
    """A service that sends a byte now and then, for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.02)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/find"


async def test_the_time_is_that_of_the_whole_answer() -> None:
    async with trickling() as source:
        with pytest.raises(SearchUnavailable):
            await search_titles(source, "g", user_id="u", seconds=0.3)


async def test_a_service_that_hangs_up(dropping_server: Callable[[], Any]) -> None:
    async with dropping_server() as (port, _):
        with pytest.raises(SearchUnavailable):
            await search_titles(f"http://127.0.0.1:{port}/find", "g", user_id="u")


@pytest.mark.parametrize(
    ("source", "hosts", "refused"),
    [
        ("https://places.example.org/find", None, False),
        ("https://places.example.org/find", {"places.example.org"}, False),
        ("https://other.example.org/find", {"places.example.org"}, True),
        ("http://places.example.org/find", None, True),
        ("http://localhost:8000/find", {"localhost:8000"}, False),
        ("http://localhost:8001/find", {"localhost:8000"}, True),
        ("file:///etc/passwd", {""}, True),
        ("https://user:pa55@places.example.org", None, True),
        ("places.example.org", None, True),
        ("https://", None, True),
    ],
)
def test_which_addresses_are_asked(source: str, hosts: set[str] | None, refused: bool) -> None:
    if not refused:
        check_source("The field", source, hosts)
        return
    with pytest.raises(ConfigurationError, match="The field") as caught:
        check_source("The field", source, hosts)
    assert "pa55" not in str(caught.value)
