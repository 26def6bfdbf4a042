"""How much the client costs: requests a second and p99 with 50 calls in flight, beside httpx and bare aiohttp.

    .venv/bin/python benchmarks/client.py            # prints JSON

All sides run in this process against one local server in a process of its own, in turns, so that a machine that slows
down slows all of them. The figures that count are the ratios. The client itself stands there three times: over its own
transport, over that of httpx-aiohttp, which is left out where it does not run with the installed aiohttp, and over
httpx's own.
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

from haptik_actions._serving import free_port
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.client._transcripts import read_transcript
from haptik_actions.client._transport import Reply
from haptik_actions.credentials import CachedCredentials, Credentials, StaticCredentials

IN_FLIGHT = 50
CALLS = 3000
ROUNDS = 5
SLOW = ("httpx", "haptik_client_over_httpx")
PATH = "/integration/external/v1.0/send_chat_to_agent/"
BODY = {"team_name": "support", "user_name": "asha", "business_id": 1201}
CREDENTIALS = StaticCredentials(client_id="client", token="token")
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

    async def ours(transport: httpx.AsyncBaseTransport | None = None) -> Call:
        client = await stack.enter_async_context(
            HaptikClient(PlatformServer(url), CREDENTIALS, transport=transport, timeout=60)
        )

        async def call() -> None:
            await client.send_chat_to_agent(user_name="asha", business_id=1201, team_name="support")

        return call

    async def theirs(transport: httpx.AsyncBaseTransport | None = None) -> Call:
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, timeout=60))

        async def call() -> None:
            reply = await client.post(url + PATH, json=BODY, headers=HEADERS)
            assert reply.json()["success"] is True

        return call

    bare = await stack.enter_async_context(aiohttp.ClientSession())

    async def aiohttp_alone() -> None:
        async with bare.post(url + PATH, json=BODY, headers=HEADERS) as reply:
            assert (await reply.json())["success"] is True

    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    found = {
        "haptik_client": await ours(),
        "haptik_client_over_httpx": await ours(httpx.AsyncHTTPTransport(limits=limits)),
        "httpx": await theirs(),
        "aiohttp": aiohttp_alone,
    }
    if (other := httpx_aiohttp_transport()) is not None:
        found["haptik_client_over_httpx_aiohttp"] = await ours(other())
        found["httpx_with_httpx_aiohttp"] = await theirs(other())
    return found


def httpx_aiohttp_transport() -> Callable[[], httpx.AsyncBaseTransport] | None:
    """The other transport over aiohttp, with the same number of connections; None where it cannot be imported."""
    try:
        from httpx_aiohttp import AiohttpTransport
    except (ImportError, AttributeError):
        return None
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    return lambda: AiohttpTransport(limits=limits)


async def rate(call: Call, calls: int = CALLS) -> tuple[float, float, float]:
    """Requests a second, the 99th percentile of a call's time in milliseconds, and the CPU of a call in microseconds.

    `IN_FLIGHT` callers make the calls. The CPU is that of this process, and says most on a machine that is busy.
    """
    times: list[float] = []

    async def caller(count: int) -> None:
        for _ in range(count):
            started = time.perf_counter()
            await call()
            times.append(time.perf_counter() - started)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller(calls // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    elapsed = time.perf_counter() - started
    cpu = time.process_time() - cpu
    return len(times) / elapsed, 1000 * statistics.quantiles(times, n=100)[98], 1e6 * cpu / len(times)


async def measure_calls(url: str) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        calls = await sides(url, stack)
        results: dict[str, list[tuple[float, float, float]]] = {name: [] for name in calls}
        for call in calls.values():
            await rate(call, 500)
        for _ in range(ROUNDS):
            for name, call in calls.items():
                results[name].append(await rate(call, CALLS // 3 if name in SLOW else CALLS))
    figures = {
        name: {
            "requests_per_second": round(statistics.median(r for r, _, _ in rounds)),
            "p99_ms": round(statistics.median(p for _, p, _ in rounds), 1),
            "cpu_us": round(statistics.median(cpu for _, _, cpu in rounds)),
        }
        for name, rounds in results.items()
    }

    def ratios(other: str, index: int) -> float:
        pairs = zip(results["haptik_client"], results[other], strict=True)
        return round(statistics.median(ours[index] / theirs[index] for ours, theirs in pairs), 3)

    others: dict[str, dict[str, Any]] = {
        f"requests_vs_{name}": {"measured": ratios(name, 0)} for name in results if name != "haptik_client"
    }
    others["requests_vs_httpx"]["goal"] = "at least 7"
    others["requests_vs_aiohttp"]["goal"] = "at least 0.6"
    p99 = {"measured": ratios("httpx", 1), "goal": "at most 0.1"}
    return {"aiohttp": aiohttp.__version__, "sides": figures, **others, "p99_vs_httpx": p99}


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
