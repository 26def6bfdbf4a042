"""Running somebody's integration: within a deadline, again where it says so, behind its breaker, and checked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import rasa_sdk.events
import tenacity
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions._log import get_logger
from haptik_actions.actions._guarded_call import GuardedCall
from haptik_actions.actions._readable import is_json, is_message
from haptik_actions.actions._threads import in_thread, in_thread_with_loop, is_async, runs_in_thread
from haptik_actions.errors import InvalidReturn
from haptik_actions.escalation import BreakerRule, Breakers, HandOffOptions, HandOffRequested

__all__ = ["Events", "behind_breaker", "within_deadline"]

logger = get_logger(__name__)

Events = list[dict[str, Any]]
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
    # Newer servers know it. Which server calls is not said, and who imports it from a newer rasa-sdk has a newer Rasa.
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
            # Its user was told nothing, and Rasa is told to do nothing.
            raise call.timeout()
        return events
    except asyncio.CancelledError as error:
        meant = call.meaning(error)
        if meant is error:
            raise
        try:
            raise meant from error
        finally:
            # This frame stands in its traceback: together they would wait for the garbage collector.
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


def _begun(run: Run, name: str, plan: HandOffOptions, arguments: Arguments) -> Awaitable[Any]:
    # No coroutine of its own: every guarded action would pay for it.
    if not is_async(run):
        return in_thread(run, *arguments)
    if runs_in_thread(name, plan.thread):
        return in_thread_with_loop(run, name, *arguments)
    awaitable: Awaitable[Any] = run(*arguments)
    return awaitable


def _answer(returned: Any, arguments: Arguments) -> Events:
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
        # What a failed try said would be said twice.
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
