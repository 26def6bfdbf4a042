"""Two actions that call the shop's orders service, each guarded in one of the two ways that haptik-actions offers.

Neither handles a failure of the service: an exception leaves the code below, and haptik-actions hands the chat to an
agent and tells the user so.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import IntegrationAction, escalate_on_error

SECONDS_PER_CALL = 3.0


async def call_orders(method: str, tracker: Tracker, step: str = "") -> dict[str, Any] | None:
    """Call the service for the order in slot `order_id` and return it: `{"id": "1001", "status": "on its way"}`.

    None means that there is no such order. Raises `httpx.HTTPError` when the service does not answer in time, or with
    another status than 200 and 404. The client lives for one call: no action may hold one, because rasa-sdk pickles
    actions into its workers.
    """
    order_id = str(tracker.get_slot("order_id"))
    # The slot can hold any text, not only what the regular expression finds: /ask_order_status{"order_id": "../"}
    if not order_id.isdecimal():
        return None
    async with httpx.AsyncClient(base_url=os.environ["ORDERS_URL"], timeout=SECONDS_PER_CALL) as client:
        reply = await client.request(method, f"/orders/{order_id}{step}")
    if reply.status_code == httpx.codes.NOT_FOUND:
        return None
    reply.raise_for_status()
    return dict(reply.json())


def tell(dispatcher: CollectingDispatcher, order: dict[str, Any] | None) -> list[EventType]:
    """Utter what the service answered, in the words of the domain's responses, and remember it."""
    if order is None:
        dispatcher.utter_message(response="utter_which_order")
        return [SlotSet("order_id", None)]
    known = {"known_order": order["id"], "known_status": order["status"]}
    dispatcher.utter_message(response="utter_order_status", **known)
    return [SlotSet(name, value) for name, value in known.items()]


class ActionOrderStatus(Action):
    """Says how far an order is. An action as every bot has them: one decorator guards its `run`."""

    def name(self) -> str:
        """Return the name that domain and rules use."""
        return "action_order_status"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Ask the orders service and tell the user."""
        return tell(dispatcher, await call_orders("GET", tracker))


class ActionCancelOrder(IntegrationAction):
    """Cancels an order. A new action can start from the base class, which guards `perform`."""

    team = "orders"

    def name(self) -> str:
        """Return the name that domain and rules use."""
        return "action_cancel_order"

    async def perform(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[EventType]:
        """Ask the orders service to cancel and tell the user."""
        return tell(dispatcher, await call_orders("POST", tracker, "/cancel"))
