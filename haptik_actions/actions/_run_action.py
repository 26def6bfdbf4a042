"""Running somebody's integration: within a deadline, again where it says so, behind its breaker, and checked.

Code that blocks is run in threads: on the event loop it would stop every other conversation of the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import rasa_sdk.events
import tenacity
from rasa_sdk import ValidationAction
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.actions._guarded_call import CURRENT, GuardedCall
from haptik_actions.actions._patches import forward_stream
from haptik_actions.actions._readable import Events, is_json, is_message
from haptik_actions.actions._runtime import visiting
from haptik_actions.actions._stall import BLOCKERS
from haptik_actions.errors import InvalidReturn
from haptik_actions.escalation import BreakerRule, Breakers, HandOffOptions, HandOffRequested

__all__ = ["behind_breaker", "move_methods_to_threads", "within_deadline"]

logger = get_logger(__name__)

Run = Callable[..., Any]
Arguments = tuple[Any, ...]

_CONTROL_FLOW = (ActionExecutionRejection, HandOffRequested)
_JITTER = tenacity.wait_random_exponential(multiplier=0.1, max=2)

# Rasa drops every event and message of an answer in which it does not know one event. These are those of 3.6.21.
_RASA_EVENTS = {
    *("action", "action_execution_rejected", "active_loop", "agent", "bot", "cancel_reminder", "entities", "export"),
    *("followup", "form", "form_validation", "loop_interrupted", "pause", "reminder", "reset_slots", "restart"),
    *("resume", "rewind", "session_started", "slot", "undo", "user", "user_featurization"),
}
if hasattr(rasa_sdk.events, "SessionEnded"):
    # Newer servers know it. A call does not say which server it comes from; a newer rasa-sdk goes with a newer Rasa.
    _RASA_EVENTS.add("session_ended")
_NAMED = frozenset({"action", "followup", "slot"})


async def within_deadline(run: Run, name: str, plan: HandOffOptions, arguments: Arguments) -> Events:
    """Run the action and return its events. The last three `arguments` are rasa-sdk's.

    Raises:
        IntegrationTimeout: it took longer than its deadline.
        IntegrationCancelled: it was cancelled from within.
        InvalidReturn: it returned what Rasa cannot read.
        BaseException: whatever the action raises.
    """
    call = GuardedCall(name, plan.deadline or 8.0, arguments[-3].messages)
    try:
        if plan.idempotent and plan.retry:
            events = await call.of(_tries(run, name, plan, arguments))
        else:
            events = _answer(await call.of(_begun(run, name, plan, arguments)), arguments)
        if not events and call.is_swallowed():
            # The user was told nothing and Rasa would do nothing, so this is a failure.
            raise call.timeout()
        return events
    except asyncio.CancelledError as error:
        meant = call.meaning(error)
        if meant is error:
            raise
        try:
            raise meant from error
        finally:
            # The error's traceback holds this frame; a frame that held the error would be a circle in memory.
            del meant
    finally:
        call.end()


async def behind_breaker(
    run: Run, name: str, plan: HandOffOptions, arguments: Arguments, rule: BreakerRule, breakers: Breakers
) -> Events:
    """Do as `within_deadline`, unless the breaker of `rule` is open.

    Raises:
        IntegrationDown: its breaker is open, and the action was not run.
    """
    async with breakers.guarding(rule, passes=_CONTROL_FLOW):
        return await within_deadline(run, name, plan, arguments)


def _begun(run: Run, name: str, plan: HandOffOptions, arguments: Arguments) -> Awaitable[object]:
    # This is no coroutine, because every guarded action would pay for one more.
    if not _is_async(run):
        return _in_thread(run, *arguments)
    if _runs_in_thread(name, plan.thread):
        return _in_thread_with_loop(run, name, *arguments)
    awaitable: Awaitable[object] = run(*arguments)
    return awaitable


def _answer(returned: object, arguments: Arguments) -> Events:
    for message in arguments[-3].messages:
        if not is_message(message):
            raise InvalidReturn("The action uttered a message that Rasa cannot say, or that is not JSON.")
    if returned.__class__ is not list:
        if returned is None:
            return []
        if not isinstance(returned, (list, tuple)):
            raise InvalidReturn(f"The action returned {type(returned).__name__} in place of a list of events.")
    return _known(returned)


def _known(events: Sequence[Any]) -> Events:
    """Return the events that Rasa can read; log and leave out single ones that it does not know."""
    unknown = 0
    for event in events:
        kind = event.get("event") if isinstance(event, dict) else None
        if not isinstance(kind, str) or (kind in _NAMED and not isinstance(event.get("name"), str)):
            named = kind if isinstance(kind, str) else type(event).__name__
            raise InvalidReturn(f"The action returned an event that Rasa cannot read: {named}.")
        if kind not in _RASA_EVENTS:
            logger.error("An event %r is left out: Rasa does not know it and would drop the whole answer.", kind)
            unknown += 1
        elif not is_json(event):
            raise InvalidReturn(f"The action returned an event that is not JSON: {kind}.")
    return [event for event in events if event["event"] in _RASA_EVENTS] if unknown else list(events)


async def _tries(run: Run, name: str, plan: HandOffOptions, arguments: Arguments) -> Events:
    dispatcher = arguments[-3]
    said = len(dispatcher.messages)

    async def attempt() -> Events:
        # The user would read twice what a failed try has said.
        del dispatcher.messages[said:]
        return _answer(await _begun(run, name, plan, arguments), arguments)

    return await tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_is_worth_another_try),
        wait=_JITTER,
        stop=tenacity.stop_after_attempt((plan.retry or 0) + 1),
        reraise=True,
    )(attempt)


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, (*_CONTROL_FLOW, InvalidReturn))


_Outcome = tuple[object, BaseException | None]

_THREADS = 200
"""Blocking actions at once."""
_MOST_LEFT_BEHIND = 1000
"""Threads of actions that have missed their deadline. Python cannot end a thread, so one that hangs stays. From this
many on, a further one keeps its place among the `_THREADS`; when all of those are taken, blocking actions fail."""

_TOLD_EVERY = 50
_GRACE_SECONDS = 0.2
_OTHER_LOOP = ("different loop", "different event loop", "Event loop is closed")
_bound_to_the_loop: set[str] = set()


def _is_async(run: Run) -> bool:
    """Tell whether calling `run` gives something to await."""
    function = run.func if isinstance(run, functools.partial) else run
    return _is_async_function(getattr(function, "__func__", function))


def _runs_in_thread(name: str, wanted: bool | None) -> bool:
    """Tell whether an asynchronous action has to run apart: its option `thread` says so, or it has blocked the loop."""
    if wanted is not None or name not in BLOCKERS:
        return bool(wanted)
    return name not in _bound_to_the_loop and time.monotonic() < BLOCKERS[name]


async def _in_thread(run: Run, *arguments: object) -> object:
    """Call a synchronous function in a thread, which is left behind when the deadline passes."""
    threads = _threads_of_loop()
    await threads.gate.acquire()
    returned = await threads.run(functools.partial(run, *arguments))
    return await returned if inspect.isawaitable(returned) else returned


async def _in_thread_with_loop(run: Run, name: str, *arguments: object) -> object:
    """Await an action's asynchronous function in a thread with an event loop of its own, which ends with it.

    Raises:
        RuntimeError: it uses what is bound to the worker's loop. An action that was moved because it had blocked the
            loop stays there from then on.
    """
    call = CURRENT.get()
    assert call is not None
    _stream_across(arguments[-3], asyncio.get_running_loop())
    try:
        return await _in_thread(_in_own_loop, run, call.ends, *arguments)
    except RuntimeError as error:
        if name in BLOCKERS and any(words in str(error) for words in _OTHER_LOOP):
            _bound_to_the_loop.add(name)
            logger.error(
                "Action %s blocks the worker and cannot run in a thread, as it uses what belongs to the worker's event "
                "loop. It stays there; replace its blocking call by an asynchronous one.",
                name,
            )
        raise


def move_methods_to_threads(action: object) -> None:
    """Make the synchronous `validate_…` and `extract_…` methods of a form's action run in threads.

    rasa-sdk calls them on the worker's loop. Other actions are left as they are; a second call does nothing.
    """
    kind: object = type(action)
    for name in _blocking_methods(kind):
        action.__dict__.setdefault(name, _MethodInThread(action, name))


class _MethodInThread:
    """A method of an action, run in a thread. A class, not a closure: rasa-sdk pickles actions into its workers."""

    def __init__(self, action: object, name: str) -> None:
        self._action, self._name = action, name

    async def __call__(self, *arguments: object) -> object:
        return await _in_thread(getattr(type(self._action), self._name), self._action, *arguments)


@functools.lru_cache(maxsize=1000)
def _blocking_methods(kind: type[object]) -> tuple[str, ...]:
    # Cached: every call of a decorated action asks, and `issubclass` of an abstract class is slow.
    if not issubclass(kind, ValidationAction) or not kind.__dictoffset__:
        return ()
    names = (name for name in dir(kind) if name.startswith(("validate_", "extract_")))
    # A static or class method takes no instance; rasa-sdk's own do nothing that blocks.
    functions = {name: inspect.getattr_static(kind, name) for name in names}
    return tuple(name for name, found in functions.items() if inspect.isfunction(found) and not _is_async(found))


def _in_own_loop(run: Run, ends: float, *arguments: object) -> object:
    async def work() -> object:
        # An action that only waits is ended soon after its deadline, so that its thread ends as well.
        async with visiting(), deadline(max(0.0, ends - time.monotonic()) + _GRACE_SECONDS):
            return await run(*arguments)

    return asyncio.run(work())


def _stream_across(dispatcher: CollectingDispatcher, loop: asyncio.AbstractEventLoop) -> None:
    """Let a stream of newer rasa-sdk reach its queue, which belongs to the worker's loop."""

    def across(sink: Run) -> Run:
        async def put(chunk: object) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(sink(chunk), loop))

        return put

    forward_stream(dispatcher, across)


@functools.lru_cache(maxsize=10_000)
def _is_async_function(function: Run) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


class _Threads:
    """The threads of one event loop. They are daemons: those of pools (concurrent.futures, anyio) are waited for at the
    end of a process, and one that hangs would keep a server from ever stopping."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self.gate = asyncio.Semaphore(_THREADS)
        self._left_behind = 0

    async def run(self, work: Callable[[], object]) -> object:
        """Run `work` in a new thread; the caller's place at the gate is given back when it ends or is left behind."""
        job = _Job(work, asyncio.get_running_loop().create_future(), contextvars.copy_context())
        try:
            threading.Thread(target=self._work, args=(job,), name="haptik-actions-run", daemon=True).start()
        except BaseException:
            self.gate.release()
            raise
        try:
            returned, error = await job.ended
        except asyncio.CancelledError:
            self._leave_behind(job)
            raise
        finally:
            # The error's traceback holds this frame; a frame that held the error would be a circle in memory.
            del job
        try:
            if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
                # Raised on the loop it would end the server, although nobody has pressed a key.
                raise RuntimeError(f"The action raised {type(error).__name__}.") from error
            if error is not None:
                raise error
        finally:
            del error
        return returned

    def _work(self, job: _Job) -> None:
        try:
            outcome: _Outcome = job.context.run(job.work), None
        except BaseException as error:  # noqa: BLE001
            outcome = None, error
        loop = self._loop()
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            if loop is not None:
                loop.call_soon_threadsafe(self._end, job, outcome)
        # No circle in memory, as in `run`.
        del outcome, job

    def _end(self, job: _Job, outcome: _Outcome) -> None:
        if job.is_left_behind:
            self._left_behind -= 1
        else:
            self.gate.release()
        if not job.ended.done():
            job.ended.set_result(outcome)

    def _leave_behind(self, job: _Job) -> None:
        if self._left_behind >= _MOST_LEFT_BEHIND:
            return
        job.is_left_behind = True
        self._left_behind += 1
        self.gate.release()
        if self._left_behind % _TOLD_EVERY == 0:
            line = "%d actions hang in threads behind their deadlines: give their calls a timeout."
            logger.error(line, self._left_behind)


class _Job:
    def __init__(
        self, work: Callable[[], object], ended: asyncio.Future[_Outcome], context: contextvars.Context
    ) -> None:
        self.work, self.ended, self.context = work, ended, context
        self.is_left_behind = False


_threads: WeakKeyDictionary[asyncio.AbstractEventLoop, _Threads] = WeakKeyDictionary()


def _threads_of_loop() -> _Threads:
    loop = asyncio.get_running_loop()
    threads = _threads.get(loop)
    if threads is None:
        threads = _threads[loop] = _Threads(loop)
    return threads
