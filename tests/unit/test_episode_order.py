"""When an episode is over is read from the tracker's order: Rasa's clock and that of Redis may differ."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from tests.support.rasa import action_call, run_action

SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")


class Failing(Action):
    def name(self) -> str:
        return "action_failing"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise LookupError


@pytest.fixture
async def platform() -> AsyncIterator[list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"success": True})

    runtime = Runtime(load_settings=lambda: SETTINGS, transport=httpx.MockTransport(answer))
    configure(lambda: runtime)
    yield asked
    configure()
    await runtime.aclose()


async def fail(events: list[dict[str, Any]]) -> dict[str, Any]:
    slots = {"haptik_handoff": next((e["value"] for e in reversed(events) if e["event"] == "slot"), None)}
    call = action_call("x", metadata={"user_name": "asha", "business_id": 343}, slots=slots)
    call["tracker"]["events"] = events
    answer = await run_action(Failing(), call)
    receipt: dict[str, Any] = next(e["value"] for e in answer["events"] if e.get("name") == "haptik_handoff")
    return receipt


def received(receipt: dict[str, Any]) -> dict[str, Any]:
    return {"event": "slot", "name": "haptik_handoff", "value": receipt, "timestamp": time.time()}


@pytest.mark.parametrize("skew", [-90, 0.001, 90], ids=["behind", "alike", "ahead"])
@pytest.mark.parametrize("how", ["resume", "restart", "session_started"])
async def test_the_bot_has_it_back_whatever_its_clock_says(
    how: str, skew: float, platform: list[httpx.Request]
) -> None:
    first = await fail([])
    back = {"event": how, "timestamp": time.time() + skew}
    assert (await fail([received(first), back]))["state"] == "connected"
    assert len(platform) == 2


@pytest.mark.parametrize("skew", [-90, 90], ids=["behind", "ahead"])
async def test_a_hand_off_since_then_is_one_whatever_the_clock_says(skew: float, platform: list[httpx.Request]) -> None:
    back = {"event": "resume", "timestamp": time.time() + skew}
    first = await fail([back])
    again = await fail([back, received(first)])
    assert (again["state"], again["id"]) == ("duplicate", first["id"])
    assert len(platform) == 1


async def test_a_receipt_that_a_new_session_takes_over_is_over(platform: list[httpx.Request]) -> None:
    first = await fail([])
    back = {"event": "session_started", "timestamp": time.time() - 90}
    assert (await fail([received(first), back, received(first)]))["state"] == "connected"
    assert len(platform) == 2
