"""A list of orders as a carousel, and a form of six field types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import ActionHaptikOpen, HaptikForm, escalate_on_error, utter
from haptik_actions.hsl import Actionable, Button, Card, Carousel, parse

__all__ = ["ActionBookVisit", "ActionHaptikOpen", "ActionShowLamp", "ActionShowOrders", "VisitForm"]

LAMP = '/ask_order_status{"order_id": "1002"}'
ORDERS = {"1001": "Kurta", "1002": "Sandals", "1003": "Lamp"}


class ActionShowOrders(Action):
    def name(self) -> str:
        return "action_show_orders"

    @escalate_on_error
    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        cards = [
            Card(
                title=title,
                sub_title=f"Order {number}",
                actionables=[Actionable.reply(f"Where is {title}?", f'/ask_order_status{{"order_id": "{number}"}}')],
            )
            for number, title in ORDERS.items()
        ]
        await utter(dispatcher, tracker, Carousel(cards, text="Your orders"))
        return []


class ActionShowLamp(Action):
    def name(self) -> str:
        return "action_show_lamp"

    @escalate_on_error
    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        again = [{"actionable_text": "Where is it?", "type": "TEXT_ONLY", "payload": {"message": LAMP}}]
        detail = {"title": "Lamp", "sub_title": "Brass", "description": "40 cm high", "actionables": again}
        details = Actionable(actionable_text="Details", type="APP_ACTION", uri="CAROUSEL_DETAIL", payload=detail)
        await utter(dispatcher, tracker, Button("A lamp", [Actionable.reply("Where is it?", LAMP), details]))
        return []


class VisitForm(HaptikForm):
    form_name = "visit_form"
    form = parse((Path(__file__).parents[1] / "visit.json").read_text(encoding="utf-8"))
    timezone = "Asia/Kolkata"


class ActionBookVisit(Action):
    def name(self) -> str:
        return "action_book_visit"

    @escalate_on_error
    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        await utter(dispatcher, tracker, json.dumps({slot: tracker.get_slot(slot) for slot in VisitForm.spec.slots}))
        return []
