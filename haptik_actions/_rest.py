"""Leaving a Redis alone for a while that has failed to answer."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Rest"]


class Rest:
    """The pause of `seconds` before a Redis that has not answered is asked again: each attempt costs a user time."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._timer = seconds, timer
        self._until: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether Redis is not to be asked now."""
        return self._until is not None and self._timer() < self._until

    @property
    def is_owed(self) -> bool:
        """Whether Redis has failed and has not answered since, also where it may be asked again."""
        return self._until is not None

    def begin(self) -> None:
        """Redis has failed to answer."""
        self._until = self._timer() + self._seconds

    def end(self) -> None:
        """Redis has answered."""
        self._until = None
