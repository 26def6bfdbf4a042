"""Guarded actions that call one service: when it is broken, the chat goes to an agent."""

from __future__ import annotations

import os
from typing import Any

import httpx
from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import escalate_on_error


async def call_service() -> None:
    async with httpx.AsyncClient(base_url=os.environ["ORDERS_URL"], timeout=3) as client:
        (await client.get("/orders/1001")).raise_for_status()


class ActionReport(Action):
    def name(self) -> str:
        return "action_report"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        await call_service()
        dispatcher.utter_message(text="Your report is in.")
        return []


class ActionBook(Action):
    def name(self) -> str:
        return "action_book"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        await call_service()
        dispatcher.utter_message(text=f"Booked: {tracker.get_slot('people')} at {tracker.get_slot('time')}.")
        return [SlotSet("people", None), SlotSet("time", None)]


class ActionAskHour(Action):
    def name(self) -> str:
        return "action_ask_hour"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        await call_service()
        dispatcher.utter_message(text="At what hour?")
        return []


class ValidateVisitForm(FormValidationAction):
    def name(self) -> str:
        return "validate_visit_form"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        events: list[EventType] = await super().run(dispatcher, tracker, domain)
        return events

    async def validate_hour(
        self, value: Any, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> dict[str, Any]:
        await call_service()
        return {"hour": value}
