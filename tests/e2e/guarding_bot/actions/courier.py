"""An action that blocks the worker's event loop, as code does that was written for a synchronous client."""

from __future__ import annotations

import os
from typing import Any

import httpx
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

__all__ = ["ActionSendCourier"]


class ActionSendCourier(Action):
    def name(self) -> str:
        return "action_send_courier"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        httpx.get(f"{os.environ['ORDERS_URL']}/orders/1001", timeout=60).raise_for_status()  # noqa: ASYNC210
        dispatcher.utter_message(response="utter_courier_comes")
        return []
