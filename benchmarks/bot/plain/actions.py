"""Actions without a word of haptik-actions.

Each stands here twice, asynchronous and blocking: a hang stops another thing in each.
"""

from __future__ import annotations

from typing import Any

from integration import Events, ask, ask_blocking
from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.executor import CollectingDispatcher


class CheckOrder(Action):
    def name(self) -> str:
        return "action_check_order"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = await ask(tracker)
        dispatcher.utter_message(text="Your order is on its way.")
        return events


class CheckOrderBlocking(Action):
    def name(self) -> str:
        return "action_check_order_blocking"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = ask_blocking(tracker)
        dispatcher.utter_message(text="Your order is on its way.")
        return events


class AskSlot(Action):
    def name(self) -> str:
        return "action_ask_ask_form_ask_slot"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = await ask(tracker)
        dispatcher.utter_message(text="Which of your orders?")
        return events


class AskSlotBlocking(Action):
    def name(self) -> str:
        return "action_ask_blocking_form_ask_slot"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = ask_blocking(tracker)
        dispatcher.utter_message(text="Which of your orders?")
        return events


class ValidateForm(FormValidationAction):
    def name(self) -> str:
        return "validate_my_form"

    async def validate_form_slot(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        return {"form_slot": value, **_slots(await ask(tracker))}

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        return [*await super().run(dispatcher, tracker, domain), *_foreign(tracker)]


class ValidateFormBlocking(FormValidationAction):
    def name(self) -> str:
        return "validate_blocking_form"

    def validate_form_slot(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        return {"form_slot": value, **_slots(ask_blocking(tracker))}


def _slots(events: Events) -> dict[str, Any]:
    return {event["name"]: event["value"] for event in events if event["event"] == "slot"}


def _foreign(tracker: Tracker) -> Events:
    return [{"event": "session_paused"}] if tracker.get_slot("fault") == "unknown_event" else []
