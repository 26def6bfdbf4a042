"""The same actions with the base class."""

from __future__ import annotations

from typing import Any

import runtime
from integration import Events, ask, ask_blocking
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import IntegrationAction

__all__ = ["CheckOrder", "CheckOrderBlocking", "runtime"]


class CheckOrder(IntegrationAction):
    def name(self) -> str:
        return "action_check_order"

    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = await ask(tracker)
        dispatcher.utter_message(text="Your order is on its way.")
        return events


class CheckOrderBlocking(IntegrationAction):
    def name(self) -> str:
        return "action_check_order_blocking"

    def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:  # type: ignore[override]
        events = ask_blocking(tracker)
        dispatcher.utter_message(text="Your order is on its way.")
        return events
