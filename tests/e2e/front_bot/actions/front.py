"""Actions that nobody guards, as a bot has them before it knows of this library."""

from __future__ import annotations

import asyncio
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher

# Haptik's channel answers after 25 seconds.
TOO_LONG_SECONDS, MOMENT_SECONDS = 26.0, 1.5


class ActionTakeLong(Action):
    """Answers when the answer to Haptik has gone out."""

    def name(self) -> str:
        return "action_take_long"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[EventType]:
        await asyncio.sleep(TOO_LONG_SECONDS)
        dispatcher.utter_message(text="It is 42.")
        return []


class ActionTakeAMoment(Action):
    """Answers when an impatient client has gone."""

    def name(self) -> str:
        return "action_take_a_moment"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[EventType]:
        await asyncio.sleep(MOMENT_SECONDS)
        dispatcher.utter_message(text="Found it.")
        return []


class ActionFallSilent(Action):
    """Fails, and says nothing."""

    def name(self) -> str:
        return "action_fall_silent"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[EventType]:
        raise LookupError("the service is gone")


class ActionRememberMe(Action):
    """Tells Haptik what to keep, some of it too much."""

    def name(self) -> str:
        return "action_remember_me"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Any) -> list[EventType]:
        metadata = tracker.latest_message["metadata"]
        dispatcher.utter_message(text=f"I know you as {metadata['user_name']}.")
        return [
            SlotSet("haptik_status", False),
            SlotSet("haptik_user_details", {"plan": "gold", "visits": 3}),
            SlotSet("haptik_conversation_details", {"note": "w" * 600}),
        ]
