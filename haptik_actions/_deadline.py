"""Deadlines: `asyncio.timeout` for every supported Python, and the one of guarded actions, which nothing gets past.

    async with deadline(8.0):    # seconds
        ...

On Python 3.10 it comes from `async-timeout`, whose error is not yet the builtin `TimeoutError`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

T = TypeVar("T")

DeadlinePassed = asyncio.TimeoutError

__all__ = ["CURRENT", "Call", "DeadlinePassed", "deadline", "finish_within", "is_cancelled"]

_RING_AGAIN_SECONDS = 0.5


async def finish_within(
    seconds: float, work: Coroutine[Any, Any, T], late: type[Exception], cancelled: type[Exception], name: str
) -> T:
    """Return what `work` returns; raise `late` where that takes longer than `seconds`.

    As `asyncio.timeout`, at less than half of its cost, which every guarded action pays: one timer, and no objects that
    wait for re-scheduling. A `TimeoutError` of `work` itself passes as it is, and so does a cancellation of the task
    that runs this (from Python 3.11 on). A `CancelledError` that nobody asked this task for is the work's own mistake
    and becomes `cancelled`. Work that swallows the cancellation is cancelled again. `name` is what logs call the work.
    """
    loop = asyncio.get_running_loop()
    call = Call(name, loop, loop.time() + seconds)
    token = CURRENT.set(call)
    try:
        return await work
    except asyncio.CancelledError as error:
        if call.is_cancelled_from_outside():
            raise
        if call.rang:
            raise late(f"It was not finished after {seconds:g} s.") from error
        raise cancelled("It was cancelled from within: something that it awaited had been cancelled.") from error
    finally:
        call.end()
        CURRENT.reset(token)


def is_cancelled() -> bool:
    """Tell whether somebody has asked the running task to end: a `CancelledError` is somebody's mistake otherwise.

    Always true on Python 3.10, which does not count.
    """
    task = asyncio.current_task()
    return sys.version_info < (3, 11) or task is None or task.cancelling() > 0


class Call:
    """One piece of work under its deadline. Cancels its task when that is over, and tells who else did.

    `ends` is the time of the loop's clock, which is `time.monotonic`, at which it is late. `sightings` counts how often
    it was seen to hold up the loop, and `interrupted` says that it was ended there.
    """

    # Most calls end before anything of this happens, and every guarded action makes one.
    _rings = 0
    interrupted = is_over = False
    sightings = 0

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, ends: float) -> None:
        task = asyncio.current_task(loop)
        assert task is not None
        self.name, self.ends, self.loop, self._task = name, ends, loop, task
        self._asked_before = task.cancelling() if sys.version_info >= (3, 11) else 0
        self._handle = loop.call_at(ends, self._ring)

    @property
    def rang(self) -> bool:
        """Whether the deadline has passed, and the work was told so."""
        return self._rings > 0 or self.interrupted

    def is_cancelled_from_outside(self) -> bool:
        """Tell whether somebody else asked for a cancellation of the task.

        Python 3.10 does not count: there a cancellation by the server is taken for the work's own. That costs a
        hand-off of a chat whose user gets no answer any more, where the opposite would cost an answer.
        """
        return sys.version_info >= (3, 11) and self._task.cancelling() - self._rings > self._asked_before

    def end(self) -> None:
        """Stop watching."""
        self.is_over = True
        self._handle.cancel()
        if self._rings and sys.version_info >= (3, 11):
            for _ in range(self._rings):
                self._task.uncancel()

    def _ring(self) -> None:
        self._rings += 1
        self._task.cancel()
        self._handle = self.loop.call_later(_RING_AGAIN_SECONDS, self._ring)


CURRENT: ContextVar[Call | None] = ContextVar("haptik_actions_call", default=None)
"""The guarded call that the running code belongs to, also in tasks that it has started."""
