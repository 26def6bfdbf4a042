"""`action_default_fallback`: the bot did not understand. A module of its own, as importing an action registers it."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ConversationResumed, FollowupAction, UserUtteranceReverted
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._guard import escalate_on_error
from haptik_actions.actions._integration import Events
from haptik_actions.escalation import HandOffRequested

__all__ = ["FALLBACK", "ActionHaptikDefaultFallback", "taken_back"]

FALLBACK = "action_default_fallback"


class ActionHaptikDefaultFallback(Action):
    """Hands the chat to an agent when no rule fits or the message was not understood. Replaces Rasa's own fallback.

    After an `action_default_fallback` that raises or returns nothing, Rasa 3.6.21 calls it ten times and says nothing
    from then on. So this one always takes the user's message back and lets Rasa listen; it pauses once the hand-off is
    confirmed, and otherwise the bot goes on talking.
    """

    def name(self) -> str:
        """Return the name that Rasa itself uses."""
        return FALLBACK

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Hand over and tell the user."""
        events = await self._hand_over(dispatcher, tracker, domain)
        return taken_back(tracker, events)

    run.__haptik_guarded__ = True  # type: ignore[attr-defined]

    @escalate_on_error
    async def _hand_over(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        raise HandOffRequested("The message was not understood.")


def taken_back(tracker: Tracker, events: Events) -> Events:
    """Take the user's message back, as Rasa's own fallback does; then come `events`, and Rasa listens.

    `events` come behind the revert, because Rasa forgets the slots that were set before it. So does a pause: without a
    revert before it the next fallback would find this action as the last one, and Rasa would call it twice.
    """
    if any(event["event"] == "pause" for event in events):
        return [*_reverted(tracker), *events]
    # What is left of the conversation may end with an action that has a next step, and that step is not for now.
    return [*_reverted(tracker), *events, FollowupAction("action_listen")]


def _reverted(tracker: Tracker) -> Events:
    """Take back the message and nothing else.

    Rasa takes everything back to the last action, and that action too. A `resume` lies behind it where the pause came
    before the `action_listen`: the conversation would be paused again, with nobody to answer.
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
