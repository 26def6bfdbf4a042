"""The guard: what fails inside an action becomes a hand-off and a sentence, within the action's deadline.

Who the user is has to be known also after an action that empties its tracker, so the guard remembers the tracker:

before = remember(tracker)
...                             # the action, which may do with its tracker what it likes
tracker = restored(tracker, before)
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from asyncio import CancelledError
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, cast, overload

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions._deadline import is_cancelled
from haptik_actions._log import get_logger
from haptik_actions.actions._failure import answer_failure
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.actions._run_action import behind_breaker, move_methods_to_threads, within_deadline
from haptik_actions.actions._runtime import Runtime, current_runtime
from haptik_actions.actions._server_hooks import start_with_server
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import DEFAULTS, RECEIPT_SLOT, Failure, HandOffOptions, read_options

__all__ = ["IntegrationAction", "escalate_on_error", "guard", "haptik_slot", "options_of"]

logger = get_logger(__name__)

Memory = dict[str, Any]


def remember(tracker: Tracker) -> Memory | None:
    """Return what a hand-off reads of a tracker: slots, latest message and its metadata, events; None where it is none.

    The events themselves are shared, as there may be thousands.
    """
    # Every guarded action pays for this, so it only copies; a tracker is made of the copies only after a failure.
    try:
        held: Memory = tracker.__dict__.copy()
        slots = held["slots"] = held["slots"].copy()
        if "session_started_metadata" in slots:
            slots["session_started_metadata"] = _copied(slots["session_started_metadata"])
        latest = held["latest_message"] = held["latest_message"].copy()
        if "metadata" in latest:
            latest["metadata"] = _copied(latest["metadata"])
        held["active_loop"] = _copied(held["active_loop"])
        held["events"] = held["events"].copy()
    except (AttributeError, KeyError, TypeError):
        return None
    return held


def restored(tracker: Tracker, before: Memory | None) -> Tracker:
    """Return a tracker that holds what was remembered; the given one where there is nothing."""
    if before is None:
        return tracker
    made: Tracker = object.__new__(tracker.__class__)
    made.__dict__.update(before)
    return made


def _copied(value: object) -> object:
    return value.copy() if value.__class__ is dict else value


Run = TypeVar("Run", bound=Callable[..., Any])

# `GeneratorExit` comes only from a call that is being closed: `GuardedCall.of` turns others into RuntimeError.
_CONTROL_FLOW = (ActionExecutionRejection, GeneratorExit)


@overload
def escalate_on_error(run: Run, /) -> Run: ...


@overload
def escalate_on_error(
    *,
    team: str | Sequence[str] | None = None,
    countdown: int | None = None,
    pause: bool | None = None,
    messages: Mapping[str, str] | None = None,
    deadline: float | None = None,
    retry: int | None = None,
    idempotent: bool | None = None,
    breaker: str | Mapping[str, object] | None = None,
    thread: bool | None = None,
) -> Callable[[Run], Run]: ...


def escalate_on_error(run: Run | None = None, /, **options: object) -> Run | Callable[[Run], Run]:
    """Guard the `run` method of an action: a failure becomes a hand-off to an agent and a sentence for the user.

        @escalate_on_error                          # or @escalate_on_error(team="orders", deadline=5)
        async def run(self, dispatcher, tracker, domain): ...

    A failure is an exception, more than `deadline` seconds (default 8), or something returned that Rasa cannot read.
    `team`, `countdown` (5 to 10 s), `pause` and `messages` (receipt state -> message key) say how to hand over. With
    `idempotent=True` the action is run up to `retry` times again before it counts as failed. Actions that name the same
    `breaker` share it: after repeated failures of one, the others fail at once for a while. `thread` says whether an
    asynchronous action runs in a thread with an event loop of its own, because it blocks; left out: for five
    minutes after it has blocked the worker until its deadline.

    All of these can be set in the domain's slot `haptik`: an entry for this action in the slot's `actions` wins over
    them, they win over the slot's own keys. What was uttered before the failure is kept; events are not, as the action
    returned none. A synchronous `run` is run in a thread, and so are the synchronous methods of a form's validation.
    `ActionExecutionRejection` passes, and a cancellation by the server: they are control flow.

    Raises:
        ConfigurationError: an option cannot work, or it stands above something else than `run`; when the class is
            defined.
    """
    checked = options_of(options, "escalate_on_error")
    if run is None:
        return lambda function: _guarded(function, checked)
    return _guarded(run, checked)


def options_of(values: Mapping[str, Any], path: str) -> HandOffOptions:
    """Return options given in code.

    Raises:
        ConfigurationError: one of them cannot work; names it below `path`.
    """
    options, findings = read_options(values, path)
    if findings:
        raise ConfigurationError(" ".join(map(str, findings)))
    return options


async def guard(run: Callable[..., Any], name: str, options: HandOffOptions, *arguments: Any) -> Events:
    """Call `run` with `arguments`; on a failure hand over, tell the user, and return Rasa's events.

    The last three arguments are rasa-sdk's: dispatcher, tracker and domain.
    """
    dispatcher, tracker, domain = arguments[-3:]
    before = remember(tracker)
    try:
        runtime = current_runtime()
        plan = runtime.escalator.plan(name, options, haptik_slot(tracker, domain))
    except Exception:
        logger.exception("Action %s is guarded by the defaults: its options cannot be made out.", name)
        runtime, plan = Runtime(load_settings=Settings), DEFAULTS
    said = len(dispatcher.messages)
    try:
        if plan.breaker is None:
            return await within_deadline(run, name, plan, arguments)
        return await behind_breaker(run, name, plan, arguments, plan.breaker, runtime.breakers)
    except _CONTROL_FLOW:
        raise
    except BaseException as error:
        if isinstance(error, CancelledError) and is_cancelled():
            raise
        if plan.verdict(error) == "pass":
            raise
        failure = Failure(action=name, error=error, plan=plan)
        try:
            with runtime.reading_gate.answering():
                events = await answer_failure(failure, runtime.escalator, dispatcher, restored(tracker, before), said)
                return _for_domain(events, domain)
        finally:
            # The error's traceback holds this frame; a frame that held the error would be a circle in memory.
            del failure


def haptik_slot(tracker: Tracker, domain: Any) -> Any:
    """Return the slot `haptik`: the tracker's, or the domain's initial value. Rasa leaves the domain out at times."""
    value = (tracker.slots or {}).get("haptik")
    if value is not None:
        return value
    try:
        return domain["slots"]["haptik"]["initial_value"]
    except (KeyError, TypeError):
        return None


def _for_domain(events: Events, domain: object) -> Events:
    """Leave out the receipt where the call's domain has no slot for it: Rasa logs an error for each such event."""
    slots = domain.get("slots") if isinstance(domain, Mapping) else None
    # Rasa's own slots are in every domain. One without any says nothing.
    if not isinstance(slots, Mapping) or not slots or RECEIPT_SLOT in slots:
        return events
    kept = [event for event in events if (event.get("event"), event.get("name")) != ("slot", RECEIPT_SLOT)]
    if len(kept) < len(events):
        _say_once(
            "The bot's domain has no slot haptik_handoff, so the conversation keeps no receipt of its hand-off: rules "
            "and forms cannot see it. `haptik-actions check` says what to add to the domain."
        )
    return kept


@functools.cache
def _say_once(what: str) -> None:
    logger.warning(what)


def _guarded(run: Run, options: HandOffOptions) -> Run:
    if not callable(run) or isinstance(run, type):
        what = f"@escalate_on_error stands above the method `run`, not above {run!r:.80}"
        raise ConfigurationError(f'{what}. Name options: @escalate_on_error(team="orders").')

    # rasa_sdk counts the parameters, so they are spelt out here.
    @functools.wraps(run)
    async def guarded(self: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> Events:
        move_methods_to_threads(self)
        try:
            name = str(self.name())
        except Exception:
            logger.exception("%s cannot say its name.", type(self).__name__)
            name = type(self).__name__
        return await guard(run, name, options, self, dispatcher, tracker, domain)

    # The base class of forms is imported with everything, and is no action yet: see `HaptikForm.__init_subclass__`.
    if run.__module__ != "haptik_actions.actions._haptik_form":
        start_with_server()
    guarded.__haptik_guarded__ = True  # type: ignore[attr-defined]
    return cast("Run", guarded)


_OPTIONS = ("team", "countdown", "pause", "messages", "deadline", "retry", "idempotent", "breaker", "thread")


class IntegrationAction(Action, ABC):
    """An action whose failure hands the chat to an agent. Write `name` and `perform`; `run` is the guard.

    The class's options mean the same as those of `escalate_on_error`.

        class ActionCancelOrder(IntegrationAction):
            team = "orders"

            def name(self): return "action_cancel_order"

            async def perform(self, dispatcher, tracker, domain): ...
    """

    team: ClassVar[str | Sequence[str] | None] = None
    countdown: ClassVar[int | None] = None
    pause: ClassVar[bool | None] = None
    messages: ClassVar[Mapping[str, str] | None] = None
    deadline: ClassVar[float | None] = None
    retry: ClassVar[int | None] = None
    idempotent: ClassVar[bool | None] = None
    breaker: ClassVar[str | Mapping[str, Any] | None] = None
    thread: ClassVar[bool | None] = None

    _options: ClassVar[HandOffOptions] = HandOffOptions()

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Check the options of a new class.

        Raises:
            ConfigurationError: an option cannot work; names the class and the option.
        """
        super().__init_subclass__(**kwargs)
        start_with_server()
        cls._options = options_of({name: getattr(cls, name) for name in _OPTIONS}, cls.__qualname__)

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Call `perform`, guarded."""
        return await guard(self.perform, self.name(), self._options, dispatcher, tracker, domain)

    run.__haptik_guarded__ = True  # type: ignore[attr-defined]

    @abstractmethod
    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Call the other system, utter what the user asked for, and return the events; raise where it fails."""
