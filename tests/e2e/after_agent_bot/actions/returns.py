"""The validation of the form, which asks a service."""

from __future__ import annotations

import os
from typing import Any

import httpx
from rasa_sdk import FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher

__all__ = ["ValidateReturnForm"]


class ValidateReturnForm(FormValidationAction):
    def name(self) -> str:
        return "validate_return_form"

    async def validate_return_reason(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=os.environ["ORDERS_URL"], timeout=60) as client:
            (await client.get("/orders/1001")).raise_for_status()
        return {"return_reason": value}
