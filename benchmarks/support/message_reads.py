"""What a cached text costs beside a bare look-up, and what 100,000 messages cost at all."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis
from cachetools import TTLCache

from haptik_actions.messages import Catalogue, MessageStore
from support.valkey import running

CALLS, ROUNDS = 20_000, 15
MESSAGES = 100_000
MICRO = 1e6
KIB = 1024.0


async def measure_cached() -> dict[str, Any]:
    """Microseconds of a cached text, as ratios to a bare `TTLCache` look-up plus an await. Sides in turns; medians."""
    with running() as valkey:
        client = redis.Redis.from_url(valkey.url)
        client.set("haptik:messages:en:plain", "Hello there!")
        client.set("haptik:messages:en:filled", "Order {order_id} is {state}.")
        store = MessageStore.from_url(valkey.url)
        store.start()
        cache: TTLCache[str, str] = TTLCache(10_000, 60)
        cache["plain"] = "Hello there!"

        async def bare() -> str:
            return cache["plain"]

        sides: dict[str, Callable[[], Awaitable[str]]] = {
            "bare": bare,
            "text": lambda: store.text("plain"),
            "text_in_a_locale": lambda: store.text("plain", "en-IN"),
            "text_with_two_values": lambda: store.text("filled", order_id=1001, state="packed"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                seconds[name].append(await _each(side))
        await store.aclose()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "ratio_text_to_bare": round(medians["text"] / medians["bare"], 2),
        "ratio_text_in_a_locale_to_bare": round(medians["text_in_a_locale"] / medians["bare"], 2),
        "goal_ratio": 3,
        "two_values_add_us": round((medians["text_with_two_values"] - medians["text"]) * MICRO, 2),
        "goal_two_values_add_us": 3,
        "us": {name: round(value * MICRO, 2) for name, value in medians.items()},
    }


async def _each(side: Callable[[], Awaitable[str]]) -> float:
    await side()
    began = time.perf_counter()
    for _ in range(CALLS):
        await side()
    return (time.perf_counter() - began) / CALLS


START = """
import asyncio, resource, sys, time
began = time.perf_counter()
from haptik_actions.messages import MessageStore

async def main():
    store = MessageStore.from_url(sys.argv[1], maxsize=int(sys.argv[2]))
    store.start()
    await store.text("utter_00000", "en-IN")
    first = time.perf_counter() - began
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(int(sys.argv[3])):
        await store.text(f"utter_{number:05}", "en-IN")
    print(first, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    await store.aclose()

asyncio.run(main())
"""


async def measure_large() -> dict[str, Any]:
    """100,000 messages in Redis: a bot's start, its memory after reading them all, and lists and searches."""
    with running() as valkey:
        _fill(valkey.url)
        small = _process(valkey.url, 1_000, 1_000)
        bounded = _process(valkey.url, 1_000, MESSAGES)
        catalogue = Catalogue.from_url(valkey.url)
        catalogue.start()
        began = time.perf_counter()
        await catalogue.search()
        loading = time.perf_counter() - began
        asked = {
            "list": await _slowest(lambda: catalogue.search(offset=50_000)),
            "search": await _slowest(lambda: catalogue.search("order number 4711")),
            "search_missing": await _slowest(lambda: catalogue.search("order", locale="de", only="missing")),
            "summary": await _slowest(catalogue.summary),
        }
        client = redis.Redis.from_url(valkey.url)
        client.set("haptik:messages:en:utter_04711", "Changed by hand")
        await asyncio.sleep(0.1)
        asked["search_after_an_edit"] = await _slowest(lambda: catalogue.search("changed by hand"), times=1)
        await catalogue.aclose()
    return {
        "messages": MESSAGES,
        "seconds_from_import_to_the_first_text": round(small[0], 3),
        "goal_seconds": 1,
        "memory_mb_after_reading_1000": round(small[2] / KIB, 1),
        "memory_mb_after_reading_all_with_a_cache_of_1000": round(bounded[2] / KIB, 1),
        "seconds_until_the_studio_has_read_all": round(loading, 2),
        "slowest_ms": {name: round(value * 1000, 1) for name, value in asked.items()},
        "goal_ms": 200,
    }


def _fill(url: str) -> None:
    pipeline = redis.Redis.from_url(url).pipeline(transaction=False)
    for number in range(MESSAGES):
        pipeline.set(f"haptik:messages:en:utter_{number:05}", f"Your order number {number} is on its way to you.")
        if number % 10 == 0:
            pipeline.set(f"haptik:messages:de:utter_{number:05}", f"Ihre Bestellung {number} ist unterwegs.")
        if number % 5_000 == 4_999:
            pipeline.execute()
    pipeline.execute()


def _process(url: str, maxsize: int, count: int) -> list[float]:
    words = [sys.executable, "-c", START, url, str(maxsize), str(count)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=os.environ)
    return [float(word) for word in done.stdout.split()]


async def _slowest(ask: Callable[[], Awaitable[Any]], times: int = 9) -> float:
    slowest = 0.0
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        slowest = max(slowest, time.perf_counter() - began)
    return slowest
