"""Noticing what is due although nobody in this process has enqueued it: by being told, and by polling."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from haptik_actions._ending import cancel_all
from haptik_actions._log import get_logger
from haptik_actions.errors import RelayAway
from haptik_actions.relay._board import SHARDS
from haptik_actions.relay._lanes import Lanes
from haptik_actions.relay._queues import Queues
from haptik_actions.relay._wakes import can_be_told, listen

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Watch"]

logger = get_logger(__name__)

_MOST = 200
_SHARDS_AT_ONCE = 8


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
