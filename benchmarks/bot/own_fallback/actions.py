"""A bot's own fallback, which looks into a help centre first."""

from __future__ import annotations

from typing import Any

from integration import Events, ask_blocking
from rasa_sdk import Action, Tracker
from rasa_sdk.events import UserUtteranceReverted
from rasa_sdk.executor import CollectingDispatcher


class Fallback(Action):
    def name(self) -> str:
        return "action_default_fallback"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        events = ask_blocking(tracker)
        dispatcher.utter_message(text="This may help: ...")
        return [UserUtteranceReverted(), *events]
