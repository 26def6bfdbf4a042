"""After a failure: hand over, tell the user, and make the events right for where Rasa runs the action.

An action runs on its own, in a form, or to fill slots; `action_default_fallback` has rules of its own. What Rasa 3.6.21
does with events of a failed action was found by running it; the rasa_sdk names are those of `rasa_sdk.forms`.

- A form goes on after its validation returned: left alone it asks its next question right below the hand-off's copy,
  also when the events pause the conversation. It ends where they set `requested_slot` to None or `active_loop` to None.
- A form that has ended is followed by the rule that submits it, unless the conversation is paused or the next action is
  said by `followup`.
- A form that is still active when an agent is done takes the user's first words for the answer to its old question.
- Of what fills slots (`action_validate_slot_mappings`) only `slot` events and messages are kept.

Whatever fails on the way, there is an answer: that is what the guard is for.
"""

from __future__ import annotations

import copy
from asyncio import CancelledError
from collections.abc import Iterable
from typing import SupportsIndex

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, ConversationResumed, FollowupAction, SlotSet, UserUtteranceReverted
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import ACTION_VALIDATE_SLOT_MAPPINGS, REQUESTED_SLOT

from haptik_actions._deadline import is_cancelled
from haptik_actions._log import get_logger
from haptik_actions.actions._guarded_call import CURRENT
from haptik_actions.actions._readable import Event, Events, Message, is_message
from haptik_actions.actions._tracker import conversation_of, events_of, say
from haptik_actions.escalation import RECEIPT_SLOT, Escalator, Failure, HandOffOptions, HandOffRequested, Receipt
from haptik_actions.messages import packaged_copy

__all__ = ["FALLBACK", "answer_failure", "failure_events", "taken_back"]

logger = get_logger(__name__)

FALLBACK = "action_default_fallback"


def taken_back(tracker: Tracker, events: Events) -> Events:
    """Take the user's message back, as Rasa's own fallback does; then come `events`, and Rasa listens.

    `events` come behind the revert, because Rasa forgets the slots that were set before it. So does a pause: without a
    revert before it the next fallback would find this action as the last one, and Rasa would call it twice.
    """
    if any(event["event"] == "pause" for event in events):
        return [*_reverted(tracker), *events]
    # What is left of the conversation may end with an action that has a next step, and that step is not for now.
    return [*_reverted(tracker), *events, FollowupAction("action_listen")]


def without_looking(events: Events) -> Events:
    """Take the user's message back whatever the tracker holds, and let Rasa listen."""
    return [UserUtteranceReverted(), *events, FollowupAction("action_listen")]


def _reverted(tracker: Tracker) -> Events:
    """Take back the message and nothing else.

    Rasa takes everything back to the last action, and that action too. A `resume` lies behind it where the pause came
    before the `action_listen`, as an earlier version paused: the conversation would be paused again, with nobody to
    answer.
    """
    resume: Event | None = None
    for event in reversed(tracker.events or []):
        kind = event.get("event")
        if kind == "action":
            break
        if kind == "pause":
            # Taken back as well.
            return [UserUtteranceReverted()]
        resume = event if kind == "resume" else resume
    if resume is None:
        return [UserUtteranceReverted()]
    # It keeps its own time, because it ended the hand-off before it and must not end a later one.
    return [UserUtteranceReverted(), ConversationResumed(timestamp=resume.get("timestamp"))]


_AGENT_COMES = ("connected", "duplicate")


def failure_events(name: str, tracker: Tracker, events: Events) -> Events:
    """Return the events for Rasa after the action `name` failed.

    `events` are those of the escalation: the slot `haptik_handoff`, and the pause with its `action_listen` where there
    is one. A validation's candidates are set back to None: they were not validated. A form ends where the conversation
    is paused or an agent comes, and where it could not ask its question; otherwise it asks the same question again.
    """
    if name == ACTION_VALIDATE_SLOT_MAPPINGS:
        return _unset(tracker) + [event for event in events if event["event"] == "slot"]
    form = tracker.active_loop_name
    if form is None:
        return events
    if name == f"validate_{form}":
        return _unset(tracker) + (_leave_form(events) if _agent_comes(events) else events)
    # A failed `action_ask_*` leaves the user without the question: the next words would answer what was never asked.
    if _is_paused(events) or name.startswith("action_ask_"):
        return _leave_form(events)
    return events


def _unset(tracker: Tracker) -> Events:
    """Every slot that this validation was asked for; Rasa appends the candidates to the end of the tracker's events."""
    names: list[str] = []
    for event in reversed(tracker.events or []):
        if event.get("event") != "slot":
            break
        names.append(event["name"])
    return [SlotSet(name, None) for name in dict.fromkeys(reversed(names)) if name != REQUESTED_SLOT]


def _leave_form(events: Events) -> Events:
    ended = [SlotSet(REQUESTED_SLOT, None), ActiveLoop(None), *events]
    return ended if _is_paused(events) else [*ended, FollowupAction("action_listen")]


def _agent_comes(events: Events) -> bool:
    return _is_paused(events) or any(_state(event) in _AGENT_COMES for event in events)


def _is_paused(events: Events) -> bool:
    return any(event["event"] == "pause" for event in events)


def _state(event: Event) -> object:
    value = event.get("value") if event.get("name") == RECEIPT_SLOT else None
    return value.get("state") if isinstance(value, dict) else None


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
        dispatcher.messages = _MessagesAfterFailure(own.messages)


class _MessagesAfterFailure(list[Message]):
    """The messages after a failure. The failed action may still run, in a thread or a task of its own, and utter more
    before the answer is written. What it utters is left out."""

    def append(self, message: Message) -> None:
        if _is_heard():
            super().append(message)

    def extend(self, messages: Iterable[Message]) -> None:
        if _is_heard():
            super().extend(messages)

    def __iadd__(self, messages: Iterable[Message]) -> _MessagesAfterFailure:  # type: ignore[misc, override]
        self.extend(messages)
        return self

    def insert(self, position: SupportsIndex, message: Message) -> None:
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


def _kept(messages: list[Message], plan: HandOffOptions) -> list[Message]:
    # One message that Rasa cannot say would cost the user the whole answer.
    return [] if plan.earlier_messages == "drop" else [message for message in messages if _can_be_said(message)]


def _can_be_said(message: object) -> bool:
    try:
        return is_message(message)
    # It may be of any class, and raise anything when it is looked at.
    except Exception:  # noqa: BLE001
        return False


def _names(failure: Failure, tracker: Tracker) -> tuple[str, object]:
    return failure.action, getattr(tracker, "sender_id", None)
