from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from haptik_actions import errors
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials

SERVER = PlatformServer("https://haptik.example")
STATIC = StaticCredentials(client_id="client-1", token="s3cr3t-token")
CHAT: dict[str, Any] = {"user_name": "u1", "business_id": 343, "team_name": "support"}

Outcome = httpx.Response | type[Exception]


class Naps:
    """Stands in for asyncio.sleep and remembers for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Script:
    """Answers with one outcome after the other, the last one for ever."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes, self.calls = outcomes, 0

    def __call__(self, _: httpx.Request) -> httpx.Response:
        outcome = self.outcomes[min(self.calls, len(self.outcomes) - 1)]
        self.calls += 1
        if isinstance(outcome, httpx.Response):
            return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content)
        raise outcome("broken")


def says(status: int, message: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error_message": message} if message else {"success": True}, headers=headers)


def client_for(script: Script, naps: Naps, **options: Any) -> HaptikClient:
    return HaptikClient(SERVER, STATIC, transport=httpx.MockTransport(script), sleep=naps, **options)


PASSING: list[Outcome] = [
    httpx.ConnectError,
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.RemoteProtocolError,
    says(429, "slow down"),
    says(502, "bad gateway"),
    says(503, "down"),
    says(504, "late"),
]
LASTING: list[Outcome] = [
    says(400, "invalid team_name provided"),
    says(401, "invalid token provided"),
    says(403, "access forbidden"),
    says(404, "what"),
    says(500, "boom"),
    says(200, "user has not sent a message"),
    httpx.Response(200, content=b"<html>"),
]


@pytest.mark.parametrize("passing", PASSING, ids=str)
async def test_what_passes_is_repeated(passing: Outcome) -> None:
    script, naps = Script(passing, passing, says(200)), Naps()
    async with client_for(script, naps) as client:
        await client.send_chat_to_agent(**CHAT)
    assert script.calls == 3
    assert len(naps.seconds) == 2


@pytest.mark.parametrize("lasting", LASTING, ids=str)
async def test_what_lasts_is_not_repeated(lasting: Outcome) -> None:
    script, naps = Script(lasting), Naps()
    async with client_for(script, naps) as client:
        with pytest.raises(errors.HaptikError):
            await client.send_chat_to_agent(**CHAT)
    assert script.calls == 1
    assert naps.seconds == []


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (4, 5)])
async def test_the_last_error_is_what_the_caller_gets(retries: int, calls: int) -> None:
    script, naps = Script(*[httpx.ConnectError] * (calls - 1), says(503, "still down")), Naps()
    async with client_for(script, naps, retries=retries) as client:
        with pytest.raises(errors.ServerError, match="still down"):
            await client.send_chat_to_agent(**CHAT)
    assert script.calls == calls


async def test_the_pauses_have_full_jitter() -> None:
    firsts = []
    for _ in range(40):
        naps = Naps()
        async with client_for(Script(says(503, "x"), says(200)), naps) as client:
            await client.send_chat_to_agent(**CHAT)
        firsts += naps.seconds
    assert len(set(firsts)) > 30
    assert all(0 <= pause <= 1 for pause in firsts)


async def test_a_retry_after_is_honoured() -> None:
    script, naps = Script(says(429, "slow down", **{"retry-after": "3"}), says(200)), Naps()
    async with client_for(script, naps) as client:
        await client.send_chat_to_agent(**CHAT)
    assert naps.seconds == [3]


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    script, naps = Script(says(429, "slow down", **{"retry-after": "60"})), Naps()
    async with client_for(script, naps, timeout=8) as client:
        with pytest.raises(errors.RateLimited) as caught:
            await client.send_chat_to_agent(**CHAT)
    assert caught.value.retry_after == 60
    assert naps.seconds == []


async def test_one_deadline_covers_all_tries() -> None:
    async def slow_then_down(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.03)
        return says(503, "down")

    async with HaptikClient(
        SERVER, STATIC, transport=httpx.MockTransport(slow_then_down), timeout=0.1, retries=1000, sleep=Naps()
    ) as client:
        with pytest.raises((errors.DeadlineExceeded, errors.ServerError)):
            await client.send_chat_to_agent(**CHAT)


@pytest.mark.parametrize(
    ("outcome", "calls"),
    [
        (httpx.ConnectError, 3),
        (httpx.ConnectTimeout, 3),
        (httpx.ReadError, 1),
        (httpx.ReadTimeout, 1),
        (httpx.WriteError, 1),
        (says(503, "down"), 1),
        (says(429, "slow down"), 1),
    ],
    ids=str,
)
async def test_an_upload_is_repeated_only_where_nothing_was_sent(outcome: Outcome, calls: int) -> None:
    script = Script(outcome)
    async with client_for(script, Naps()) as client:
        with pytest.raises(errors.HaptikError):
            await client.create_faq_nodes(domain_name="shop", csv_file=b"node_name,question,answer\n")
    assert script.calls == calls


async def test_a_connection_that_drops_is_told_from_one_that_was_never_made(
    unused_port: int, dropping_server: Callable[[], Any]
) -> None:
    """Only one of the two sent nothing."""
    rows = b"node_name,question,answer\n"
    nowhere = PlatformServer(f"http://127.0.0.1:{unused_port}")
    naps = Naps()
    async with HaptikClient(nowhere, STATIC, sleep=naps) as client:
        with pytest.raises(errors.TransportError):
            await client.create_faq_nodes(domain_name="shop", csv_file=rows)
    assert len(naps.seconds) == 2

    async with dropping_server() as (port, connections):
        naps = Naps()
        async with HaptikClient(PlatformServer(f"http://127.0.0.1:{port}"), STATIC, sleep=naps) as client:
            with pytest.raises(errors.TransportError) as caught:
                await client.create_faq_nodes(domain_name="shop", csv_file=rows)
        assert type(caught.value) is errors.TransportError
        assert naps.seconds == []
        assert len(connections) == 1
