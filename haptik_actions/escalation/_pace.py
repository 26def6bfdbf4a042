"""How fast hand-offs are sent to a platform that has said "too many": as fast as it takes them, and no faster."""

from __future__ import annotations

import asyncio
import time
from collections import deque

__all__ = ["Pace"]

_PAUSE_SECONDS = 0.1
"""The pause after a refusal that names no time of its own; it doubles while the platform takes nothing."""
_LONGEST_PAUSE = 1.0
_LONGEST_WISH = 10.0
"""The longest pause for all that a refusal may ask for. The refused hand-off itself waits as long as it was told."""
_FIRST = 20.0
"""The lowest rate at the first refusal: if this process was sending little, others caused it, and the platform's limit
is not known."""
_LEAST = 1.0
_GROWTH = 0.1
_LESS = 0.7
_LATE_SECONDS = 0.05
_WINDOW_SECONDS = 1.0
_FORGET_SECONDS = 60.0
_MOST_COUNTED = 10_000


class Pace:
    """When the next try may go: at once, until the platform refuses one for being too many.

    From then on tries go one after the other, as many a second as were taken in the second before the refusal, and with
    each second a tenth more. A minute without a refusal ends it. Every process finds its own share that way.
    """

    def __init__(self) -> None:
        self._rate: float | None = None
        self._next = self._grown = self._refused = self._resumes = float("-inf")
        self._pause = _PAUSE_SECONDS
        self._taken: deque[float] = deque(maxlen=_MOST_COUNTED)
        self._took_since = True
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, within: float) -> bool:
        """Wait for the caller's turn; False, at once where that can be told, if it does not come `within` seconds."""
        if self._rate is None:
            return True
        now = time.monotonic()
        self._grow(now)
        if self._rate is None:
            return True
        if max(0.0, self._next - now) + len(self._waiting) / self._rate > within:
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_go()
        done, _ = await asyncio.wait({turn}, timeout=within)
        if not done:
            turn.cancel()
        return bool(done)

    def most(self, seconds: float) -> float:
        """Return how many tries go in `seconds`; 0 where the next one does not go within them."""
        if self._rate is None:
            return float("inf")
        return max(1.0, seconds * self._rate) if self._next - time.monotonic() <= seconds else 0.0

    def took(self) -> None:
        """Count a try that the platform took."""
        self._taken.append(time.monotonic())
        self._took_since = True

    def refused(self, retry_after: float | None) -> None:
        """Slow down; `retry_after` is what the refusal asks for, in seconds."""
        now = self._refused = time.monotonic()
        # Calls that were under way at the same time are refused together, and slow it down once.
        if now >= self._resumes:
            self._slow_down(now)
        wish = 0.0 if retry_after is None else min(retry_after, _LONGEST_WISH)
        self._resumes = max(self._resumes, now + max(wish, self._pause))
        self._next = max(self._next, self._resumes)
        self._let_go()

    def _slow_down(self, now: float) -> None:
        if not self._took_since:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            return
        while self._taken and self._taken[0] <= now - _WINDOW_SECONDS:
            self._taken.popleft()
        least = _FIRST if self._rate is None else max(_LEAST, _LESS * self._rate)
        self._rate = max(least, float(len(self._taken)))
        self._pause, self._took_since, self._grown = _PAUSE_SECONDS, False, now

    def _grow(self, now: float) -> None:
        if self._rate is not None and now >= self._refused + _FORGET_SECONDS:
            self._rate = None
        if self._rate is not None:
            if self._took_since:
                self._rate += max(0.0, now - self._grown) * max(_LEAST, _GROWTH * self._rate)
            self._grown = now

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.monotonic()
        while self._waiting and (self._rate is None or self._next <= now):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                # A loop that was busy may catch up a little.
                self._next = max(self._next, now - _LATE_SECONDS) + 1 / (self._rate or 1.0)
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(self._next - now, self._let_go)
