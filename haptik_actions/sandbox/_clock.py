"""A clock that tests can move."""

from __future__ import annotations

import math
from collections.abc import Callable

from haptik_actions.errors import ConfigurationError

__all__ = ["MovableClock"]


class MovableClock:
    """Seconds of an injected clock plus what it was advanced by, in whole microseconds."""

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self._ahead = 0.0

    def __call__(self) -> float:
        # Rounded, so that "10 seconds later" is not missed by the last bit of a float.
        return round(self._base() + self._ahead, 6)

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; `ConfigurationError` for a negative or infinite number."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ConfigurationError(f"advance: {seconds} cannot be done. Give a number of seconds, 0 or more")
        self._ahead += seconds

    def reset(self) -> None:
        """Undo every advance."""
        self._ahead = 0.0
