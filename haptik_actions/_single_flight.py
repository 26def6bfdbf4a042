"""One load at a time per key, shared by the credentials cache and the message store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Callers that ask for a key while it is being loaded wait for that load instead of starting their own.

    A caller that is cancelled leaves the load running for the others. Only callers of one event loop share a load: an
    action may run in a thread with a loop of its own.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, load: Callable[[], Coroutine[Any, Any, T]]) -> T:
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
