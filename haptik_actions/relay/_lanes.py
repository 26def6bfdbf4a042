"""Who works when, in this process: one task per conversation and direction, begun when something is due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

__all__ = ["Lane", "Lanes"]

logger = logging.getLogger(__name__)

Lane: TypeAlias = Literal["user", "agent"]
Key: TypeAlias = tuple[Lane, str]

_AT_ONCE = 200
_AFTER_A_MISTAKE = 1.0


class Lanes:
    """Calls `work(lane, id)` when it is time, never twice at once for one pair.

    `work` returns the seconds after which it wants to be called again, None where it waits to be told.
    """

    def __init__(self, work: Callable[[Lane, str], Awaitable[float | None]]) -> None:
        self._work = work
        self._waiting: dict[Key, asyncio.TimerHandle] = {}
        self._running: dict[Key, asyncio.Task[None]] = {}
        self._wanted: dict[Key, float] = {}
        self._room: dict[Lane, asyncio.Semaphore] = {
            "user": asyncio.Semaphore(_AT_ONCE),
            "agent": asyncio.Semaphore(_AT_ONCE),
        }
        self._is_open = False

    def open(self) -> None:
        """Begin: what was asked for before was for nothing."""
        self._is_open = True

    def look(self, lane: Lane, id_: str, after: float = 0.0) -> None:
        """Work on it in `after` seconds, or earlier where that was asked for before."""
        if not self._is_open:
            return
        key, loop = (lane, id_), asyncio.get_running_loop()
        at = loop.time() + max(0.0, after)
        if key in self._running:
            self._wanted[key] = min(at, self._wanted.get(key, at))
            return
        known = self._waiting.get(key)
        if known is not None:
            if known.when() <= at:
                return
            known.cancel()
        self._waiting[key] = loop.call_at(at, self._begin, key)

    def is_known(self, lane: Lane, id_: str) -> bool:
        """Tell whether it is being worked on, or will be soon."""
        return (lane, id_) in self._running or (lane, id_) in self._waiting

    async def aclose(self, seconds: float) -> None:
        """Let what is under way end within `seconds`, and cancel the rest."""
        self._is_open = False
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()
        running = list(self._running.values())
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=seconds)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _begin(self, key: Key) -> None:
        self._waiting.pop(key, None)
        self._running[key] = asyncio.get_running_loop().create_task(self._run(key))

    async def _run(self, key: Key) -> None:
        after: float | None = None
        try:
            async with self._room[key[0]]:
                after = await self._work(*key)
        except Exception:
            logger.exception("A queue of the relay could not be worked on; it is tried again.")
            after = _AFTER_A_MISTAKE
        finally:
            self._running.pop(key, None)
            wanted = self._wanted.pop(key, None)
        if after is not None:
            self.look(*key, after)
        if wanted is not None:
            self.look(*key, wanted - asyncio.get_running_loop().time())
