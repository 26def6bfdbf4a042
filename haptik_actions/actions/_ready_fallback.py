"""`action_default_fallback`: the bot did not understand. A module of its own, as importing an action registers it."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._failure import FALLBACK, taken_back
from haptik_actions.actions._guard import escalate_on_error
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.escalation import NotUnderstood

__all__ = ["ActionHaptikDefaultFallback"]


class ActionHaptikDefaultFallback(Action):
    """Hands the chat to an agent when no rule fits or the message was not understood. Replaces Rasa's own fallback.

    After an `action_default_fallback` that raises or returns nothing, Rasa 3.6.21 calls it ten times and says nothing
    from then on. So this one always takes the user's message back and lets Rasa listen; it pauses once the hand-off is
    confirmed, and otherwise the bot goes on talking.
    """

    def name(self) -> str:
        """Return the name that Rasa itself uses."""
        return FALLBACK

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Hand over and tell the user."""
        events = await self._hand_over(dispatcher, tracker, domain)
        return taken_back(tracker, events)

    run.__haptik_guarded__ = True  # type: ignore[attr-defined]

    @escalate_on_error
    async def _hand_over(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        raise NotUnderstood("The message was not understood.")
