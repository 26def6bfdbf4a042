"""Leaving a Redis alone for a while that has failed to answer."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Rest"]


class Rest:
    """The pause of `seconds` before a Redis that has not answered is asked again: each attempt costs a user time."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._timer = seconds, timer
        self._until = 0.0
        self.is_owed = False
        """Whether Redis has failed and has not answered since, also where it may be asked again."""

    @property
    def is_on(self) -> bool:
        """Whether Redis is not to be asked now."""
        return self.is_owed and self._timer() < self._until

    def begin(self) -> None:
        """Redis has failed to answer."""
        self.is_owed, self._until = True, self._timer() + self._seconds

    def end(self) -> None:
        """Redis has answered."""
        self.is_owed = False
