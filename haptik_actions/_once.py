"""What is done once for many callers: a load for all who wait for it, and a line of the log that each would write."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

__all__ = ["Repeats"]

T = TypeVar("T")
_SECONDS = 60.0
_MOST = 1000


class SingleFlight(Generic[T]):
    """Callers that ask for a key while it is being loaded wait for that load instead of starting their own.

    A caller that is cancelled leaves the load running for the others. Only callers of one event loop share a load: an
    action may run in a thread with a loop of its own.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, load: Callable[[], Coroutine[object, object, T]]) -> T:
        """Return what `load` returns, or raise what it raises; one `load` at a time per `key`."""
        flight, loop = self._flights.get(key), asyncio.get_running_loop()
        if flight is None or flight.get_loop() is not loop:
            flight = loop.create_task(load())
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    def under_way(self, key: Hashable) -> bool:
        """Tell whether `key` is being loaded now."""
        return key in self._flights

    def _landed(self, key: Hashable, flight: asyncio.Task[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        # Looking at the exception keeps asyncio from reporting it a second time when every caller was cancelled.
        if not flight.cancelled():
            flight.exception()


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
