"""The same actions with the decorator."""

from __future__ import annotations

from typing import Any

import runtime
from integration import Events, ask, ask_blocking
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import escalate_on_error

__all__ = ["CheckOrder", "CheckOrderBlocking", "runtime"]


class CheckOrder(Action):
    def name(self) -> str:
        return "action_check_order"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = await ask(tracker)
        dispatcher.utter_message(text="Your order is on its way.")
        return events


class CheckOrderBlocking(Action):
    def name(self) -> str:
        return "action_check_order_blocking"

    @escalate_on_error
    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = ask_blocking(tracker)
        dispatcher.utter_message(text="Your order is on its way.")
        return events
