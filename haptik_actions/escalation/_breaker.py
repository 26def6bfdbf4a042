"""Breakers: after repeated failures of an integration, its actions fail at once for a while.

State is local, so that a call that works costs no round trip. Through Redis, processes share failures and openings: a
failure is counted there, and each process looks once a second at which breakers are open.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._log import get_logger
from haptik_actions.errors import IntegrationDown
from haptik_actions.escalation._breaker_redis import SharedBreakers
from haptik_actions.escalation._metrics import Metrics, NoMetrics

__all__ = ["BreakerRule", "Breakers"]

logger = get_logger(__name__)

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


class _State(msgspec.Struct):
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
        self._states: dict[str, _State] = {}
        self._is_alone = False
        self._rest_until = float("-inf")
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
        state = self._states.setdefault(rule.name, _State())
        probes = self._admit(rule.name, state)
        try:
            yield
        except asyncio.CancelledError:
            # One from before it opened leaves the call that probes now alone.
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
        # Those that are opened while Redis is being asked are not on its answer yet.
        told = [name for name, state in self._states.items() if state.tripped and state.shared]
        opened = await self._ask(lambda shared: shared.open())
        if opened is None:
            return
        for name, left in opened.items():
            self._open(name, self._states.setdefault(name, _State()), left, shared=True)
        for name in told:
            if name not in opened:
                self._close(name, self._states[name])

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._shared is not None:
            await self._shared.aclose()

    def _admit(self, name: str, state: _State) -> bool:
        if not state.tripped:
            return False
        if self._timer() < state.open_until or state.probing:
            raise IntegrationDown(f"The breaker {name} is open: its integration failed repeatedly.")
        state.probing = True
        return True

    async def _worked(self, name: str, state: _State) -> None:
        if not (state.tripped or state.failures):
            return
        self._close(name, state)
        await self._ask(lambda shared: shared.close(name))

    async def _failed(self, rule: BreakerRule, state: _State) -> None:
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

    def _open(self, name: str, state: _State, seconds: float, *, shared: bool = False) -> None:
        until = self._timer() + seconds
        if not state.tripped:
            logger.error("The breaker %s is open for %.0f s: its integration failed repeatedly.", name, max(0, seconds))
            self._metrics.count("haptik_breaker_changes_total", breaker=name, state="open")
        if not (state.tripped and state.probing and seconds <= 0):
            state.probing = False
        state.tripped, state.open_until = True, until
        state.shared = state.shared or shared

    def _close(self, name: str, state: _State) -> None:
        if state.tripped:
            logger.info("The breaker %s is closed: its integration works again.", name)
            self._metrics.count("haptik_breaker_changes_total", breaker=name, state="closed")
        state.tripped = state.probing = state.shared = False
        state.failures = 0

    def _state_of(self, state: _State) -> str:
        if not state.tripped:
            return "closed"
        return "open" if self._timer() < state.open_until else "half-open"

    async def _ask(self, call: Callable[[SharedBreakers], Awaitable[T]]) -> T | None:
        if self._shared is None:
            return None
        from redis.exceptions import RedisError

        try:
            async with self._gate:
                if self._timer() < self._rest_until:
                    return None
                async with deadline(_SECONDS):
                    answer = await call(self._shared)
        except (RedisError, OSError, DeadlinePassed) as error:
            if not self._is_alone:
                logger.warning("Breakers are not shared: Redis does not answer (%s).", type(error).__name__)
            self._is_alone, self._rest_until = True, self._timer() + _REST_SECONDS
            return None
        self._is_alone = False
        return answer
