"""The demo's steps: calls that a real Rasa posted, played to the action server, and what has to come of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

import httpx
import msgspec

from haptik_actions.demo._stack import Stack
from haptik_actions.messages import Template

__all__ = ["Step", "play"]

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
