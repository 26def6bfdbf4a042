"""An action that works, without a guard."""

from __future__ import annotations

from typing import Any

from integration import Events
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher


class CheckOrder(Action):
    def name(self) -> str:
        return "action_check_order"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(text="Your order is on its way.")
        return [SlotSet("order_status", "on its way")]
