"""A conversation with one form, run as Rasa 3.6.21 runs it (`core/actions/forms.py`), its actions in this process."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import HaptikForm

__all__ = ["FormChat"]


class FormChat:
    """Extracts the candidate, validates, asks: each of it with the tracker that Rasa would send."""

    def __init__(
        self, form: type[HaptikForm], *, slots: Mapping[str, Any] | None = None, channel: str = "rest", **metadata: Any
    ) -> None:
        self._form = form
        self.slots: dict[str, Any] = {
            **dict.fromkeys((*form.spec.slots, form.spec.state_slot, "requested_slot", "haptik_handoff")),
            **(slots or {}),
        }
        self.active = False
        self.events: list[dict[str, Any]] = []
        self.followup: str | None = None
        self._channel, self._metadata = channel, metadata
        self._clock = itertools.count(1.0)

    @property
    def asked(self) -> Any:
        """The slot that the user is asked for."""
        return self.slots["requested_slot"]

    async def start(self) -> list[str]:
        """Activate the form; returns what the user reads."""
        self._hear("start")
        self.active = True
        filled = {slot: self.slots[slot] for slot in self._form.spec.slots if self.slots[slot] is not None}
        return await self._go_on(filled)

    async def say(self, text: str, *, candidates: Mapping[str, Any] | None = None) -> list[str]:
        """Answer; `candidates` are slots that Rasa extracts in place of the text for the requested slot."""
        assert self.active, "the form has ended"
        self._hear(text)
        return await self._go_on({self.asked: text} if candidates is None else candidates)

    def offers(self) -> list[dict[str, Any]]:
        """What the latest message offers, on any channel."""
        said = [event for event in self.events if event["event"] == "bot"]
        return list(said[-1]["metadata"].get("haptik_offers", {}).get("offers", []))

    def chips(self) -> list[str]:
        """What stands on the buttons of the latest message."""
        said = [event for event in self.events if event["event"] == "bot"]
        return [button["title"] for button in said[-1]["data"]["buttons"] or []]

    async def _go_on(self, candidates: Mapping[str, Any]) -> list[str]:
        before = len(self.events)
        # Rasa fills the slots first, and only then has them validated.
        self._apply([_slot(name, value) for name, value in candidates.items()])
        more = [{"event": "action", "name": self._form.form_name}]
        more += [_slot(name, value) for name, value in candidates.items()]
        returned = await self._run(self._form(), more)
        self._apply(returned)
        requested = [event for event in returned if event.get("name") == "requested_slot"]
        if not requested:
            names = self._form.spec.slots
            self.slots["requested_slot"] = next((name for name in names if self.slots[name] is None), None)
        if self.asked is not None and self.active:
            ask = getattr(self._form, f"action_ask_{self.asked}")
            self._apply(await self._run(ask(), []))
        else:
            self.active = False
        return [event["text"] for event in self.events[before:] if event["event"] == "bot"]

    async def _run(self, action: Any, more: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        slots = {**self.slots, **{event["name"]: event["value"] for event in more if event["event"] == "slot"}}
        said = [event for event in self.events if event["event"] == "user"]
        tracker = Tracker(
            "user-1",
            copy.deepcopy(slots),
            {"text": said[-1]["text"], "metadata": self._metadata},
            copy.deepcopy([*self.events, *more]),
            False,
            None,
            {"name": self._form.form_name},
            "action_listen",
        )
        dispatcher = CollectingDispatcher()
        returned: list[dict[str, Any]] = await action.run(dispatcher, tracker, {})
        for message in dispatcher.messages:
            known = ("text", "buttons", "custom", "image", "elements", "attachment", "template", "response")
            extra = {key: value for key, value in message.items() if key not in known and value}
            data = {key: message.get(key) for key in ("buttons", "custom", "elements")}
            self.events.append({"event": "bot", "text": message["text"], "data": data, "metadata": extra})
        return returned

    def _hear(self, text: str) -> None:
        event = {"event": "user", "text": text, "metadata": self._metadata, "input_channel": self._channel}
        self.events.append({**event, "timestamp": next(self._clock)})

    def _apply(self, events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            if event["event"] == "slot":
                assert event["name"] in self.slots, event
                self.slots[event["name"]] = event["value"]
            if event["event"] == "active_loop" and event["name"] is None:
                self.active = False
            if event["event"] == "followup":
                self.followup = event["name"]
            self.events.append(event)


def _slot(name: str, value: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value, "timestamp": None}
