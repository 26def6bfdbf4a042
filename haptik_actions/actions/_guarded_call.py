"""The deadline of guarded actions. It holds also for actions that ignore their cancellation.

    call = GuardedCall("action_order_status", 8.0)    # seconds
    try:
        events = await call.of(action.run(dispatcher, tracker, domain))
    except asyncio.CancelledError as error:
        raise call.meaning(error)
    finally:
        call.end()

It does what `asyncio.timeout` does, at less of the cost that every guarded action pays: the calls of a loop share a
timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import types
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import Context, ContextVar
from itertools import takewhile
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from haptik_actions._log import get_logger
from haptik_actions.errors import IntegrationCancelled, IntegrationTimeout

__all__ = ["CURRENT", "GuardedCall"]

logger = get_logger(__name__)

T = TypeVar("T")

_COUNTS = sys.version_info >= (3, 11)
_ENDING = (KeyboardInterrupt, GeneratorExit)
_RING_AGAIN_SECONDS = 0.5
_MOST_RINGS = 3
"""How often work may ignore its cancellation, for example to close connections first, until it is abandoned."""
_EARLY_SECONDS = 0.001
"""An event loop whose clock has milliseconds calls its timers up to half a millisecond early."""


class GuardedCall:
    """One piece of work of the running task, which may take `seconds` from now on.

    It is cancelled when its time is over, and again where it swallows that. `name` is what logs call it.
    `ends` is the time of the loop's clock, which is `time.monotonic`, at which it is late. `is_told` says that it was
    seen to hold up the loop, and is going to be logged; `interrupted` says that it was ended there. `said` are the
    messages that it has uttered, if any; see `is_swallowed`.
    """

    # Most calls end before anything of this happens, and every guarded action makes one.
    _rings = _own = 0
    _again: asyncio.TimerHandle | None = None
    _said_in_time: int | None = None
    interrupted = is_over = is_told = False

    def __init__(self, name: str, seconds: float, said: Sequence[object] = ()) -> None:
        self.name, self._said = name, said
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self.task = task
        self._asked_before = task.cancelling() if _COUNTS else 0
        self.ends = loop.time() + seconds
        self._queue = queue = _queue_of(loop, seconds)
        queue.calls[self] = None
        if not queue.is_armed:
            queue.arm(loop, self.ends)
        self._token = CURRENT.set(self)

    def end(self) -> None:
        """Stop watching."""
        self.is_over = True
        self._queue.calls.pop(self, None)
        CURRENT.reset(self._token)
        if self._again is not None:
            self._again.cancel()
        if _COUNTS and (self._rings or self._own):
            for _ in range(self._rings + self._own):
                self.task.uncancel()

    @types.coroutine
    def of(self, work: Awaitable[T]) -> Generator[Any, None, T]:
        """Await `work` as `await` does, with two differences.

        Work that ignores its cancellation for a second is abandoned: it never goes on. A task that cancels itself is
        not taken for one that the server cancels.

        Raises:
            RuntimeError: `work` raised `KeyboardInterrupt` or `GeneratorExit` itself. On the loop the first would end
                the server, the second the call without an answer.
        """
        if not isinstance(work, types.CoroutineType):
            work = _awaited(work)
        cancelling = self.task.cancelling if _COUNTS else int
        step: Callable[[Any], Any] = work.send
        given: Any = None
        waits_for: Any
        while True:
            asked = cancelling()
            is_closed = isinstance(given, GeneratorExit)
            try:
                waits_for = step(given)
            except BaseException as ended:
                # The error's traceback holds this frame. Errors and futures that the frame still held would form a
                # circle with it, and stay in memory until the garbage collector runs.
                given = waits_for = None
                # No other code has run since `asked` was read, so the work has cancelled its own task.
                if cancelling() > asked:
                    self._own += cancelling() - asked
                    yield from self._take_own_cancellation()
                if isinstance(ended, StopIteration):
                    returned: T = ended.value
                    return returned
                if isinstance(ended, _ENDING) and not is_closed:
                    raise RuntimeError(f"The action raised {type(ended).__name__}.") from ended
                raise
            given = None
            if cancelling() > asked:
                self._own += cancelling() - asked
            try:
                yield waits_for
            except BaseException as error:
                if self._rings >= _MOST_RINGS:
                    self._let_go(work)
                    raise
                step, given = work.throw, error
            else:
                step, given = work.send, None

    def _take_own_cancellation(self) -> Generator[Any, None, None]:
        """Wait out the cancellation that the work asked for itself, so that it does not hit the code behind it."""
        asked = self.task.cancelling()
        try:
            yield
        except asyncio.CancelledError:
            if self.task.cancelling() > asked:
                raise

    def _let_go(self, work: Coroutine[object, object, object]) -> None:
        logger.error("Action %s swallows that it is cancelled. It is let go of; what it has open stays so.", self.name)
        # It may ignore this as well. Nobody runs it any more.
        with contextlib.suppress(BaseException):
            work.close()

    def is_swallowed(self) -> bool:
        """Tell whether the work was cancelled by its deadline, returned all the same, and has uttered nothing since."""
        return self._said_in_time is not None and len(self._said) <= self._said_in_time

    def note_lateness(self) -> None:
        """Remember how much was uttered when its time was over."""
        if self._said_in_time is None:
            self._said_in_time = len(self._said)

    def meaning(self, error: asyncio.CancelledError) -> BaseException:
        """Return what to raise for a cancellation that came out of the work.

        `IntegrationTimeout` where its time was over, and the error itself where somebody else has cancelled the task.
        One that nobody asked this task for is the work's own mistake and becomes `IntegrationCancelled`.
        """
        # The deadline is asked about first, because older libraries (async-timeout 4.0.2) leave the task counted as
        # cancelled after a time-out of their own, and Python 3.10 does not count at all. If the server cancels a call
        # that is late anyway, this hands over a chat whose user gets no answer any more; the opposite order would cost
        # a user the answer.
        if self._rings or self.interrupted:
            return self.timeout()
        if _COUNTS and self.task.cancelling() > self._asked_before + self._own:
            return error
        return IntegrationCancelled("It was cancelled from within: something that it awaited had been cancelled.")

    def timeout(self) -> IntegrationTimeout:
        """Return the error of work that was not finished in its time."""
        return IntegrationTimeout(f"It was not finished after {self._queue.seconds:g} s.")

    def ring(self) -> None:
        """Tell the work that its time is over, and again in a while."""
        self._rings += 1
        self.note_lateness()
        self.task.cancel()
        self._again = self.task.get_loop().call_later(_RING_AGAIN_SECONDS, self.ring)


async def _awaited(work: Awaitable[T]) -> T:
    return await work


class _Queue:
    """The calls of one loop that all have the same deadline. The first to begin is the first to end, so one timer
    serves them all: a timer for each call would cost more than everything else that a guard does."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls: dict[GuardedCall, None] = {}
        self.is_armed = False

    def arm(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        """Look at `when` (the time of the loop's clock) whose time is over."""
        self.is_armed = True
        # In a context of its own: otherwise the context of the first call would stay in memory and hold for the others.
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


CURRENT: ContextVar[GuardedCall | None] = ContextVar("haptik_actions_call", default=None)
"""The guarded call that the running code belongs to, also in tasks that it has started."""
