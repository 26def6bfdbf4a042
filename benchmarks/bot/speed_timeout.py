"""The same action under a bare deadline, which is the least that a guard has to do."""

from __future__ import annotations

from typing import Any

from integration import Events
from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions._deadline import deadline


class CheckOrder(Action):
    def name(self) -> str:
        return "action_check_order"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        async with deadline(8.0):
            dispatcher.utter_message(text="Your order is on its way.")
            return [SlotSet("order_status", "on its way")]
