"""Trackers and action calls for tests, through rasa_sdk's own executor of either version."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor


def action_call(
    name: str, *, slots: dict[str, Any] | None = None, channel: str = "rest", **message: Any
) -> dict[str, Any]:
    """The smallest body that Rasa's calls have in common."""
    latest = {"text": "where is my order", "intent": {"name": "order"}, "entities": [], "metadata": {}, **message}
    return {
        "next_action": name,
        "sender_id": "s1",
        "version": "3.6.21",
        "domain": {"slots": {}},
        "tracker": {
            "sender_id": "s1",
            "slots": slots or {},
            "latest_message": latest,
            "latest_event_time": 1.0,
            "followup_action": None,
            "paused": False,
            "events": [
                {"event": "user", "text": latest["text"], "metadata": latest["metadata"], "input_channel": channel}
            ],
            "latest_input_channel": channel,
            "active_loop": {},
            "latest_action": {"action_name": "action_listen"},
            "latest_action_name": "action_listen",
        },
    }


async def run_action(action: Action, call: dict[str, Any]) -> dict[str, Any]:
    """Run one action as the action server does, and return the JSON object that Rasa would get."""
    executor = ActionExecutor()
    executor.register_action(action)
    result = await executor.run({**call, "next_action": action.name()})
    answer = result if isinstance(result, dict) else result.model_dump()
    assert isinstance(answer, dict)
    return answer
