"""The platform's two clocks: seconds that tests can move, and the time of day that follows them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from haptik_actions.errors import ConfigurationError

__all__ = ["MovableClock", "WallClock"]


class MovableClock:
    """Seconds of an injected clock plus what it was advanced by, in whole microseconds."""

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self._ahead = 0.0

    def __call__(self) -> float:
        # Rounded to microseconds, so that a float that is a bit too small does not miss "10 seconds later".
        return round(self._base() + self._ahead, 6)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; `ConfigurationError` for a negative or infinite number."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigurationError(f"advance: {seconds} cannot be done. Give a number of seconds, 0 or more")
        self._ahead += seconds

    def reset(self) -> None:
        """Undo every advance."""
        self._ahead = 0.0


class WallClock:
    """The time in UTC: `start` when this was made, and from there on as fast as `clock` goes; now when `start` is None.

    Raises `ConfigurationError` for a `start` without a time zone.
    """

    def __init__(self, clock: Callable[[], float], start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ConfigurationError("start: has no time zone. Give for example datetime.now(timezone.utc)")
        self._clock = clock
        self._zero = clock()
        self._start = (start or datetime.now(timezone.utc)).astimezone(timezone.utc)

    def __call__(self) -> datetime:
        return self._start + timedelta(seconds=self._clock() - self._zero)
