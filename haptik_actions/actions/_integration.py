"""Running somebody's integration: within a deadline, again where it says so, behind its breaker, and checked."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import rasa_sdk.events
import tenacity
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions._deadline import finish_within
from haptik_actions.actions._threads import in_thread, in_thread_with_loop, is_async, runs_in_thread
from haptik_actions.errors import IntegrationCancelled, IntegrationTimeout, InvalidReturn
from haptik_actions.escalation import Breakers, HandOffOptions, HandOffRequested

__all__ = ["Events", "call_integration", "is_json"]

logger = logging.getLogger(__name__)

Events = list[dict[str, Any]]
Run = Callable[..., Any]

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
_FAILURES = (IntegrationTimeout, IntegrationCancelled)
_PLAIN = frozenset({str, int, float, bool, type(None)})
_EMPTY: tuple[Any, Any] = ([], {})
_NAMED = frozenset({"action", "followup", "slot"})


async def call_integration(
    run: Run,
    name: str,
    plan: HandOffOptions,
    breakers: Breakers,
    dispatcher: CollectingDispatcher,
    tracker: Any,
    domain: Any,
) -> Events:
    """Run the action and return its events.

    Raises:
        IntegrationTimeout: it took longer than its deadline.
        IntegrationCancelled: it was cancelled from within.
        IntegrationDown: its breaker is open, and it was not run.
        InvalidReturn: it returned what Rasa cannot read.
        BaseException: whatever the action raises.
    """
    work = _tries if plan.idempotent and plan.retry else _one_try
    if plan.breaker is None:
        return await finish_within(
            plan.deadline or 8.0, work(run, name, plan, dispatcher, tracker, domain), *_FAILURES, name
        )
    async with breakers.guarding(plan.breaker, passes=_CONTROL_FLOW):
        return await finish_within(
            plan.deadline or 8.0, work(run, name, plan, dispatcher, tracker, domain), *_FAILURES, name
        )


async def _one_try(run: Run, name: str, plan: HandOffOptions, *arguments: Any) -> Events:
    if not is_async(run):
        returned = await in_thread(run, *arguments)
    elif runs_in_thread(name, plan.thread):
        returned = await in_thread_with_loop(run, name, *arguments)
    else:
        returned = await run(*arguments)
    if not all(map(is_json, arguments[0].messages)):
        raise InvalidReturn("The action uttered a message that is not JSON.")
    return _checked(returned) if returned else _empty(returned)


async def _tries(run: Run, name: str, plan: HandOffOptions, dispatcher: CollectingDispatcher, *rest: Any) -> Events:
    said = len(dispatcher.messages)

    async def attempt() -> Events:
        # What a failed try said would be said twice.
        del dispatcher.messages[said:]
        return await _one_try(run, name, plan, dispatcher, *rest)

    return await tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_is_worth_another_try),
        wait=_JITTER,
        stop=tenacity.stop_after_attempt((plan.retry or 0) + 1),
        reraise=True,
    )(attempt)


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, (*_CONTROL_FLOW, InvalidReturn))


def _empty(returned: Any) -> Events:
    if returned is None or isinstance(returned, (list, tuple)):
        return []
    return _checked(returned)


def _checked(returned: Any) -> Events:
    """Return the events that Rasa can read; log and leave out single ones that it does not know."""
    if not isinstance(returned, (list, tuple)):
        raise InvalidReturn(f"The action returned {type(returned).__name__} in place of a list of events.")
    events = [event for event in returned if _is_known(event)]
    for event in events:
        if not is_json(event):
            raise InvalidReturn(f"The action returned an event that is not JSON: {event['event']}.")
    return events


def is_json(event: dict[str, Any]) -> bool:
    """Tell whether an event or a message can be written as JSON."""
    # Nearly all hold nothing but plain values, and seeing that takes a tenth of writing them out.
    for value in event.values():
        if value.__class__ not in _PLAIN and value not in _EMPTY:
            break
    else:
        return True
    try:
        json.dumps(event)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _is_known(event: Any) -> bool:
    kind = event.get("event") if isinstance(event, dict) else None
    if not isinstance(kind, str) or (kind in _NAMED and not isinstance(event.get("name"), str)):
        raise InvalidReturn(f"The action returned an event that Rasa cannot read: {kind or type(event).__name__}.")
    if kind in _RASA_EVENTS:
        return True
    logger.error("An event %r is left out: Rasa does not know it and would drop the whole answer.", kind)
    return False
