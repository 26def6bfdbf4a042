"""What is written into Rasa's trackers, and what is read from them.

Every order of events here was tried on Rasa 3.6.21 with RulePolicy, Memoization and TED: the bot predicts afterwards
what it would predict without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rasa.shared.core.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    Event,
    FollowupAction,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

from haptik_actions._from_outside import JsonObject
from haptik_actions.escalation import RECEIPT_SLOT, Receipt
from haptik_actions.relay import Saying

__all__ = [
    "bot_messages",
    "form_of_pause",
    "is_given_back",
    "is_paused",
    "is_said",
    "is_triggered",
    "listen",
    "mark",
    "pause",
    "receipt_of",
    "reset_slots",
    "resume",
    "set_receipt",
    "user_words",
]

_REQUESTED_SLOT = "requested_slot"
_LISTEN = "action_listen"
_MARK = "haptik"
"""Key of an event's metadata under which stands who has said it."""


def is_paused(tracker: DialogueStateTracker) -> bool:
    """Tell whether the conversation is paused. rasa-pro has an attribute since 3.16, before that it is a method."""
    paused = getattr(tracker, "is_paused", None)
    return bool(paused() if callable(paused) else getattr(tracker, "paused", False))


def receipt_of(tracker: DialogueStateTracker) -> Receipt | None:
    """Return the receipt of the conversation's last hand-off; None where there is none that can be read."""
    slot = tracker.slots.get(RECEIPT_SLOT)
    return None if slot is None else Receipt.from_slot(slot.value)


def set_receipt(tracker: DialogueStateTracker, receipt: str, state: str) -> list[Event]:
    """Return the event that gives the receipt `receipt` the state; none where the slot holds another one."""
    slot = tracker.slots.get(RECEIPT_SLOT)
    value = None if slot is None else slot.value
    if not isinstance(value, Mapping) or value.get("id") != receipt or value.get("state") == state:
        return []
    return [SlotSet(RECEIPT_SLOT, {**value, "state": state})]


def is_given_back(tracker: DialogueStateTracker, receipt: str) -> bool:
    """Tell whether somebody has resumed the conversation since the hand-off with this receipt paused it: by hand, or by
    Rasa's HTTP API."""
    resumed = False
    for event in reversed(tracker.events):
        if isinstance(event, ConversationPaused) and not resumed:
            return False
        resumed = resumed or isinstance(event, ConversationResumed)
        if resumed and isinstance(event, SlotSet) and _receipt_in(event) == receipt:
            return True
    return False


def _receipt_in(event: SlotSet) -> Any:
    is_receipt = event.key == RECEIPT_SLOT and isinstance(event.value, Mapping)
    return event.value.get("id") if is_receipt else None


def pause(tracker: DialogueStateTracker) -> list[Event]:
    """Return the events that pause the conversation; none where it is paused."""
    if is_paused(tracker):
        return []
    return [*listen(tracker), ConversationPaused()]


def resume(tracker: DialogueStateTracker, channel: str, resets: Sequence[Event] = ()) -> list[Event]:
    """Return the events that give a paused conversation back to the bot; none where it is not paused.

    `resets` are applied with them. `channel` is that of the user.
    """
    if not is_paused(tracker):
        return []
    # A session's age counts from the user's last words. Without these the next ones could start a new session.
    here = UserUttered("", None, input_channel=channel)
    listens = [FollowupAction(_LISTEN), ActionExecuted(_LISTEN), here]
    if tracker.latest_action_name != _LISTEN:
        # A bare pause: the action that paused would run again.
        return [ConversationResumed(), *resets, *listens]
    if not resets and not _is_paused_before_listening(tracker):
        return [here, ConversationResumed()]
    # A fallback takes back all that lies behind the last `action_listen`. With the pause of older versions, which
    # stands before it, that would be the resume alone, and the conversation would be silent for ever; and the resets
    # would be taken back in any case. So the bot's last listening is undone and comes again behind them.
    return [ActionReverted(), ConversationResumed(), *resets, *listens]


def listen(tracker: DialogueStateTracker) -> list[Event]:
    """Return the events with which the bot listens; none where it does.

    A fallback after the agent takes the listening back. What is left then ends with the followup, so that the bot
    listens again and does not take the steps behind the action that failed.
    """
    return [] if tracker.latest_action_name == _LISTEN else [FollowupAction(_LISTEN), ActionExecuted(_LISTEN)]


def _is_paused_before_listening(tracker: DialogueStateTracker) -> bool:
    marks = (
        event for event in reversed(tracker.applied_events()) if isinstance(event, (ConversationPaused, ActionExecuted))
    )
    return isinstance(next(marks, None), ActionExecuted)


def form_of_pause(tracker: DialogueStateTracker) -> str | None:
    """Return the form in whose turn the conversation was paused: still active then, or filled and submitted."""
    active = began_with = paused_in = None
    listens = True
    # All events: of those that Rasa applies, what a form has taken is missing.
    for event in tracker.events:
        if isinstance(event, (Restarted, SessionStarted)):
            active = began_with = paused_in = None
        elif isinstance(event, ActiveLoop):
            active = event.name
        elif isinstance(event, ActionExecuted):
            began_with = active if listens and event.action_name != _LISTEN else began_with
            listens = event.action_name == _LISTEN
        elif isinstance(event, ConversationPaused):
            paused_in = active or began_with
    return paused_in


def reset_slots(tracker: DialogueStateTracker, names: Sequence[str]) -> list[Event]:
    """Return the events that empty the slots, and make an active form that asks for one of them begin anew."""
    filled = [name for name in names if name in tracker.slots and tracker.slots[name].value is not None]
    events: list[Event] = [SlotSet(name, None) for name in filled]
    asked = tracker.slots.get(_REQUESTED_SLOT)
    if events and asked is not None and asked.value in names:
        events.append(SlotSet(_REQUESTED_SLOT, None))
    return events


def user_words(
    text: str, *, channel: str | None, message_id: str | None, metadata: Mapping[str, object] | None
) -> Event:
    """Return the event of words that the agent reads, and the bot does not: it has no intent."""
    return UserUttered(text, None, input_channel=channel, message_id=message_id, metadata=dict(metadata or {}))


def mark(saying: Saying) -> JsonObject:
    """Return what the metadata of a bot's event says of who has said it."""
    said = {"author": saying.author, "agent": saying.name, "message_id": saying.id, "key": saying.key}
    return {_MARK: {name: value for name, value in said.items() if value is not None}}


def is_said(tracker: DialogueStateTracker, saying: Saying) -> bool:
    """Tell whether the conversation has the saying: a message of the platform at any place, a sentence of the relay's
    own since the user wrote last."""
    kept = (event.metadata.get(_MARK) for event in _said_since(tracker, everything=saying.id is not None))
    wanted = mark(saying)[_MARK]
    return any(isinstance(mark, Mapping) and dict(mark) == wanted for mark in kept)


def _said_since(tracker: DialogueStateTracker, *, everything: bool) -> Iterator[BotUttered]:
    for event in reversed(tracker.events):
        if not everything and isinstance(event, UserUttered) and event.text:
            return
        if isinstance(event, BotUttered):
            yield event


def is_triggered(tracker: DialogueStateTracker, intent: str) -> bool:
    """Tell whether the intent was triggered since the bot has the conversation back."""
    for event in reversed(tracker.events):
        if isinstance(event, ConversationResumed):
            return False
        if isinstance(event, UserUttered) and event.intent.get("name") == intent:
            return True
    return False


def bot_messages(tracker: DialogueStateTracker) -> Iterator[BotUttered]:
    """Yield what the bot and agents have said in this session, latest first."""
    for event in reversed(tracker.events):
        if isinstance(event, (Restarted, SessionStarted)):
            return
        if isinstance(event, BotUttered):
            yield event
