"""What the user was offered, read from the tracker, and which of it they chose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rasa_sdk import Tracker

from haptik_actions.answers import Offered, choose, read_offers
from haptik_actions.render import Offer

__all__ = ["chosen", "offered_before", "offered_last"]

# Before these the conversation was another one.
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
    return read_offers(_metadata(tracker, users=None))


def offered_last(tracker: Tracker) -> tuple[Offer, ...] | None:
    """Return what the bot offered in its latest turn before the user's message, None where it offered nothing."""
    offered = read_offers(_metadata(tracker, users=2))
    return offered[0].offers if offered else None


def _metadata(tracker: Tracker, users: int | None) -> Iterator[Any]:
    """The metadata of bot events, backwards: from the latest user message, up to the message number `users`."""
    seen = 0
    for event in reversed(tracker.events or []):
        kind = event.get("event")
        seen += kind == "user"
        if kind in _NEW_START or seen == users:
            return
        # What the bot has said since is no question that the message answers.
        if kind == "bot" and seen:
            yield event.get("metadata")
