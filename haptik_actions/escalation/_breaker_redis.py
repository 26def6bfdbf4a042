"""Breakers on Redis: what processes tell each other, and what a person may look at and reset.

haptik:{breakers}:open               sorted set, name -> when it may be tried again (ms); off the set once it works
haptik:{breakers}:failures:<name>    failures in the running window; expires
haptik:{breakers}:known              sorted set, name -> its last failure (ms); a day
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from redis.asyncio import Redis

from haptik_actions._namespace import ROOT

__all__ = ["BreakerState", "SharedBreakers"]

_PREFIX = f"{ROOT}{{breakers}}"
_OPEN, _KNOWN = f"{_PREFIX}:open", f"{_PREFIX}:known"
_DAY_MS = 24 * 3600 * 1000

_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "

# Counts a failure in a window, and opens the breaker at the threshold; returns for how many ms it is open.
_FAIL = (
    _NOW
    + """
local failures, open, known = KEYS[1], KEYS[2], KEYS[3]
local name, threshold, window, cooldown, day = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local count = redis.call('INCR', failures)
if count == 1 then redis.call('PEXPIRE', failures, window) end
redis.call('ZADD', known, string.format('%.0f', now), name)
redis.call('ZREMRANGEBYSCORE', known, '-inf', string.format('%.0f', now - day))
redis.call('ZREMRANGEBYSCORE', open, '-inf', string.format('%.0f', now - day))
if count >= threshold then
  redis.call('ZADD', open, string.format('%.0f', now + cooldown), name)
  redis.call('DEL', failures)
end
local until_then = redis.call('ZSCORE', open, name)
return until_then and string.format('%.0f', until_then - now) or '-1'
"""
)

_LIST = (
    _NOW
    + """
local found = {}
for _, key in ipairs(KEYS) do
  local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  for position = 1, #members, 2 do
    table.insert(found, members[position])
    table.insert(found, string.format('%.0f', members[position + 1] - now))
  end
end
return found
"""
)


class BreakerState(msgspec.Struct, frozen=True, kw_only=True):
    """How a breaker is in Redis: `closed`, `open` for `seconds`, or `half-open` (the next call tries).

    `failures` are those of the running window.
    """

    name: str
    state: str
    seconds: float = 0.0
    failures: int = 0


class SharedBreakers:
    """The breakers of all processes, on the Redis that `client` is connected to; `client` is closed with it."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._fail, self._list = client.register_script(_FAIL), client.register_script(_LIST)

    async def fail(self, name: str, *, threshold: int, window: float, cooldown: float) -> float:
        """Count a failure; return for how many seconds the breaker is open, 0 where it is not."""
        args: list[Any] = [name, threshold, round(window * 1000), round(cooldown * 1000), _DAY_MS]
        left: Any = await self._fail(keys=[_failures(name), _OPEN, _KNOWN], args=args)
        return max(0.0, float(left) / 1000)

    async def close(self, name: str) -> bool:
        """Close a breaker and forget its failures; False where it had none."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(_failures(name))
        pipeline.zrem(_OPEN, name)
        return any(await pipeline.execute())

    async def open(self) -> dict[str, float]:
        """Return the breakers that are open, with the seconds that are left; 0 or less: the next call tries."""
        return await self._seconds(_OPEN)

    async def states(self) -> list[BreakerState]:
        """Return every breaker with a failure within a day, by name."""
        opened, known = await self.open(), await self._seconds(_KNOWN)
        names = sorted({*opened, *known})
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.get(_failures(name))
        counts = await pipeline.execute() if names else []
        return [_state(name, opened.get(name), count) for name, count in zip(names, counts, strict=True)]

    async def aclose(self) -> None:
        """Close the connections."""
        from haptik_actions._redis import disconnect

        await disconnect(self._redis)

    async def _seconds(self, key: str) -> dict[str, float]:
        found: Any = await self._list(keys=[key], args=[])
        return {name.decode(): float(left) / 1000 for name, left in zip(found[::2], found[1::2], strict=True)}


def _state(name: str, left: float | None, failures: bytes | None) -> BreakerState:
    if left is None:
        return BreakerState(name=name, state="closed", failures=int(failures or 0))
    return BreakerState(name=name, state="open" if left > 0 else "half-open", seconds=max(0.0, left))


def _failures(name: str) -> str:
    return f"{_PREFIX}:failures:{name}"
