"""Lines of the log that may come with every call: each once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable

from cachetools import TTLCache

__all__ = ["Repeats"]

_SECONDS = 60.0
_MOST = 1000


class Repeats:
    """Lets a line through once in `seconds`, with the same values. Of more than a thousand the oldest is forgotten.

    `timer` is its clock, in seconds.
    """

    def __init__(self, seconds: float = _SECONDS, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._told: TTLCache[Hashable, None] = TTLCache(_MOST, seconds, timer)

    def is_due(self, *what: Hashable) -> bool:
        """Tell whether a line about this may be logged now; then it may not again for a while."""
        if what in self._told:
            return False
        self._told[what] = None
        return True

    def log(self, logger: logging.Logger, level: int, line: str, *values: object) -> None:
        """Log a line, unless the same one was logged a moment ago."""
        if self.is_due(line, *map(str, values)):
            logger.log(level, line, *values, stacklevel=2)
