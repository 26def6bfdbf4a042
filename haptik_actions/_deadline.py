"""Deadlines: `asyncio.timeout` for every supported Python, and the one of guarded actions, which nothing gets past.

    async with deadline(8.0):    # seconds
        ...

On Python 3.10 it comes from `async-timeout`, whose error is not yet the builtin `TimeoutError`.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from contextvars import Context, ContextVar
from itertools import takewhile
from weakref import WeakKeyDictionary

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

DeadlinePassed = asyncio.TimeoutError

__all__ = ["CURRENT", "Call", "DeadlinePassed", "deadline", "is_cancelled"]

_RING_AGAIN_SECONDS = 0.5
_EARLY_SECONDS = 0.001
"""A loop that counts in milliseconds rings up to half of one early."""


def is_cancelled() -> bool:
    """Tell whether somebody has asked the running task to end: a `CancelledError` is somebody's mistake otherwise.

    Always true on Python 3.10, which does not count.
    """
    task = asyncio.current_task()
    return sys.version_info < (3, 11) or task is None or task.cancelling() > 0


class Call:
    """One piece of work of the running task, which may take `seconds`.

        with Call("action_order_status", 8.0, late=IntegrationTimeout, cancelled=IntegrationCancelled):
            ...

    As `asyncio.timeout`, at less of its cost, which every guarded action pays: the calls of a loop share a timer. The
    work is cancelled when its time is over, again and again where it swallows that, and `late` is raised. A
    `TimeoutError` of the work itself passes as it is, and so does a cancellation of the task by somebody else (from
    Python 3.11 on). A `CancelledError` that nobody asked this task for is the work's own mistake: it becomes
    `cancelled`.

    `name` is what logs call the work. `ends` is the time of the loop's clock, which is `time.monotonic`, at which it is
    late. `sightings` counts how often it was seen to hold up the loop, and `interrupted` says that it was ended there.
    """

    # Most calls end before anything of this happens, and every guarded action makes one.
    _rings = 0
    _again: asyncio.TimerHandle | None = None
    interrupted = is_over = False
    sightings = 0

    def __init__(self, name: str, seconds: float, *, late: type[Exception], cancelled: type[Exception]) -> None:
        self.name, self._late, self._cancelled = name, late, cancelled
        self.loop = loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        self._asked_before = task.cancelling() if sys.version_info >= (3, 11) else 0
        self.ends = loop.time() + seconds
        self._queue = queue = _queue_of(loop, seconds)
        queue.calls[self] = None
        if not queue.is_armed:
            queue.arm(loop, self.ends)
        self._token = CURRENT.set(self)

    def ring(self) -> None:
        """Tell the work that its time is over, and again in a while."""
        self._rings += 1
        self._task.cancel()
        self._again = self.loop.call_later(_RING_AGAIN_SECONDS, self.ring)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.is_over = True
        self._queue.calls.pop(self, None)
        CURRENT.reset(self._token)
        if kind is None and not self._rings:
            return
        # Before it is taken back, below.
        from_outside = self._is_cancelled_from_outside()
        if self._again is not None:
            self._again.cancel()
            for _ in range(self._rings if sys.version_info >= (3, 11) else 0):
                self._task.uncancel()
        if not isinstance(error, asyncio.CancelledError) or from_outside:
            return
        if self._rings or self.interrupted:
            raise self._late(f"It was not finished after {self._queue.seconds:g} s.") from error
        raise self._cancelled("It was cancelled from within: something that it awaited had been cancelled.") from error

    def _is_cancelled_from_outside(self) -> bool:
        # Python 3.10 does not count: there a cancellation by the server is taken for the work's own. That costs a
        # hand-off of a chat whose user gets no answer any more, where the opposite would cost an answer.
        return sys.version_info >= (3, 11) and self._task.cancelling() - self._rings > self._asked_before


class _Queue:
    """The calls of one loop that may all take as long. What began first ends first, so that one timer serves them all:
    one for each call would cost more than everything else that a guard does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls: dict[Call, None] = {}
        self.is_armed = False

    def arm(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        """Look at `when` (the time of the loop's clock) whose time is over."""
        self.is_armed = True
        # In a context of its own: that of the first call would live on, and be that of the others.
        loop.call_at(when, self._look, loop, context=Context())

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_armed = False
        now = loop.time() + _EARLY_SECONDS
        for call in list(takewhile(lambda call: call.ends <= now, self.calls)):
            del self.calls[call]
            call.ring()
        if self.calls:
            self.arm(loop, next(iter(self.calls)).ends)


_queues: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, _Queue]] = WeakKeyDictionary()
_latest: tuple[weakref.ref[asyncio.AbstractEventLoop], dict[float, _Queue]] | None = None


def _queue_of(loop: asyncio.AbstractEventLoop, seconds: float) -> _Queue:
    global _latest
    # Nearly every call comes from the same loop, and a look into a weak dictionary costs more.
    latest = _latest
    if latest is None or latest[0]() is not loop:
        latest = _latest = weakref.ref(loop), _queues.setdefault(loop, {})
    queue = latest[1].get(seconds)
    if queue is None:
        queue = latest[1][seconds] = _Queue(seconds)
    return queue


CURRENT: ContextVar[Call | None] = ContextVar("haptik_actions_call", default=None)
"""The guarded call that the running code belongs to, also in tasks that it has started."""
