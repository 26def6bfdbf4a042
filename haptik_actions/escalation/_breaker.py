"""Breakers: after repeated failures of an integration, its actions fail at once for a while.

Redis holds what the processes tell each other, and what a person may look at and reset:

haptik:{breakers}:open               sorted set, name -> when it may be tried again (ms); off the set once it works
haptik:{breakers}:failures:<name>    failures in the running window; expires
haptik:{breakers}:known              sorted set, name -> its last failure (ms); a day

State is local, so that a call that works costs no round trip. Through Redis, processes share failures and openings: a
failure is counted there, and each process looks once a second at which breakers are open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._log import get_logger
from haptik_actions._namespace import ROOT
from haptik_actions._redis_health import Rest
from haptik_actions.errors import IntegrationDown
from haptik_actions.escalation._metrics import Metrics, NoMetrics

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["BreakerRule", "BreakerState", "Breakers", "SharedBreakers"]

logger = get_logger(__name__)

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


T = TypeVar("T")

_SECONDS = 0.5
_REST_SECONDS = 1.0
_CALLS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRule:
    """When a breaker opens: after `failures` failures within `window` seconds, for `cooldown` seconds."""

    name: str
    failures: int = 5
    window: float = 60.0
    cooldown: float = 30.0


class _Breaker(msgspec.Struct):
    failures: int = 0
    window_ends: float = 0.0
    open_until: float = 0.0
    tripped: bool = False
    probing: bool = False
    shared: bool = False


class Breakers:
    """The breakers of this process, by name, shared through Redis where there is one.

    When the cooldown of an open breaker is over, one call tries the integration, and its outcome closes the breaker or
    opens it again. `timer` is the clock in seconds.
    """

    def __init__(
        self,
        shared: SharedBreakers | None = None,
        *,
        metrics: Metrics | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared, self._metrics, self._timer = shared, metrics or NoMetrics(), timer
        self._states: dict[str, _Breaker] = {}
        self._is_alone = False
        self._rest = Rest(_REST_SECONDS, timer)
        self._gate = asyncio.Semaphore(_CALLS)

    def states(self) -> dict[str, str]:
        """Return the state of every breaker that this process knows: `closed`, `open` or `half-open`."""
        return {name: self._state_of(state) for name, state in self._states.items()}

    @asynccontextmanager
    async def guarding(self, rule: BreakerRule, passes: tuple[type[BaseException], ...] = ()) -> AsyncIterator[None]:
        """Count how the block ends; exceptions of `passes` count as success.

        Raises:
            IntegrationDown: the breaker is open; the block is not entered.
        """
        state = self._states.setdefault(rule.name, _Breaker())
        probes = self._admit(rule.name, state)
        try:
            yield
        except asyncio.CancelledError:
            # A call that began before the breaker opened must not end the probe of another call.
            if probes:
                state.probing = False
            raise
        except passes:
            await self._worked(rule.name, state)
            raise
        except BaseException:
            await self._failed(rule, state)
            raise
        await self._worked(rule.name, state)

    async def refresh(self) -> None:
        """Learn what other processes have opened and closed. Redis may be down: then the local state stands."""
        # Taken before Redis is asked: a breaker that opens meanwhile is missing from the answer and must stay open.
        told = [name for name, state in self._states.items() if state.tripped and state.shared]
        opened = await self._ask(lambda shared: shared.open())
        if opened is None:
            return
        for name, left in opened.items():
            self._open(name, self._states.setdefault(name, _Breaker()), left, shared=True)
        for name in told:
            if name not in opened:
                self._close(name, self._states[name])

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.aclose()

    def _admit(self, name: str, state: _Breaker) -> bool:
        if not state.tripped:
            return False
        if self._timer() < state.open_until or state.probing:
            raise IntegrationDown(f"The breaker {name} is open: its integration failed repeatedly.")
        state.probing = True
        return True

    async def _worked(self, name: str, state: _Breaker) -> None:
        if not (state.tripped or state.failures):
            return
        self._close(name, state)
        await self._ask(lambda shared: shared.close(name))

    async def _failed(self, rule: BreakerRule, state: _Breaker) -> None:
        now = self._timer()
        if now >= state.window_ends:
            state.failures, state.window_ends = 0, now + rule.window
        state.failures += 1
        if state.probing or state.failures >= rule.failures:
            self._open(rule.name, state, rule.cooldown)
        threshold = 1 if state.tripped else rule.failures
        left = await self._ask(
            lambda shared: shared.fail(rule.name, threshold=threshold, window=rule.window, cooldown=rule.cooldown)
        )
        if left:
            self._open(rule.name, state, left, shared=True)

    def _open(self, name: str, state: _Breaker, seconds: float, *, shared: bool = False) -> None:
        until = self._timer() + seconds
        if not state.tripped:
            logger.error("The breaker %s is open for %.0f s: its integration failed repeatedly.", name, max(0, seconds))
            self._metrics.count("haptik_breaker_changes_total", breaker=name, state="open")
        if not (state.tripped and state.probing and seconds <= 0):
            state.probing = False
        state.tripped, state.open_until = True, until
        state.shared = state.shared or shared

    def _close(self, name: str, state: _Breaker) -> None:
        if state.tripped:
            logger.info("The breaker %s is closed: its integration works again.", name)
            self._metrics.count("haptik_breaker_changes_total", breaker=name, state="closed")
        state.tripped = state.probing = state.shared = False
        state.failures = 0

    def _state_of(self, state: _Breaker) -> str:
        if not state.tripped:
            return "closed"
        return "open" if self._timer() < state.open_until else "half-open"

    async def _ask(self, call: Callable[[SharedBreakers], Awaitable[T]]) -> T | None:
        if self._shared is None:
            return None
        from redis.exceptions import RedisError

        try:
            async with self._gate:
                if self._rest.is_on:
                    return None
                async with deadline(_SECONDS):
                    answer = await call(self._shared)
        except (RedisError, OSError, DeadlinePassed) as error:
            if not self._is_alone:
                logger.warning("Breakers are not shared: Redis does not answer (%s).", type(error).__name__)
            self._is_alone = True
            self._rest.begin()
            return None
        self._is_alone = False
        return answer
