"""What an `action_default_fallback` may return without bricking the conversation."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ConversationResumed, FollowupAction, UserUtteranceReverted

__all__ = ["FALLBACK", "taken_back", "without_looking"]

FALLBACK = "action_default_fallback"

Events = list[dict[str, Any]]


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
    resume: dict[str, Any] | None = None
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
    # With its own time: it ended the hand-off before it, and must not end a later one.
    return [UserUtteranceReverted(), ConversationResumed(timestamp=resume.get("timestamp"))]
