"""A worker that is killed in the middle, and two that work at once: nothing is lost, and order is kept."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from tests.support.patience import until
from tests.support.relay import Bench, bench, message, signed
from tests.support.relay_worker import lines

ROOT = Path(__file__).parents[2]
CHATS, MESSAGES = 20, 12


@contextmanager
def worker(url: str, folder: Path, hold_back: float = 0.3, lease: float = 2.0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works on the queues; killed at the end."""
    command = [sys.executable, "-m", "tests.support.relay_worker", url, str(folder), str(lease), str(hold_back)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def door(redis_client: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[Bench]:
    """A relay that takes events and words and works on none of them."""
    async with bench(valkey_url, start=False, client=None) as made:
        yield made


async def bring(door: Bench, chances: random.Random) -> list[Any]:
    """Messages in both directions, the events shuffled within a few neighbours and some of them doubled."""
    links = [await door.opened(f"user {number}") for number in range(CHATS)]
    events = [(number, message(link, 100 + number, f"m{number}")) for link in links for number in range(MESSAGES)]
    events += chances.sample(events, len(events) // 4)
    events.sort(key=lambda event: (event[0] + chances.random() * 3, chances.random()))
    for _, body in events:
        assert await door.relay.take(*signed(body)) == 200
    for number in range(MESSAGES):
        for link in links:
            assert await door.write(link, f"w{number}") == ["queued"]
    return links


def by_chat(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for id_, text in lines(path):
        found[id_].append(text)
    return found


async def is_all_there(folder: Path) -> bool:
    said, read = by_chat(folder / "said"), by_chat(folder / "read")
    return all(
        len(found) == CHATS and all(len(set(texts)) == MESSAGES for texts in found.values()) for found in (said, read)
    )


async def check(door: Bench, links: list[Any], folder: Path) -> None:
    await until(lambda: is_all_there(folder))
    said, read = by_chat(folder / "said"), by_chat(folder / "read")
    for link in links:
        assert said[link.id] == [f"m{number}" for number in range(MESSAGES)]
        # Doubled words stand behind one another, and the ledger knows of them.
        texts = read[link.id]
        assert list(dict.fromkeys(texts)) == [f"w{number}" for number in range(MESSAGES)]
        assert texts == sorted(texts, key=lambda text: int(text[1:]))
        doubled = sum(count - 1 for count in Counter(texts).values())
        if doubled:
            await until(partial(knows, door, link, doubled))


async def knows(door: Bench, link: Any, doubled: int) -> bool:
    return sum(how == "sent_again" for _, how in await door.ledger(link)) >= doubled


async def test_a_worker_is_killed_in_the_middle(door: Bench, valkey_url: str, tmp_path: Path) -> None:
    links = await bring(door, random.Random(7))
    with worker(valkey_url, tmp_path) as first:
        await until(lambda: has(tmp_path / "said", CHATS * MESSAGES // 4))
        os.kill(first.pid, signal.SIGKILL)
    with worker(valkey_url, tmp_path):
        await check(door, links, tmp_path)


async def test_two_workers_at_once(door: Bench, valkey_url: str, tmp_path: Path) -> None:
    # Longer than it takes to bring all events, on a machine that does something else as well.
    with worker(valkey_url, tmp_path, 5.0, 15.0), worker(valkey_url, tmp_path, 5.0, 15.0):
        await until(lambda: has(tmp_path / "up", 2))
        links = await bring(door, random.Random(8))
        await check(door, links, tmp_path)
    assert all(count == 1 for count in Counter(map(tuple, lines(tmp_path / "said"))).values())
    assert all(count == 1 for count in Counter(map(tuple, lines(tmp_path / "read"))).values())


async def has(path: Path, count: int) -> bool:
    return len(lines(path)) >= count
