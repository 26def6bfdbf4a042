"""How long after an edit every process says the new text: eight processes, a thousand edits by two ways."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any

import redis

from haptik_actions.messages import Catalogue, MessageStore
from support.valkey import running

PROCESSES, EDITS = 8, 1_000
KEY = "utter_greet"
PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 10.0


async def measure_edits() -> dict[str, Any]:
    """Milliseconds from before the edit is sent until the process reads it, over all processes and edits."""
    with running() as valkey:
        client = redis.Redis.from_url(valkey.url)
        client.set(f"haptik:messages:en:{KEY}", "-1 0")
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in range(PROCESSES)]
        readers = [context.Process(target=_read, args=(valkey.url, theirs)) for _, theirs in pipes]
        for reader in readers:
            reader.start()
        for ours, _ in pipes:
            assert ours.recv() == "tracking"
        await _edit(valkey.url, client)
        delays = [delay for ours, _ in pipes for delay in ours.recv()]
        for reader in readers:
            reader.join()
    delays.sort()
    return {
        "processes": PROCESSES,
        "edits": EDITS,
        "seen": len(delays),
        "p50_ms": round(_at(delays, 0.5), 2),
        "p99_ms": round(_at(delays, 0.99), 2),
        "slowest_ms": round(delays[-1] * 1000, 2),
        "goal_p99_ms": 50,
    }


def _at(delays: list[float], share: float) -> float:
    return delays[min(len(delays) - 1, int(len(delays) * share))] * 1000


async def _edit(url: str, client: redis.Redis) -> None:
    """Every second edit as `redis-cli` makes it, the others through the write path. The text is its own time stamp."""
    catalogue = Catalogue.from_url(url)
    for number in range(EDITS):
        text = f"{number} {time.monotonic()}"
        if number % 2:
            client.set(f"haptik:messages:en:{KEY}", text)
        else:
            revision = (await catalogue.get(KEY, "en")).revision
            text = f"{number} {time.monotonic()}"
            await catalogue.publish(KEY, "en", text, author="benchmark", expected=revision)
        await asyncio.sleep(PAUSE_SECONDS)
    await catalogue.aclose()


def _read(url: str, pipe: Connection) -> None:
    asyncio.run(_read_on(url, pipe))


async def _read_on(url: str, pipe: Connection) -> None:
    store = MessageStore.from_url(url)
    store.start()
    while not store.health().tracking:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await store.text(KEY)
    pipe.send("tracking")
    delays: dict[int, float] = {}
    ends = time.monotonic() + PATIENCE_SECONDS + EDITS * PAUSE_SECONDS * 4
    while EDITS - 1 not in delays and time.monotonic() < ends:
        number, at = (await store.text(KEY)).split()
        if int(number) >= 0 and int(number) not in delays:
            delays[int(number)] = time.monotonic() - float(at)
        await asyncio.sleep(0.001)
    pipe.send(list(delays.values()))
    await store.aclose()
