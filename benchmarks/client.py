"""How much the client costs: requests a second and p99 with 50 calls in flight, beside httpx and bare aiohttp.

    .venv/bin/python benchmarks/client.py            # prints JSON

All sides run in this process against one local server in a process of its own, in turns, so that a machine that slows
down slows all of them. The figures that count are the ratios.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import httpx
from aiohttp import web
from cachetools import TTLCache
from httpx_aiohttp import AiohttpTransport

from haptik_actions._serving import free_port
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.client._transcripts import read_transcript
from haptik_actions.client._transport import Reply
from haptik_actions.credentials import CachedCredentials, Credentials, StaticCredentials

IN_FLIGHT = 50
CALLS = 3000
ROUNDS = 5
PATH = "/integration/external/v1.0/send_chat_to_agent/"
BODY = {"team_name": "support", "user_name": "asha", "business_id": 1201}
HEADERS = {"Authorization": "Bearer token", "client-id": "client", "Content-Type": "application/json"}

Call = Callable[[], Awaitable[None]]


def serve(port: int) -> None:
    """The local server: as little work per request as possible, so that the clients are what is measured."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"success": True})

    app = web.Application()
    app.router.add_post(PATH, answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


async def sides(url: str, stack: AsyncExitStack) -> dict[str, Call]:
    """Every side as a function that makes one call and checks its answer."""
    ours = await stack.enter_async_context(
        HaptikClient(PlatformServer(url), StaticCredentials(client_id="client", token="token"))
    )
    plain = await stack.enter_async_context(httpx.AsyncClient())
    fast = await stack.enter_async_context(httpx.AsyncClient(transport=AiohttpTransport()))
    bare = await stack.enter_async_context(aiohttp.ClientSession())

    async def haptik() -> None:
        await ours.send_chat_to_agent(user_name="asha", business_id=1201, team_name="support")

    def through(client: httpx.AsyncClient) -> Call:
        async def call() -> None:
            reply = await client.post(url + PATH, json=BODY, headers=HEADERS)
            assert reply.json()["success"] is True

        return call

    async def aiohttp_alone() -> None:
        async with bare.post(url + PATH, json=BODY, headers=HEADERS) as reply:
            assert (await reply.json())["success"] is True

    return {
        "haptik_client": haptik,
        "httpx": through(plain),
        "httpx_with_httpx_aiohttp": through(fast),
        "aiohttp": aiohttp_alone,
    }


async def rate(call: Call, calls: int = CALLS) -> tuple[float, float]:
    """Requests a second, and the 99th percentile of a call's time in milliseconds, with `IN_FLIGHT` callers."""
    times: list[float] = []

    async def caller(count: int) -> None:
        for _ in range(count):
            started = time.perf_counter()
            await call()
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(caller(calls // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    elapsed = time.perf_counter() - started
    return len(times) / elapsed, 1000 * statistics.quantiles(times, n=100)[98]


async def measure_calls(url: str) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        calls = await sides(url, stack)
        results: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
        for call in calls.values():
            await rate(call, 500)
        for _ in range(ROUNDS):
            for name, call in calls.items():
                results[name].append(await rate(call, CALLS if name != "httpx" else CALLS // 3))
    figures = {
        name: {
            "requests_per_second": round(statistics.median(r for r, _ in rounds)),
            "p99_ms": round(statistics.median(p for _, p in rounds), 1),
        }
        for name, rounds in results.items()
    }

    def ratios(other: str, index: int) -> float:
        pairs = zip(results["haptik_client"], results[other], strict=True)
        return round(statistics.median(ours[index] / theirs[index] for ours, theirs in pairs), 3)

    return {
        "sides": figures,
        "requests_vs_httpx": {"measured": ratios("httpx", 0), "goal": "at least 7"},
        "p99_vs_httpx": {"measured": ratios("httpx", 1), "goal": "at most 0.1"},
        "requests_vs_aiohttp": {"measured": ratios("aiohttp", 0), "goal": "at least 0.6"},
        "requests_vs_httpx_with_httpx_aiohttp": {"measured": ratios("httpx_with_httpx_aiohttp", 0)},
    }


class Source:
    """A slow source of credentials that counts its reads."""

    def __init__(self) -> None:
        self.reads = 0

    async def get(self) -> Credentials:
        self.reads += 1
        await asyncio.sleep(0.05)
        return Credentials(client_id="client", token="token")


async def measure_credentials() -> dict[str, Any]:
    source = Source()
    cached = CachedCredentials(source)
    await asyncio.gather(*(cached.get() for _ in range(10_000)))

    table: TTLCache[str, int] = TTLCache(maxsize=1, ttl=300)
    table["credentials"] = 1

    async def bare() -> int:
        return table["credentials"]

    async def seconds(read: Callable[[], Awaitable[Any]], count: int = 50_000) -> float:
        started = time.perf_counter()
        for _ in range(count):
            await read()
        return (time.perf_counter() - started) / count

    pairs = [(await seconds(cached.get), await seconds(bare)) for _ in range(ROUNDS)]
    return {
        "reads_for_10000_cold_callers": {"measured": source.reads, "goal": 1},
        "warm_read_vs_bare_ttlcache": {
            "measured": round(statistics.median(ours / theirs for ours, theirs in pairs), 2),
            "goal": "at most 3",
        },
    }


async def measure_transcript() -> dict[str, Any]:
    rows = [
        {
            "text": f"Message {number} of a chat about order {number * 7} 📦",
            "sender": ("user", "bot", "Asha Rao")[number % 3],
            "message_id": 1742 + number,
            "timestamp": "06/22/20 07:24:25 AM UTC",
        }
        for number in range(500)
    ]
    body = json.dumps({"chat_json": rows}).encode()
    reply, read = Reply(200, {}, body), read_transcript("2.0")

    def seconds(work: Callable[[], object], count: int = 200) -> float:
        started = time.perf_counter()
        for _ in range(count):
            work()
        return (time.perf_counter() - started) / count

    pairs = [(seconds(lambda: json.loads(body)), seconds(lambda: read("/", reply, str))) for _ in range(ROUNDS)]
    return {
        "microseconds": round(1e6 * statistics.median(ours for _, ours in pairs)),
        "speed_vs_json_loads": {
            "measured": round(statistics.median(theirs / ours for theirs, ours in pairs), 2),
            "goal": "at least 0.5",
        },
    }


async def main() -> None:
    port = free_port()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient() as probe:
            for _ in range(200):
                try:
                    await probe.get(url)
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        report = {"calls": await measure_calls(url), "credentials": await measure_credentials()}
        report["transcript_of_500_messages"] = await measure_transcript()
    finally:
        server.terminate()
        server.join()
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
