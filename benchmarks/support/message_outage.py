"""Redis is stopped, or hangs, for a minute under load, and the bot restarts in it: blanks, and the slowest answer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from haptik_actions.messages import MessageStore
from support.valkey import Valkey, running

OUTAGE_SECONDS = 60.0
BEFORE_SECONDS = 5.0
KEYS = 50
BENCHMARKS = Path(__file__).resolve().parents[1]


async def measure_outage() -> dict[str, Any]:
    """One outage in which Redis is gone, and one in which it takes connections and says nothing."""
    return {"stopped": await _outage(Valkey.stop, Valkey.start), "frozen": await _outage(Valkey.freeze, Valkey.thaw)}


async def _outage(begin: Callable[[Valkey], None], end: Callable[[Valkey], None]) -> dict[str, Any]:
    """Milliseconds of the slowest text before, in and after the outage; here, and in a process restarted in it."""
    with running() as valkey, tempfile.TemporaryDirectory() as folder:
        client = redis.Redis.from_url(valkey.url)
        client.mset({f"haptik:messages:en:utter_{number}": f"edited {number}" for number in range(KEYS)})
        snapshot = str(Path(folder) / "messages.json")
        store = MessageStore.from_url(valkey.url, snapshot=snapshot)
        store.start()
        before = await _load(store, BEFORE_SECONDS)
        await asyncio.sleep(2.5)
        begin(valkey)
        restarted = asyncio.create_task(_restart(valkey, snapshot))
        during = await _load(store, OUTAGE_SECONDS)
        after_restart = await restarted
        end(valkey)
        after = await _load(store, BEFORE_SECONDS)
        state = store.health()
        await store.aclose()
    parts = {"before": before, "outage": during, "restarted_in_the_outage": after_restart, "after": after}
    return {
        "outage_seconds": OUTAGE_SECONDS,
        "blank_or_not_the_edited_text": sum(part["wrong"] for part in parts.values()),
        "slower_than_before_ms": round(
            max(during["slowest_ms"], after_restart["slowest_ms"]) - before["slowest_ms"], 2
        ),
        "goal_slower_ms": 50,
        "fresh_again": state.state == "fresh" and state.tracking,
        **parts,
    }


async def _load(store: MessageStore, seconds: float) -> dict[str, Any]:
    """Eight users ask for every message in turn; the slowest answer, and the answers that were not the edited text."""
    slowest, asked, wrong = 0.0, 0, 0

    async def user() -> None:
        nonlocal slowest, asked, wrong
        number = 0
        while time.perf_counter() < ends:
            number = (number + 1) % KEYS
            began = time.perf_counter()
            text = await store.text(f"utter_{number}", "en-IN")
            slowest = max(slowest, time.perf_counter() - began)
            asked += 1
            wrong += text != f"edited {number}"
            await asyncio.sleep(0.002)

    ends = time.perf_counter() + seconds
    await asyncio.gather(*(user() for _ in range(8)))
    return {"asked": asked, "wrong": wrong, "slowest_ms": round(slowest * 1000, 2)}


async def _restart(valkey: Valkey, snapshot: str) -> Any:
    # As a module: the folder of this file has a `platform`, which is not Python's.
    words = [sys.executable, "-m", "support.message_outage", valkey.url, snapshot]
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, cwd=BENCHMARKS)
    out, _ = await process.communicate()
    return json.loads(out)


async def _as_restarted(url: str, snapshot: str) -> None:
    store = MessageStore.from_url(url, snapshot=snapshot)
    store.start()
    print(json.dumps(await _load(store, BEFORE_SECONDS)))
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(_as_restarted(*sys.argv[1:]))
