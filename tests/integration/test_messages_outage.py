"""Valkey is stopped and started under load: no blank, nobody waits long, and the copy is current again afterwards."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis.asyncio

from haptik_actions.messages import MessageStore, packaged_copy
from tests.support.valkey import Valkey

KEYS = [f"utter_{number}" for number in range(20)]
GIVEN_UP_SECONDS = 20.0
DEFAULT = packaged_copy()["haptik_apology"]


class Load:
    """Asks for every message again and again; remembers what it read, and how often."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self.answers = 0
        self.read: set[str] = set()
        self.longest = 0.0
        self._stop = False

    async def run(self) -> None:
        while not self._stop:
            for key in KEYS:
                begun = time.monotonic()
                self.read.add(await self._store.text(key, "en-IN"))
                self.longest = max(self.longest, time.monotonic() - begun)
                self.answers += 1
            assert await self._store.text("haptik_apology") == DEFAULT
            await asyncio.sleep(0.001)

    def stop(self) -> None:
        self._stop = True


def patient(valkey: Valkey) -> redis.asyncio.Redis:
    """A client that waits for Redis so long that it shows who waited, on a busy machine as well."""
    return redis.asyncio.Redis.from_url(valkey.url, socket_timeout=GIVEN_UP_SECONDS)


async def write(valkey: Valkey, text: str) -> None:
    client = redis.asyncio.Redis.from_url(valkey.url)
    await client.mset({f"haptik:messages:en:{key}": f"{text} {key}" for key in KEYS})
    await getattr(client, "aclose", client.close)()


async def until_it_reads(load: Load, text: str, seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while True:
        load.read.clear()
        await asyncio.sleep(0.05)
        if load.read and load.read <= {f"{text} {key}" for key in KEYS}:
            return
        assert time.monotonic() < ends, load.read


async def test_stopped_and_started_under_load(own_valkey: Valkey, tmp_path: Path) -> None:
    await write(own_valkey, "first")
    store = MessageStore.from_url(own_valkey.url, snapshot=tmp_path / "messages.json")
    store.start()
    for key in KEYS:
        assert await store.text(key, "en-IN") == f"first {key}"
    loads = [Load(store) for _ in range(4)]
    tasks = [asyncio.create_task(load.run()) for load in loads]
    known = {f"first {key}" for key in KEYS}
    for round_ in ("second", "third"):
        own_valkey.stop()
        before = loads[0].answers
        await asyncio.sleep(1.5)
        assert loads[0].answers > before + 200
        assert loads[0].read <= known
        own_valkey.start()
        known |= {f"{round_} {key}" for key in KEYS}
        await write(own_valkey, round_)
        await until_it_reads(loads[0], round_)
    for load in loads:
        load.stop()
    await asyncio.gather(*tasks)
    assert store.health().state == "fresh"
    await store.aclose()


async def test_frozen_and_thawed_under_load(own_valkey: Valkey) -> None:
    await write(own_valkey, "first")
    # Every message is read from Redis anew again and again, as in a process that may not track.
    store = MessageStore(patient(own_valkey), ttl=0.02)
    # What was never read is worth the longer wait.
    for key in KEYS:
        assert await store.text(key, "en-IN") == f"first {key}"
    loads = [Load(store) for _ in range(4)]
    tasks = [asyncio.create_task(load.run()) for load in loads]
    for round_, before in (("second", "first"), ("third", "second")):
        await until_it_reads(loads[0], before)
        for load in loads:
            load.longest = 0.0
        own_valkey.freeze()
        answers = loads[0].answers
        await asyncio.sleep(2.5)
        assert loads[0].answers > answers + 200
        own_valkey.thaw()
        for load in loads:
            assert load.longest < GIVEN_UP_SECONDS / 2
            assert load.read <= {f"{text} {key}" for text in ("first", "second") for key in KEYS}
        await write(own_valkey, round_)
        await until_it_reads(loads[0], round_)
    for load in loads:
        load.stop()
    await asyncio.gather(*tasks)
    await store.aclose()


async def test_a_default_in_the_snapshot_is_answer_enough(own_valkey: Valkey, tmp_path: Path) -> None:
    client = redis.asyncio.Redis.from_url(own_valkey.url)
    await client.set("haptik:messages-default:en:utter_x", "the domain's")
    await getattr(client, "aclose", client.close)()
    first = MessageStore.from_url(own_valkey.url, snapshot=tmp_path / "m.json")
    assert await first.text("utter_x") == "the domain's"
    await first.aclose()
    own_valkey.freeze()
    second = MessageStore(patient(own_valkey), snapshot=tmp_path / "m.json")
    assert await asyncio.wait_for(second.text("utter_x"), GIVEN_UP_SECONDS / 2) == "the domain's"
    await second.aclose()


RESTARTED = """
import asyncio, sys
from haptik_actions.messages import MessageStore

async def main():
    store = MessageStore.from_url(sys.argv[1], snapshot=sys.argv[2])
    store.start()
    print(await store.text("utter_0", "en-IN"))
    print(await store.text("haptik_apology"))
    print(store.health().state)
    await store.aclose()

asyncio.run(main())
"""


def restarted(url: str, snapshot: Path) -> list[str]:
    words = [sys.executable, "-c", RESTARTED, url, str(snapshot)]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_a_bot_restarted_while_redis_is_down(own_valkey: Valkey, tmp_path: Path, how: str) -> None:
    await write(own_valkey, "edited")
    snapshot = tmp_path / "messages.json"
    assert restarted(own_valkey.url, snapshot) == ["edited utter_0", DEFAULT, "fresh"]
    if how == "stopped":
        own_valkey.stop()
    else:
        own_valkey.freeze()
    # The state of a Redis that hangs is known only once it has not answered in time.
    assert restarted(own_valkey.url, snapshot)[:2] == ["edited utter_0", DEFAULT]
