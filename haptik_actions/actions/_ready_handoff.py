"""`action_haptik_handoff`: the user asks for an agent. A module of its own, as importing an action registers it."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._guard import escalate_on_error
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.escalation import HandOffRequested

__all__ = ["ActionHaptikHandoff"]


class ActionHaptikHandoff(Action):
    """Hands the chat to an agent because the user wants one: put `action_haptik_handoff` into a rule.

    Team, copy and the rest come from the domain's slot `haptik`; its `actions.action_haptik_handoff` is for this action
    alone. The receipt's `error` is None.
    """

    def name(self) -> str:
        """Return the name that domain and rules use."""
        return "action_haptik_handoff"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Hand over, tell the user, and pause once it is confirmed."""
        raise HandOffRequested("The user asked for an agent.")
