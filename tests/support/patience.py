"""How long tests wait for what has to happen, and clients and stores that wait as long.

The library's own patience is that of a user who waits: half a second for a message, two for the relay. A busy machine
stalls for longer, and a test whose subject is not this patience must not fail there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from haptik_actions._redis import connect
from haptik_actions.messages import MessageStore
from haptik_actions.relay import RelayStore

SECONDS = 60.0


async def until(happened: Callable[[], Awaitable[Any]], *, look: float = 0.02) -> None:
    """Ask again and again, every `look` seconds, until the answer is true."""
    ends = time.monotonic() + SECONDS
    while not await happened():
        assert time.monotonic() < ends, "it did not happen"
        await asyncio.sleep(look)


def message_store(redis: Redis, **options: Any) -> MessageStore:
    """A message store that takes another answer than that of `redis` only where `redis` has failed."""
    return MessageStore(redis, **{"patience": SECONDS, "seconds": SECONDS, **options})


def relay_store(url: str) -> RelayStore:
    """The relay's store on the Redis at `url`."""
    return RelayStore(connect(url, seconds=SECONDS), patience=SECONDS)


def cluster_client(port: int) -> Any:
    """A client of the cluster that one of its servers, at this port, belongs to."""
    return RedisCluster(host="127.0.0.1", port=port, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
