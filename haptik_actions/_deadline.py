"""Deadlines: `asyncio.timeout` for every supported Python, and a lighter one for the hot path.

    async with deadline(8.0):    # seconds
        ...

On Python 3.10 it comes from `async-timeout`, whose error is not yet the builtin `TimeoutError`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

T = TypeVar("T")

DeadlinePassed = asyncio.TimeoutError

__all__ = ["DeadlinePassed", "deadline", "finish_within"]


async def finish_within(seconds: float, work: Coroutine[Any, Any, T], late: type[Exception]) -> T:
    """Return what `work` returns; raise `late` where that takes longer than `seconds`.

    As `asyncio.timeout`, at less than half of its cost, which every guarded action pays: one timer, and no objects that
    wait for re-scheduling. A `TimeoutError` of `work` itself passes as it is.
    """
    loop = asyncio.get_running_loop()
    timer = _Timer(asyncio.current_task(loop))
    handle = loop.call_later(seconds, timer.ring)
    try:
        return await work
    except asyncio.CancelledError as error:
        if timer.is_only_reason():
            raise late(f"It was not finished after {seconds:g} s.") from error
        raise
    finally:
        handle.cancel()


class _Timer:
    """Cancels a task, and tells afterwards whether somebody else did so too."""

    __slots__ = ("_cancelling", "_rang", "_task")

    def __init__(self, task: asyncio.Task[Any] | None) -> None:
        assert task is not None
        self._task = task
        self._rang = False
        # Python 3.10 does not count: there, a cancellation that falls together with the timer is taken for the timer.
        self._cancelling = task.cancelling() if sys.version_info >= (3, 11) else 0

    def ring(self) -> None:
        self._rang = True
        self._task.cancel()

    def is_only_reason(self) -> bool:
        if not self._rang:
            return False
        return sys.version_info < (3, 11) or self._task.uncancel() <= self._cancelling
