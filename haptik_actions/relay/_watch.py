"""Noticing what is due although nobody in this process has enqueued it.

Other processes tell of it through Redis, and what is missed that way is found by polling.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from haptik_actions._deadline import cancel_all
from haptik_actions._log import get_logger
from haptik_actions.errors import RelayAway
from haptik_actions.relay._board import SHARDS, WAKE
from haptik_actions.relay._lanes import Lanes
from haptik_actions.relay._queues import Queues

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Watch", "can_be_told", "listen"]

logger = get_logger(__name__)

_MOST = 200
_SHARDS_AT_ONCE = 8
_PAUSE = 1.0
_SECONDS = 5.0


class Watch:
    """Begins work in `lanes`; `flush` is called before each look. Also keeps this process's leases alive."""

    def __init__(
        self,
        queues: Queues,
        lanes: Lanes,
        is_away: Callable[[str], bool],
        *,
        poll: float,
        flush: Callable[[], Awaitable[None]],
    ) -> None:
        self._queues, self._lanes, self._is_away = queues, lanes, is_away
        self._poll, self._flush = poll, flush
        self._offsets = [[0, 0, 0] for _ in range(SHARDS)]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, client: Redis) -> None:
        """Begin in the running event loop."""
        if self._tasks:
            return
        create = asyncio.get_running_loop().create_task
        self._tasks = [create(self._again_and_again(self._look, self._poll))]
        self._tasks += [create(self._again_and_again(self._queues.renew, self._queues.lease / 4))]
        if can_be_told(client):
            self._tasks += [create(listen(client, self._queues.token, self._told))]

    async def aclose(self) -> None:
        """Stop."""
        await cancel_all(*self._tasks)
        self._tasks = []

    async def _again_and_again(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            try:
                await work()
            except RelayAway:
                pass
            except Exception:
                logger.exception("The relay could not look after its queues; it tries again.")
            await asyncio.sleep(seconds)

    def _told(self, lane: Any, id_: str, after: float) -> None:
        if lane == "agent" or not self._is_away(id_):
            self._lanes.look(lane, id_, after)

    async def _look(self) -> None:
        await self._flush()
        for first in range(0, SHARDS, _SHARDS_AT_ONCE):
            await asyncio.gather(*map(self._look_at, range(first, first + _SHARDS_AT_ONCE)))

    async def _look_at(self, shard: int) -> None:
        offsets = self._offsets[shard]
        users, agents, timers = await self._queues.poll(shard, _MOST, offsets)
        for place, found in enumerate((users, agents, timers)):
            # Those that nobody reaches stay due; the next look passes over a full hand of them.
            offsets[place] = offsets[place] + _MOST if len(found) >= _MOST else 0
        for id_ in users:
            if not self._is_away(id_) and not self._lanes.is_known("user", id_):
                self._lanes.look("user", id_)
        for id_ in agents:
            if not self._lanes.is_known("agent", id_):
                self._lanes.look("agent", id_)
        for id_ in timers:
            if await self._queues.timer(id_, "haptik_relay_nobody_yet"):
                self._lanes.look("user", id_)


def can_be_told(client: Redis) -> bool:
    """Tell whether the client can subscribe; redis-py's client of a cluster cannot, and polls."""
    return hasattr(client, "pubsub")


async def listen(client: Redis, token: str, tell: Callable[[str, str, float], None]) -> None:
    """Call `tell` with lane, id and the seconds to wait, until cancelled. What is missed is found by polling.

    What comes from the process with this `token` is passed over.
    """
    from redis.exceptions import RedisError

    while True:
        pubsub = client.pubsub()
        try:
            await pubsub.subscribe(WAKE)
            while True:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=_SECONDS)
                if message is not None:
                    _pass_on(message.get("data"), token, tell)
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            logger.debug("Redis does not tell the relay what comes: %s.", type(error).__name__)
        finally:
            await _close(pubsub)
        await asyncio.sleep(_PAUSE)


def _pass_on(data: object, token: str, tell: Callable[[str, str, float], None]) -> None:
    try:
        lane, id_, after, *sender = (data.decode() if isinstance(data, bytes) else str(data)).split(":")
        seconds = int(after) / 1000
    except (ValueError, AttributeError):
        return
    if lane in ("user", "agent") and sender != [token]:
        tell(lane, id_, seconds)


async def _close(pubsub: Any) -> None:
    from redis.exceptions import RedisError

    with contextlib.suppress(RedisError, OSError):
        # redis-py renamed the method in 5.0.1 and warns about the old name.
        await getattr(pubsub, "aclose", pubsub.close)()
