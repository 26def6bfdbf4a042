"""The same action, guarded."""

from __future__ import annotations

from typing import Any

from integration import Events
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import escalate_on_error


class CheckOrder(Action):
    def name(self) -> str:
        return "action_check_order"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="Your order is on its way.")
        return [SlotSet("order_status", "on its way")]
