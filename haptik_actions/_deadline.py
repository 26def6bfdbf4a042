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

__all__ = ["CURRENT", "Call", "DeadlinePassed", "deadline", "finish_within"]

_RING_AGAIN_SECONDS = 0.5
_SECONDS_TO_CLEAN_UP = 1.0


async def finish_within(
    seconds: float, work: Coroutine[Any, Any, T], late: type[Exception], cancelled: type[Exception], name: str
) -> T:
    """Return what `work` returns; raise `late` where that takes longer than `seconds`.

    As `asyncio.timeout`, at less than half of its cost, which every guarded action pays: one timer, and no objects that
    wait for re-scheduling. A `TimeoutError` of `work` itself passes as it is, and so does a cancellation of the task
    that runs this. A `CancelledError` that nobody asked this task for is the work's own mistake and becomes
    `cancelled`. Work that swallows the cancellation is cancelled again. `name` is what logs call the work.
    """
    loop = asyncio.get_running_loop()
    call = Call(name, loop, loop.time() + seconds)
    token = CURRENT.set(call)
    try:
        return await (work if _COUNTS_CANCELLATIONS else _apart(call, work))
    except asyncio.CancelledError as error:
        if call.is_cancelled_from_outside():
            raise
        if call.rang:
            raise late(f"It was not finished after {seconds:g} s.") from error
        raise cancelled("It was cancelled from within: something that it awaited had been cancelled.") from error
    finally:
        call.end()
        CURRENT.reset(token)


_COUNTS_CANCELLATIONS = sys.version_info >= (3, 11)


class Call:
    """One piece of work under its deadline. Cancels its task when that is over, and tells who else did.

    `ends` is the time of the loop's clock, which is `time.monotonic`, at which it is late. `blocked_at` is the place in
    the code where it held up the loop, if it did, and `interrupted` says that it was ended there. `outside` is set
    where Python does not count cancellations (3.10).
    """

    __slots__ = (
        *("_asked_before", "_handle", "_rings", "_task"),
        *("blocked_at", "ends", "interrupted", "is_over", "loop", "name", "outside"),
    )

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop, ends: float) -> None:
        task = asyncio.current_task(loop)
        assert task is not None
        self.name, self.ends, self.loop, self._task = name, ends, loop, task
        self._rings = 0
        self.is_over = self.interrupted = self.outside = False
        self.blocked_at: str | None = None
        self._asked_before = task.cancelling() if sys.version_info >= (3, 11) else 0
        self._handle = loop.call_at(ends, self._ring)

    @property
    def rang(self) -> bool:
        """Whether the deadline has passed, and the work was told so."""
        return self._rings > 0 or self.interrupted

    def is_cancelled_from_outside(self) -> bool:
        """Tell whether somebody else asked for a cancellation of the task."""
        if sys.version_info >= (3, 11):
            return self._task.cancelling() - self._rings > self._asked_before
        return self.outside

    def end(self) -> None:
        """Stop watching."""
        self.is_over = True
        self._handle.cancel()
        if sys.version_info >= (3, 11):
            for _ in range(self._rings):
                self._task.uncancel()

    def move_to(self, task: asyncio.Task[Any]) -> None:
        """Cancel another task than the one that this was made in."""
        self._task = task

    def _ring(self) -> None:
        self._rings += 1
        self._task.cancel()
        self._handle = self.loop.call_later(_RING_AGAIN_SECONDS, self._ring)


CURRENT: ContextVar[Call | None] = ContextVar("haptik_actions_call", default=None)
"""The guarded call that the running code belongs to, also in tasks that it has started."""


async def _apart(call: Call, work: Coroutine[Any, Any, T]) -> T:
    """Run the work in a task of its own: how Python 3.10 tells a cancellation from outside from one within."""
    task = asyncio.get_running_loop().create_task(_outcome(work))
    call.move_to(task)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        call.outside = True
        task.cancel()
        await asyncio.wait({task}, timeout=_SECONDS_TO_CLEAN_UP)
        raise
    returned, error = task.result()
    if error is not None:
        raise error
    return returned  # type: ignore[return-value]


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T | None, BaseException | None]:
    try:
        return await work, None
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001
        # A task that raises SystemExit would end the loop, and with it the server.
        return None, error
