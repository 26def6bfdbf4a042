"""What the demo plays by itself: recorded calls of a real Rasa, then the way of a chat to an agent and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import httpx
import msgspec

from haptik_actions.demo._stack import Stack
from haptik_actions.messages import Template
from haptik_actions.sandbox import Chat

__all__ = ["Step", "Story", "play", "tell_story"]

_COUNTDOWN = 10
_DELIVERY_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The result of one step: what the user wrote and read, the receipt, and what went wrong."""

    name: str
    title: str
    user_text: str
    user_messages: list[str]
    receipt: dict[str, Any] | None
    paused: bool
    complaints: list[str]


async def play(stack: Stack) -> AsyncIterator[Step]:
    """Play the recorded calls one after the other."""
    for name, (title, play_step) in _STEPS.items():
        yield await play_step(stack, name, title)


async def _works(stack: Stack, name: str, title: str) -> Step:
    stack.orders.mode = "working"
    return await _call(stack, name, title, state=None)


async def _integration_fails(stack: Stack, name: str, title: str) -> Step:
    stack.orders.mode = "broken"
    step = await _call(stack, name, title, state="connected")
    stack.orders.mode = "working"
    # Move the sandbox's clock, so that nobody waits ten seconds for the countdown.
    stack.sandbox.advance(_COUNTDOWN)
    return step


async def _haptik_down(stack: Stack, name: str, title: str) -> Step:
    stack.orders.mode, stack.sandbox.outage = "broken", True
    waiting = len(stack.sandbox.queue())
    step = await _call(stack, name, title, state="delayed")
    stack.orders.mode, stack.sandbox.outage = "working", False
    if not await _soon(lambda: len(stack.sandbox.queue()) > waiting):
        step.complaints.append("the chat did not reach the queue after Haptik was back")
    stack.sandbox.advance(_COUNTDOWN)
    return step


_STEPS: dict[str, tuple[str, Callable[[Stack, str, str], Awaitable[Step]]]] = {
    "order_status": ("The orders service works", _works),
    "order_status_failing": ("The orders service fails", _integration_fails),
    "order_status_haptik_down": ("The orders service fails and Haptik is down", _haptik_down),
}


async def _call(stack: Stack, name: str, title: str, *, state: str | None) -> Step:
    call = msgspec.json.decode((resources.files("haptik_actions.demo") / "calls" / f"{name}.json").read_bytes())
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        reply = await client.post(f"{stack.action_server_url}/webhook", json=call)
    answer = reply.json() if reply.status_code == httpx.codes.OK else {"events": [], "responses": []}
    step = Step(
        name=name,
        title=title,
        user_text=call["tracker"]["latest_message"]["text"],
        user_messages=[_as_read(message, call) for message in answer["responses"]],
        receipt=next((e["value"] for e in answer["events"] if e.get("name") == "haptik_handoff"), None),
        paused=any(event["event"] == "pause" for event in answer["events"]),
        complaints=[],
    )
    step.complaints.extend(_complaints(step, reply.status_code, state))
    return step


def _complaints(step: Step, status: int, state: str | None) -> list[str]:
    got = step.receipt["state"] if step.receipt else None
    checks = {
        f"the action server answered {status}": status == httpx.codes.OK,
        "the user read nothing": any(text.strip() for text in step.user_messages),
        f"the receipt is {got} and should be {state}": got == state,
        "the conversation is paused without an agent, or runs on beside one": step.paused == (state == "connected"),
    }
    return [complaint for complaint, fine in checks.items() if not fine]


def _as_read(message: dict[str, Any], call: dict[str, Any]) -> str:
    # As Rasa does, fill a response of the domain from the slots and the action's values. The first variation is enough.
    if message.get("text"):
        return str(message["text"])
    variations = call["domain"]["responses"].get(message.get("response"), [{}])
    return Template.parse(variations[0].get("text", "")).fill({**call["tracker"]["slots"], **message})


async def _soon(happened: Callable[[], bool]) -> bool:
    for _ in range(int(_DELIVERY_SECONDS / 0.05)):
        if happened():
            return True
        await asyncio.sleep(0.05)
    return False


_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05
_COUNTDOWN_SECONDS = 10
_AGENT = "Priya"
_WORDS = "It should have come yesterday, and I need it for a birthday."
_ANSWER = "Sorry about that! It is with the courier, and I can send you a link to follow it."
_QUESTION = "Shall I send it?"
_CHOICES = ("Yes, please", "No, thanks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What reached the agent and the user, in order, and what went wrong."""

    to_agent: list[str] = field(default_factory=list)
    to_user: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


class _Broken(Exception):
    """A step of the story did not happen, so it cannot go on."""


async def tell_story(stack: Stack) -> Story:
    """Play it: a failing action, an agent who answers, an outage of Haptik, and the bot again."""
    teller = _Teller(stack)
    complaints: list[str] = []
    try:
        await teller.with_an_agent()
        await teller.with_haptik_down()
    except _Broken as broken:
        complaints.append(str(broken))
    finally:
        stack.orders.mode, stack.sandbox.outage = "working", False
    return Story(to_agent=teller.to_agent(), to_user=list(stack.phone.texts("bot", "agent")), complaints=complaints)


class _Teller:
    def __init__(self, stack: Stack) -> None:
        self._stack, self._sandbox, self._phone = stack, stack.sandbox, stack.phone
        self._before = {(chat.user_name, chat.business_id) for chat in stack.sandbox.chats()}

    async def with_an_agent(self) -> None:
        """An integration fails, an agent takes over, both write, and the agent is done."""
        self._stack.orders.mode = "broken"
        await self._stack.user_writes("where is order 1001")
        chat = await self._waiting()
        self._sandbox.claim(chat.user_name, chat.business_id, agent=_AGENT)
        await self._until(lambda: any(_AGENT in text for text in self._phone.texts("bot", "agent")), "who is there")
        await self._stack.user_writes(_WORDS)
        await self._until(lambda: _WORDS in self.to_agent(), "what the user wrote")
        self._sandbox.answer(chat.user_name, chat.business_id, _ANSWER)
        self._sandbox.say(chat.user_name, chat.business_id, _buttons(), sender="agent", agent_name=_AGENT)
        await self._until(
            lambda: list(self._phone.texts("bot", "agent"))[-2:] == [_ANSWER, _QUESTION], "the agent's answer"
        )
        await self._stack.user_writes(self._phone.bubbles[-1].taps[0].payload)
        await self._until(lambda: _CHOICES[0] in self.to_agent(), "the button that was tapped")
        self._stack.orders.mode = "working"
        await self._complete(chat)

    async def with_haptik_down(self) -> None:
        """Integration and Haptik are down together; the chat arrives when Haptik is back."""
        self._stack.orders.mode, self._sandbox.outage = "broken", True
        await self._stack.user_writes("where is order 1002")
        self._stack.orders.mode, self._sandbox.outage = "working", False
        chat = await self._waiting()
        self._sandbox.claim(chat.user_name, chat.business_id, agent=_AGENT)
        self._sandbox.answer(chat.user_name, chat.business_id, "Hello again! Order 1002 leaves today.")
        await self._until(lambda: "leaves today" in self._phone.bubbles[-1].text, "the agent's answer after the outage")
        await self._complete(chat)

    def to_agent(self) -> list[str]:
        """What stands in the agent's transcript of the user of this page."""
        chat = self._chat()
        if chat is None:
            return []
        said = [
            message
            for number in range(1, chat.conversation_no + 1)
            for message in self._sandbox.messages(chat.user_name, chat.business_id, number)
        ]
        return [str(message.body.get("text", "")) for message in said if message.sender == "user"]

    async def _waiting(self) -> Chat:
        """The chat, once it waits for an agent. The platform's countdown is skipped."""
        await self._until(lambda: self._chat_is("counting_down", "pending"), "the chat in the queue")
        self._sandbox.advance(_COUNTDOWN_SECONDS)
        await self._until(lambda: self._chat_is("pending"), "the chat in the queue")
        chat = self._chat()
        assert chat is not None
        return chat

    async def _complete(self, chat: Chat) -> None:
        read = len(self._phone.bubbles)
        self._sandbox.complete(chat.user_name, chat.business_id, reason="solved")
        await self._until(lambda: len(self._phone.bubbles) > read, "that the agent is done")
        await self._stack.user_writes("where is order 1002")
        await self._until(lambda: self._phone.bubbles[-1].text == "Order 1002 is being packed.", "the bot's own answer")

    def _chat_is(self, *states: str) -> bool:
        chat = self._chat()
        return chat is not None and chat.state in states

    def _chat(self) -> Chat | None:
        new = (chat for chat in self._sandbox.chats() if (chat.user_name, chat.business_id) not in self._before)
        return next(new, None)

    async def _until(self, happened: Callable[[], bool], what: str) -> None:
        for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            if happened():
                self._stack.strip.look()
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise _Broken(f"{what} did not arrive within {_PATIENCE_SECONDS:g} s")


def _buttons() -> dict[str, object]:
    return {
        "text": _QUESTION,
        "type": "TEXT",
        "data": {
            "quick_replies": [
                {
                    "actionable_text": choice,
                    "type": "TEXT_ONLY",
                    "is_default": 0,
                    "payload": {"message": choice, "gogo_message": ""},
                }
                for choice in _CHOICES
            ]
        },
    }
