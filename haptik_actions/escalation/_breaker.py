"""Breakers: after repeated failures of an integration, its actions fail at once for a while.

State is local, so that a call that works costs no round trip. Through Redis, processes share failures and openings: a
failure is counted there, and each process looks once a second at which breakers are open.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from haptik_actions.errors import IntegrationDown

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Breakers"]

logger = logging.getLogger(__name__)

_PREFIX = "haptik:{breakers}"

# Counts a failure in a window, and opens the breaker at the threshold; returns for how many ms it is open.
_FAIL = """
local failures, open = KEYS[1], KEYS[2]
local count = redis.call('INCR', failures)
if count == 1 then redis.call('PEXPIRE', failures, ARGV[2]) end
if count >= tonumber(ARGV[1]) then
  redis.call('SET', open, '1', 'PX', ARGV[3])
  redis.call('DEL', failures)
end
return redis.call('PTTL', open)
"""


class _State(msgspec.Struct):
    failures: int = 0
    window_ends: float = 0.0
    open_until: float = 0.0
    tripped: bool = False
    probing: bool = False


class Breakers:
    """The breakers of this process, by name, shared through `redis` where there is one.

    A breaker opens after `failures` failures within `window` seconds and stays open for `cooldown` seconds; then one
    call tries the integration, and its outcome closes the breaker or opens it again. `timer` is the clock in seconds.
    """

    def __init__(
        self,
        redis: Redis | None = None,
        *,
        failures: int = 5,
        window: float = 60.0,
        cooldown: float = 30.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis, self._threshold, self._window, self._cooldown = redis, failures, window, cooldown
        self._timer = timer
        self._states: dict[str, _State] = {}
        self._is_alone = False

    def states(self) -> dict[str, str]:
        """Return the state of every breaker that was used: `closed`, `open` or `half-open`."""
        return {name: self._state_of(state) for name, state in self._states.items()}

    @asynccontextmanager
    async def guarding(self, name: str, passes: tuple[type[BaseException], ...] = ()) -> AsyncIterator[None]:
        """Count how the block ends; exceptions of `passes` count as success.

        Raises:
            IntegrationDown: the breaker is open; the block is not entered.
        """
        state = self._states.setdefault(name, _State())
        self._admit(name, state)
        try:
            yield
        except asyncio.CancelledError:
            state.probing = False
            raise
        except passes:
            await self._worked(name, state)
            raise
        except BaseException:
            await self._failed(name, state)
            raise
        await self._worked(name, state)

    async def refresh(self) -> None:
        """Learn which breakers other processes have opened. Redis may be down: then the local state stands."""
        for name, state in list(self._states.items()):
            left = await self._tell(lambda redis, name=name: redis.pttl(f"{_PREFIX}:{name}:open"))  # type: ignore[misc]
            if isinstance(left, int) and left > 0:
                self._open(name, state, left / 1000)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._redis is not None:
            from haptik_actions._redis import disconnect

            await disconnect(self._redis)

    def _admit(self, name: str, state: _State) -> None:
        if not state.tripped:
            return
        if self._timer() < state.open_until or state.probing:
            raise IntegrationDown(f"The breaker {name} is open: its integration failed repeatedly.")
        state.probing = True

    async def _worked(self, name: str, state: _State) -> None:
        if not (state.tripped or state.failures):
            return
        if state.tripped:
            logger.info("The breaker %s is closed: its integration works again.", name)
        state.tripped = state.probing = False
        state.failures = 0
        await self._tell(lambda redis: redis.delete(f"{_PREFIX}:{name}:failures", f"{_PREFIX}:{name}:open"))

    async def _failed(self, name: str, state: _State) -> None:
        now = self._timer()
        if now >= state.window_ends:
            state.failures, state.window_ends = 0, now + self._window
        state.failures += 1
        if state.probing or state.failures >= self._threshold:
            self._open(name, state, self._cooldown)
        threshold = 1 if state.tripped else self._threshold
        left = await self._tell(
            lambda redis: redis.eval(
                *(_FAIL, 2, f"{_PREFIX}:{name}:failures", f"{_PREFIX}:{name}:open"),
                *(threshold, round(self._window * 1000), round(self._cooldown * 1000)),
            )
        )
        if isinstance(left, int) and left > 0:
            self._open(name, state, left / 1000)

    def _open(self, name: str, state: _State, seconds: float) -> None:
        if not state.tripped:
            logger.error("The breaker %s is open for %.0f s: its integration failed repeatedly.", name, seconds)
        state.tripped, state.probing = True, False
        state.open_until = self._timer() + seconds

    def _state_of(self, state: _State) -> str:
        if not state.tripped:
            return "closed"
        return "open" if self._timer() < state.open_until else "half-open"

    async def _tell(self, call: Callable[[Redis], object]) -> object:
        if self._redis is None:
            return None
        from redis.exceptions import RedisError

        try:
            answer: object = await call(self._redis)  # type: ignore[misc]
        except (RedisError, OSError) as error:
            if not self._is_alone:
                logger.warning("Breakers are not shared: Redis does not answer (%s).", type(error).__name__)
            self._is_alone = True
            return None
        self._is_alone = False
        return answer
