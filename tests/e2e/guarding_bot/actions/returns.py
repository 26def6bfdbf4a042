"""Actions that do nothing to guard themselves: a form's, one that fills slots, and the ready ones."""

from __future__ import annotations

import os
from typing import Any

import httpx
from rasa_sdk import Action, FormValidationAction, Tracker, ValidationAction
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import ActionHaptikHandoff, ActionHaptikTwoStageFallback

__all__ = [
    "ActionAskReturnDay",
    "ActionHaptikHandoff",
    "ActionHaptikTwoStageFallback",
    "ValidateReturnForm",
    "ValidateSlotMappings",
]


async def ask_service() -> None:
    async with httpx.AsyncClient(base_url=os.environ["ORDERS_URL"], timeout=60) as client:
        (await client.get("/orders/1001")).raise_for_status()


class ValidateReturnForm(FormValidationAction):
    def name(self) -> str:
        return "validate_return_form"

    async def validate_return_reason(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        if value != "no reason":
            await ask_service()
        return {"return_reason": value}


class ActionAskReturnDay(Action):
    def name(self) -> str:
        return "action_ask_return_day"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        await ask_service()
        dispatcher.utter_message(response="utter_which_day")
        return []


class ValidateSlotMappings(ValidationAction):
    async def validate_order_id(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        await ask_service()
        return {"order_id": value}
