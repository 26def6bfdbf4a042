"""A platform that refuses chats for being too many is asked no faster than it takes them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from haptik_actions._deadline import deadline
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from haptik_actions.escalation import Delivery, Entry, HandOff, MemoryOutbox, Terms

TERMS = Terms(limit=100_000)


class Platform:
    """Takes `limit` chats in each second, and remembers what it was asked."""

    def __init__(self, limit: int, headers: dict[str, str] | None = None) -> None:
        self.limit, self.headers = limit, headers
        self.took: Counter[str] = Counter()
        self.refused: list[float] = []
        self._seconds: Counter[int] = Counter()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        now = time.monotonic()
        self._seconds[int(now)] += 1
        if self._seconds[int(now)] > self.limit:
            self.refused.append(now)
            return httpx.Response(429, json={"error_message": "too many"}, headers=self.headers)
        self.took[json.loads(request.content)["user_name"]] += 1
        return httpx.Response(200, json={"success": True})


@asynccontextmanager
async def delivering(platform: Platform) -> AsyncIterator[Delivery]:
    credentials = StaticCredentials(client_id="client-1", token="s3cr3t-token")
    server = PlatformServer("https://haptik.example")
    client = HaptikClient(
        server, credentials, transport=httpx.MockTransport(platform.answer), repeat_refused=False, retries=0
    )
    delivery = Delivery(client, MemoryOutbox())
    delivery.start()
    yield delivery
    await delivery.aclose()
    await client.aclose()


def handoff(number: int) -> HandOff:
    return HandOff(id=f"id-{number}", user_name=f"u{number}", business_id=343, teams=("support",))


async def until(is_so: Callable[[], bool]) -> None:
    async with deadline(60):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_storm_is_delivered_as_fast_as_the_platform_takes_it_with_few_refusals() -> None:
    platform = Platform(50)
    async with delivering(platform) as delivery:
        # Six seconds' worth: nobody waits for all the others.
        ended = await asyncio.gather(*(delivery.hand_over(handoff(n), TERMS) for n in range(300)))
        assert len(platform.took) < 300
        assert {each.state for each in ended} == {"connected", "delayed"}
        await until(lambda: len(platform.took) == 300)
    assert set(platform.took.values()) == {1}
    # A hundred are on their way when the first is refused.
    assert len(platform.refused) < 150


async def test_one_refusal_costs_a_moment_and_not_the_connection() -> None:
    platform = Platform(0)
    async with delivering(platform) as delivery:
        asyncio.get_running_loop().call_later(0.05, setattr, platform, "limit", 100)
        ended = await delivery.hand_over(handoff(1), TERMS)
    assert (ended.state, bool(platform.refused)) == ("connected", True)


async def test_what_the_platform_asks_for_holds_for_all_of_a_worker() -> None:
    platform = Platform(0, {"Retry-After": "3"})
    async with delivering(platform) as delivery:
        assert (await delivery.hand_over(handoff(1), TERMS)).reason == "RateLimited"
        # Nobody waits for what does not come.
        ended = await asyncio.gather(*(delivery.hand_over(handoff(n), TERMS) for n in range(2, 50)))
        assert {(each.state, each.reason) for each in ended} == {("delayed", "TooManyAtOnce")}
        assert time.monotonic() < platform.refused[0] + 3
        platform.limit = 100
        assert await delivery.deliver_due() == 0
        await until(lambda: len(platform.took) == 49)
    assert len(platform.refused) == 1
    assert time.monotonic() - platform.refused[0] > 3


async def test_a_platform_that_takes_nothing_is_asked_about_once_a_second() -> None:
    platform = Platform(0)
    async with delivering(platform) as delivery:
        for n in range(200):
            await delivery.outbox.open(handoff(n), TERMS)
            await delivery.outbox.later(Entry(handoff=handoff(n), created=time.time()), 0)
        await asyncio.sleep(4)
        assert 1 <= len([at for at in platform.refused if at > platform.refused[0] + 0.5]) <= 12
        assert await delivery.outbox.depth() == (200, 0)
