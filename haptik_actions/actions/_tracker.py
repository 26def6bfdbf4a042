"""rasa_sdk's tracker and events, translated: in to a `Conversation`, out from an `Escalation`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rasa_sdk import Tracker
from rasa_sdk.events import ActionExecuted, ConversationPaused, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions._log import get_logger
from haptik_actions.actions._readable import Events
from haptik_actions.answers import AnswerWords, Offered, choose, read_offers, to_metadata
from haptik_actions.escalation import RECEIPT_SLOT, Conversation, Escalation
from haptik_actions.hsl import Text
from haptik_actions.messages import locale_of
from haptik_actions.render import Conversion, Offer, render

__all__ = [
    "chosen",
    "conversation_of",
    "deliver",
    "events_of",
    "language_of",
    "offered_last",
    "say",
]

logger = get_logger(__name__)

# With these events a new conversation begins.
_NEW_START = frozenset({"restart", "session_started"})


def chosen(tracker: Tracker) -> Offer | None:
    """Return the option that the user's latest message means, of those that `utter` offered; None where it means none.

    Numbers and ordinals go by what was offered last. Older options are found by their label or payload.
    """
    text = _said(tracker)
    offered = offered_before(tracker)
    if not offered:
        return None
    older = [offer for message in offered[1:] for offer in message.offers]
    return choose(text, offered[0].offers, older, words=offered[0].words)


def _said(tracker: Tracker) -> str:
    # The event has the user's own words; `latest_message` has what an NLU component made of them.
    events = (event for event in reversed(tracker.events or []) if event.get("event") == "user")
    return str(next(events, tracker.latest_message or {}).get("text") or "")


def offered_before(tracker: Tracker) -> list[Offered]:
    """Return what was offered before the user's latest message, latest first."""
    return read_offers(_metadata_said(tracker, users=None))


def offered_last(tracker: Tracker) -> tuple[Offer, ...] | None:
    """Return what the bot offered in its latest turn before the user's message, None where it offered nothing."""
    offered = read_offers(_metadata_said(tracker, users=2))
    return offered[0].offers if offered else None


def _metadata_said(tracker: Tracker, users: int | None) -> Iterator[object]:
    """The metadata of bot events, backwards: from the latest user message, up to the message number `users`."""
    seen = 0
    for event in reversed(tracker.events or []):
        kind = event.get("event")
        seen += kind == "user"
        if kind in _NEW_START or seen == users:
            return
        # What the bot said after the user's latest message is not what that message answers.
        if kind == "bot" and seen:
            yield event.get("metadata")


_MOST_TURNS = 20
# With these events the bot gets the conversation back.
_RESUMING = frozenset({"resume", "restart", "session_started"})


def conversation_of(tracker: Tracker) -> Conversation:
    """Return the part of the tracker that a hand-off needs."""
    ended, running = _receipts(tracker)
    return Conversation(
        sender_id=tracker.sender_id,
        channel=tracker.get_latest_input_channel(),
        slots=dict(tracker.slots or {}),
        metadata=tuple(_metadata(tracker)),
        resumed_at=_resumed_at(tracker),
        ended=ended,
        running=running,
        turns=[*_turns(tracker)][-_MOST_TURNS:],
        form=tracker.active_loop_name,
    )


def events_of(escalation: Escalation) -> Events:
    """Return the events for Rasa: the receipt, and the pause behind the `action_listen` that makes a resume safe."""
    if escalation.receipt is None:
        return []
    events = [SlotSet(RECEIPT_SLOT, escalation.receipt.to_slot())]
    if escalation.pause:
        # Without action_listen a later `resume` would run the failed action again, and pause again. It stands before
        # the pause: Rasa's fallback takes back everything down to the last action_listen, and has to take pause and
        # resume together, or the conversation is paused for ever. What is left then ends with the followup, so that
        # Rasa listens: otherwise it would take the steps behind the failed action, or submit the form.
        events += [FollowupAction("action_listen"), ActionExecuted("action_listen"), ConversationPaused()]
    return events


def say(dispatcher: CollectingDispatcher, text: str, channel: str | None) -> None:
    """Utter `text` in the form of the channel."""
    deliver(dispatcher, render(Text(text=text), channel))


def deliver(dispatcher: CollectingDispatcher, conversion: Conversion, words: AnswerWords | None = None) -> None:
    """Utter every message of a conversion; the last one carries what was offered."""
    offers = to_metadata(conversion.replies, words or AnswerWords()) if conversion.replies else {}
    for number, message in enumerate(conversion.messages, start=1):
        dispatcher.utter_message(**message, **(offers if number == len(conversion.messages) else {}))


def language_of(tracker: Tracker) -> str | None:
    """Return the user's language tag: the slot `language_code`, then that of the messages' metadata, latest first."""
    return locale_of(tracker.slots, *_metadata(tracker))


def _metadata(tracker: Tracker) -> Iterator[Mapping[str, object]]:
    for source in ((tracker.latest_message or {}), *reversed(tracker.events or [])):
        if source is tracker.latest_message or source.get("event") == "user":
            metadata = source.get("metadata")
            if isinstance(metadata, Mapping):
                yield metadata


def _turns(tracker: Tracker) -> Iterator[tuple[str, str]]:
    for event in tracker.events or []:
        text = event.get("text")
        if event.get("event") in ("user", "bot") and isinstance(text, str) and text:
            yield event["event"], text


def _resumed_at(tracker: Tracker) -> float:
    for event in reversed(tracker.events or []):
        at = event.get("timestamp")
        if event.get("event") in _RESUMING and isinstance(at, (int, float)):
            return float(at)
    return 0.0


def _receipts(tracker: Tracker) -> tuple[str | None, str | None]:
    """Return the ids of the last receipt before the bot had the conversation back, and of the last one since."""
    ended = last = None
    for event in tracker.events or []:
        if event.get("event") in _RESUMING:
            ended = last
        elif event.get("event") == "slot" and event.get("name") == RECEIPT_SLOT:
            value = event.get("value")
            if isinstance(value, Mapping) and isinstance(value.get("id"), str):
                last = value["id"]
    # A new session may carry over slots of the old one; then this is the receipt of before, not a later one.
    return ended, last if last != ended else None
