"""A fallback that hands over by itself, as the platform's documentation suggests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
from integration import Events
from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecuted, ConversationPaused
from rasa_sdk.executor import CollectingDispatcher


def credentials() -> list[str]:
    return Path(os.environ["BENCH_CREDENTIALS"]).read_text(encoding="utf-8").split()


class Fallback(Action):
    def name(self) -> str:
        return "action_default_fallback"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        client_id, token = credentials()
        async with httpx.AsyncClient(base_url=os.environ["HAPTIK_BASE_URL"], timeout=60) as client:
            metadata = tracker.latest_message["metadata"]
            reply = await client.post(
                "/integration/external/v1.0/send_chat_to_agent/",
                headers={"Authorization": f"Bearer {token}", "client-id": client_id},
                json={
                    "user_name": metadata["user_name"],
                    "business_id": metadata["business_id"],
                    "team_name": tracker.get_slot("haptik")["team"],
                },
            )
        reply.raise_for_status()
        dispatcher.utter_message(text="An agent takes over.")
        return [ActionExecuted("action_listen"), ConversationPaused()]
