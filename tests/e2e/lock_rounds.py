"""One of several processes that take the lock of one conversation in turn, in Rasa's interpreter.

python -m tests.e2e.lock_rounds <port of Redis> <rounds>

Prints one line of JSON: how often it had the lock, how often it was not alone then, and its longest wait in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import redis
from rasa.core.lock_store import RedisLockStore

from haptik_actions.channel import HaptikInput

AT_ONCE = 3
CONVERSATION = "one"


async def rounds(store: RedisLockStore, beside: redis.Redis, number: int) -> tuple[int, int, float]:
    had = crowded = 0
    longest = 0.0
    for _ in range(number):
        began = time.monotonic()
        async with store.lock(CONVERSATION, wait_time_in_seconds=0.02):
            longest = max(longest, time.monotonic() - began)
            crowded += beside.incr("inside") != 1
            await asyncio.sleep(0.001)
            beside.decr("inside")
            had += 1
    return had, crowded, longest


async def _heard(_: object) -> None:
    """Nobody writes here."""


async def main(port: int, number: int) -> None:
    HaptikInput.from_credentials({}).blueprint(_heard)
    store, beside = RedisLockStore(port=port), redis.Redis(port=port)
    took = await asyncio.gather(*(rounds(store, beside, number) for _ in range(AT_ONCE)))
    had, crowded, longest = zip(*took, strict=True)
    print(json.dumps({"had": sum(had), "crowded": sum(crowded), "longest": max(longest)}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
