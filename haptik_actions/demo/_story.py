"""Plays the way of a chat to an agent and back by itself: for `--once`, and for people who want to watch first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from haptik_actions.demo._stack import Stack
from haptik_actions.sandbox import Chat

__all__ = ["Story", "tell_story"]

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
