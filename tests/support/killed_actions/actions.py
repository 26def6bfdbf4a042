"""An action that always fails, and a runtime whose hand-offs soon pass from a killed process to the next."""

from __future__ import annotations

import os
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions._redis import connect
from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.escalation import RedisOutbox, ResilientOutbox


class ActionFails(Action):
    def name(self) -> str:
        return "action_fails"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        raise ConnectionError("the integration is down")


def make_runtime() -> Runtime:
    # Where Redis does not answer in time, a hand-off stays in this process, and a kill loses it: not tested here.
    patience = float(os.environ["PATIENCE"])
    redis = connect(os.environ["REDIS_URL"], seconds=patience)
    return Runtime(outbox=ResilientOutbox(RedisOutbox(redis, lease=2.0), patience=patience))


configure(make_runtime)
