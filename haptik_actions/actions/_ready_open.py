"""`action_haptik_open`: "More", and controls that open something. A module of its own, as importing registers it."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._guard import escalate_on_error
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.actions._tracker import chosen
from haptik_actions.actions._utter import utter

__all__ = ["ActionHaptikOpen"]


class ActionHaptikOpen(Action):
    """Shows what the chosen control opens: the next page of options, a detail screen, a list.

    The rule for it answers the intent that the component `OfferedReplies` has as its `opens`.
    """

    def name(self) -> str:
        """Return the name that domain and rules use."""
        return "action_haptik_open"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Say it; ask the user to rephrase where the message means no such control."""
        offer = chosen(tracker)
        if offer is None or offer.opens is None:
            await utter(dispatcher, tracker, key="haptik_fallback_rephrase")
        else:
            await utter(dispatcher, tracker, offer.opens)
        return []
