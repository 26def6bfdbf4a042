"""After a failure: hand over, tell the user, and make the events right for where Rasa runs the action.

Whatever fails on the way, there is an answer: that is what the guard is for.
"""

from __future__ import annotations

import copy
from asyncio import CancelledError
from collections.abc import Iterable
from typing import Any, SupportsIndex

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions._deadline import is_cancelled
from haptik_actions._log import get_logger
from haptik_actions.actions._call import CURRENT
from haptik_actions.actions._fallback import FALLBACK, taken_back, without_looking
from haptik_actions.actions._forms import failure_events
from haptik_actions.actions._integration import Events
from haptik_actions.actions._readable import is_message
from haptik_actions.actions._tracker import conversation_of, events_of, say
from haptik_actions.escalation import RECEIPT_SLOT, Escalator, Failure, HandOffOptions, HandOffRequested, Receipt
from haptik_actions.messages import packaged_copy

__all__ = ["answer_failure"]

logger = get_logger(__name__)


async def answer_failure(
    failure: Failure, escalator: Escalator, dispatcher: CollectingDispatcher, tracker: Tracker, said: int
) -> Events:
    """Return Rasa's events after a failure, with the user told. Of what was uttered, the first `said` messages are
    others' and stay; the rest is the failed action's."""
    # The action may have put anything there.
    uttered = getattr(dispatcher, "messages", None)
    uttered = uttered if isinstance(uttered, list) else []
    own = copy.copy(dispatcher)
    own.messages = [*uttered[:said], *_kept(uttered[said:], failure.plan)]
    try:
        return await _answered(failure, escalator, own, tracker)
    finally:
        dispatcher.messages = _Answer(own.messages)


class _Answer(list[dict[str, Any]]):
    """The messages after a failure. Until they are written the action may go on uttering, left behind in a thread or in
    a task of its own: not into this answer."""

    def append(self, message: dict[str, Any]) -> None:
        if _is_heard():
            super().append(message)

    def extend(self, messages: Iterable[dict[str, Any]]) -> None:
        if _is_heard():
            super().extend(messages)

    def __iadd__(self, messages: Iterable[dict[str, Any]]) -> _Answer:  # type: ignore[misc, override]
        self.extend(messages)
        return self

    def insert(self, position: SupportsIndex, message: dict[str, Any]) -> None:
        if _is_heard():
            super().insert(position, message)


def _is_heard() -> bool:
    call = CURRENT.get()
    return call is None or not call.is_over


async def _answered(
    failure: Failure, escalator: Escalator, dispatcher: CollectingDispatcher, tracker: Tracker
) -> Events:
    try:
        return await _hand_over(failure, escalator, dispatcher, tracker)
    except (Exception, CancelledError) as error:
        if isinstance(error, CancelledError) and is_cancelled():
            raise
        logger.exception("After action %s failed in conversation %s, so did its guard.", *_names(failure, tracker))
    return _last_resort(failure, dispatcher, tracker)


async def _hand_over(
    failure: Failure, escalator: Escalator, dispatcher: CollectingDispatcher, tracker: Tracker
) -> Events:
    conversation = conversation_of(tracker)
    escalation = await escalator.escalate(failure, conversation)
    # While an agent has the chat Rasa still fills slots; the bot's words would stand between theirs.
    if not tracker.is_paused():
        _say(dispatcher, escalation.text, conversation.channel)
    return _events(failure, tracker, events_of(escalation))


def _last_resort(failure: Failure, dispatcher: CollectingDispatcher, tracker: Tracker) -> Events:
    dispatcher.utter_message(text=packaged_copy()["haptik_handoff_unavailable"])
    receipt = Receipt(state="unavailable", action=failure.action, error=type(failure.error).__name__)
    events = [SlotSet(RECEIPT_SLOT, receipt.to_slot())]
    try:
        return _events(failure, tracker, events)
    except Exception:
        logger.exception("The events for action %s in conversation %s are bare.", *_names(failure, tracker))
        return without_looking(events) if failure.action == FALLBACK else events


def _events(failure: Failure, tracker: Tracker, events: Events) -> Events:
    events = failure_events(failure.action, tracker, events)
    # A fallback that fails would be called again and again; the ready ones see to that themselves.
    own_fallback = failure.action == FALLBACK and not isinstance(failure.error, HandOffRequested)
    return taken_back(tracker, events) if own_fallback else events


def _say(dispatcher: CollectingDispatcher, text: str, channel: str | None) -> None:
    said = len(dispatcher.messages)
    try:
        say(dispatcher, text, channel)
    except Exception:
        logger.exception("The sentence for the user could not be rendered for channel %s.", channel)
        del dispatcher.messages[said:]
        dispatcher.utter_message(text=text)


def _kept(messages: list[dict[str, Any]], plan: HandOffOptions) -> list[dict[str, Any]]:
    # One message that Rasa cannot say would cost the user the whole answer.
    return [] if plan.earlier_messages == "drop" else [message for message in messages if _can_be_said(message)]


def _can_be_said(message: Any) -> bool:
    try:
        return is_message(message)
    # It may be of any class, and raise anything when it is looked at.
    except Exception:  # noqa: BLE001
        return False


def _names(failure: Failure, tracker: Tracker) -> tuple[str, Any]:
    return failure.action, getattr(tracker, "sender_id", None)
