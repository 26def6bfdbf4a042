"""The demo user's phone, and a stand-in for Rasa that answers on it.

It knows three things that a user can want by a word, calls the same actions as Rasa would, with the calls that Rasa
posts, and does with their events what Rasa does. With `make demo-rasa` a real Rasa is in its place.
"""

from __future__ import annotations

import asyncio
import copy
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import httpx
import msgspec

from haptik_actions.demo._strip import Strip
from haptik_actions.escalation import Outbox
from haptik_actions.escalation._outbox import chat_of
from haptik_actions.hsl import Element
from haptik_actions.messages import Template
from haptik_actions.relay import Ending, FromUser, Link, Reach, Relay, Saying
from haptik_actions.render import render

__all__ = ["Phone", "StandIn"]

CHANNEL = "callback"
"""The channel of Rasa that the demo's user writes on: it posts the bot's messages to an address of one's own."""

_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A button: what it says, and what a tap sends."""

    title: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message as the user sees it; `name` is the agent's."""

    who: Literal["user", "bot", "agent"]
    text: str
    name: str = ""
    taps: tuple[Tap, ...] = ()


class Phone:
    """The messages of one conversation, the oldest first."""

    def __init__(self) -> None:
        self.bubbles: list[Bubble] = []

    def wrote(self, text: str) -> None:
        """The user has written this, or has tapped the button that sends it."""
        self._add(Bubble(who="user", text=self._title(text)))

    def read(self, message: Mapping[str, Any], *, agent: str | None = None) -> None:
        """A message as Rasa's channel sends it has arrived: `text`, perhaps with `buttons`."""
        buttons = message.get("buttons") or message.get("quick_replies") or ()
        taps = tuple(Tap(title=str(b.get("title", "")), payload=str(b.get("payload", ""))) for b in buttons)
        text = str(message.get("text") or message.get("image") or message.get("attachment") or "")
        if text or taps:
            self._add(Bubble(who="agent" if agent else "bot", text=text, name=agent or "", taps=taps))

    def shown(self, element: Element, *, agent: str | None = None) -> None:
        """An element has arrived, in the form that the channel has for it."""
        for message in render(element, CHANNEL).messages:
            self.read(message, agent=agent)

    def texts(self, *who: str) -> Sequence[str]:
        """Return what was said by `user`, `bot` or `agent`, in order."""
        return [bubble.text for bubble in self.bubbles if bubble.who in who]

    def _title(self, text: str) -> str:
        taps = self.bubbles[-1].taps if self.bubbles else ()
        return next((tap.title for tap in taps if tap.payload == text), text)

    def _add(self, bubble: Bubble) -> None:
        self.bubbles.append(bubble)
        del self.bubbles[:-_MOST]


_ACTION_SECONDS = 30.0
_ORDER = re.compile(r"\border\D{0,20}(\d{1,10})\b", re.IGNORECASE)
# What the bot says when the intent that `after_agent` names is triggered.
_TRIGGERED = {"agent_closed_chat": "utter_after_agent"}
_PERSON = re.compile(r"\b(person|human|agent|somebody|colleague)\b", re.IGNORECASE)
_GREETING = re.compile(r"\b(hello|hi|hey)\b", re.IGNORECASE)


class StandIn:
    """The bot of one conversation, and the relay's host. `relay` is set before anybody writes.

    `outbox` hears when an agent is done, so that the next failure is a new hand-off.
    """

    def __init__(self, action_server_url: str, phone: Phone, strip: Strip, outbox: Outbox) -> None:
        self._url, self.phone, self._strip, self._outbox = action_server_url, phone, strip, outbox
        self.sender_id = f"visitor-{secrets.token_hex(4)}"
        call = msgspec.json.decode(
            (resources.files("haptik_actions.demo") / "calls" / "order_status.json").read_bytes()
        )
        self._call: dict[str, Any] = {**call, "sender_id": self.sender_id}
        slots = call["tracker"]["slots"]
        self._slots: dict[str, Any] = {**slots, "order_id": None, "session_started_metadata": None}
        self._events: list[dict[str, Any]] = []
        self._paused = False
        self._lock = asyncio.Lock()
        self.relay: Relay | None = None

    async def hear(self, link: Link, words: FromUser) -> None:
        """Answer what the user wrote after the agent was done (see `Host`)."""
        async with self._lock:
            await self._turn(words.text)

    async def user_writes(self, text: str) -> None:
        """Take what the user wrote: for the agent while one has the chat, for the bot otherwise."""
        self.phone.wrote(text)
        async with self._lock:
            link = await self.relay.holds(CHANNEL, self.sender_id) if self.relay else None
            if link is None or self.relay is None:
                await self._turn(text)
                return
            title = self.phone.bubbles[-1].text
            self._note({"event": "user", "text": title})
            self._strip.note("user", "agent", title)
            await self.relay.write(link, FromUser(text=title, at=time.time()))

    def reach(self, link: Link) -> Reach:
        """The phone is on this page, so it can be reached at any time."""
        return "push"

    async def say(self, link: Link, saying: Saying) -> None:
        """Show what the agent said on the phone, and keep it in the tracker."""
        self.phone.shown(saying.element, agent=saying.name if saying.author == "agent" else None)
        text = self.phone.bubbles[-1].text
        self._strip.note(saying.name or "bot", "user", text, "good" if saying.author == "agent" else "")
        self._note({"event": "bot", "text": text})

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        """Pause the bot, and tell the user who is there."""
        if not self._paused:
            self._paused = True
            self._note({"event": "pause"})
        if saying is not None:
            await self.say(link, saying)

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        """Give the conversation back to the bot."""
        self._paused = False
        self._note({"event": "user", "text": ""})
        self._note({"event": "resume"})
        await self._outbox.end_episode(chat_of(link.business_id, link.id), before=ending.at)
        if saying is not None:
            await self.say(link, saying)
        response = _TRIGGERED.get(link.after_agent.trigger or "")
        if response is not None:
            self._utter({"response": response})

    async def _turn(self, text: str) -> None:
        """Do what a bot of three rules would do."""
        self._note({"event": "user", "text": text})
        order = _ORDER.search(text)
        if order is not None:
            self._set("order_id", order[1])
            await self._act("action_order_status", text)
        elif _PERSON.search(text):
            await self._act("action_haptik_handoff", text)
        else:
            self._utter({"response": "utter_greet" if _GREETING.search(text) else "utter_not_understood"})
        self._note({"event": "action", "name": "action_listen"})

    async def _act(self, name: str, text: str) -> None:
        self._strip.note("bot", "action server", name)
        async with httpx.AsyncClient(trust_env=False, timeout=_ACTION_SECONDS) as client:
            reply = await client.post(f"{self._url}/webhook", json=self._body(name, text))
        self._note({"event": "action", "name": name})
        answer = reply.raise_for_status().json()
        receipt = next((e["value"] for e in answer["events"] if e.get("name") == "haptik_handoff"), None)
        state = f"it failed; the hand-off is {receipt['state']}" if receipt and receipt.get("error") else None
        asked = f"the hand-off is {receipt['state']}" if receipt else "done"
        self._strip.note("action server", "bot", state or asked, "bad" if state else "good")
        for event in answer["events"]:
            self._apply(event)
        for message in answer["responses"]:
            self._utter(message)

    def _body(self, name: str, text: str) -> dict[str, Any]:
        tracker = {
            **self._call["tracker"],
            "sender_id": self.sender_id,
            "slots": dict(self._slots),
            "latest_message": {"text": text, "intent": {"name": None}, "entities": [], "metadata": {}},
            "latest_input_channel": CHANNEL,
            "paused": self._paused,
            "events": copy.deepcopy(self._events),
        }
        return {**self._call, "next_action": name, "tracker": tracker}

    def _apply(self, event: Mapping[str, Any]) -> None:
        if event.get("event") == "slot":
            self._slots[event["name"]] = event["value"]
        self._paused = event.get("event") == "pause" or self._paused
        self._note(event)

    def _utter(self, message: Mapping[str, object]) -> None:
        responses = self._call["domain"]["responses"]
        template = responses.get(message.get("response"), [{}])[0].get("text", "")
        text = message.get("text") or Template.parse(template).fill({**self._slots, **message})
        self.phone.read({**message, "text": text})
        self._note({"event": "bot", "text": text})

    def _set(self, slot: str, value: object) -> None:
        self._apply({"event": "slot", "name": slot, "value": value})

    def _note(self, event: Mapping[str, object]) -> None:
        channel = {"input_channel": CHANNEL} if event.get("event") == "user" else {}
        self._events.append({"timestamp": time.time(), **channel, **event})
