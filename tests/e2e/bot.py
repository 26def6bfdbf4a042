"""One user's chat with the bot, and what the test can do around it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from .stack import Server, Services

PATIENCE_SECONDS = 60.0

# Of the sandbox's own state: the business that is active.
ACTIVE_BUSINESS = 1201


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything that runs: Rasa, the action server, and the services around the bot."""

    rasa: Server
    actions: Server
    around: Services

    def orders(self, mode: str) -> None:
        """Make the orders service `working`, `broken` or `slow`."""
        self._post(f"{self.around.orders}/mode/{mode}")

    def haptik(self, *, up: bool) -> None:
        """Switch the sandbox's outage off or on."""
        self._post(f"{self.around.sandbox}/_sandbox/outage", {"active": not up})

    def reset(self) -> None:
        """Forget every chat in the sandbox and heal both services."""
        self._post(f"{self.around.sandbox}/_sandbox/reset")
        self.haptik(up=True)
        self.orders("working")

    def wait_in_sandbox(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self._post(f"{self.around.sandbox}/_sandbox/clock", {"advance": seconds})

    def queue(self) -> list[tuple[str, str, str]]:
        """The chats that left the bot: team, user_name, and `counting_down` or `pending`."""
        chats = httpx.get(f"{self.around.sandbox}/_sandbox/queue", timeout=PATIENCE_SECONDS).raise_for_status().json()
        return [(chat["team"], chat["user_name"], chat["state"]) for chat in chats]

    @staticmethod
    def _post(url: str, body: Mapping[str, Any] | None = None) -> None:
        httpx.post(url, json=body or {}, timeout=PATIENCE_SECONDS).raise_for_status()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A conversation of its own over Rasa's REST channel; `metadata` goes with every message."""

    rasa: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    sender: str = field(default_factory=lambda: uuid.uuid4().hex)

    def say(self, text: str) -> list[str]:
        """Send a message and return the texts that the user reads in answer."""
        return [answer["text"] for answer in self.post(text) if "text" in answer]

    def say_until(self, text: str, expected: list[str]) -> list[str]:
        """Send it until that is the answer. What was edited is read within 40 ms, or one answer later where the machine
        is too busy for that.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while (said := self.say(text)) != expected and time.monotonic() < give_up:
            pass
        return said

    def post(self, text: str) -> list[dict[str, Any]]:
        """Send a message and return what comes in answer."""
        body = {"sender": self.sender, "message": text, "metadata": dict(self.metadata)}
        answers: list[dict[str, Any]] = self._post("/webhooks/rest/webhook", body)
        return answers

    def tracker(self) -> dict[str, Any]:
        """The conversation as Rasa stores it."""
        url = f"{self.rasa}/conversations/{self.sender}/tracker"
        return dict(httpx.get(url, timeout=PATIENCE_SECONDS).raise_for_status().json())

    def actions(self) -> list[str]:
        """The names of the actions that ran, in order."""
        return [event["name"] for event in self.tracker()["events"] if event["event"] == "action"]

    def resume(self) -> None:
        """End the pause, as the tool that closes an agent's chat would."""
        self._post(f"/conversations/{self.sender}/tracker/events", {"event": "resume"})

    def trigger(self, intent: str) -> list[str]:
        """Let something happen to the conversation from outside and return the texts that the user reads."""
        answer = self._post(f"/conversations/{self.sender}/trigger_intent", {"name": intent})
        return [message["text"] for message in answer["messages"]]

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return httpx.post(f"{self.rasa}{path}", json=body, timeout=PATIENCE_SECONDS).raise_for_status().json()
