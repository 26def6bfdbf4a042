from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rasa_sdk import Action

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.escalation import Brief
from tests.support.rasa import action_call, run_action

SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
WHO = {"user_name": "u1", "business_id": 343, "conversation_no": 2}


class Failing(Action):
    def name(self) -> str:
        return "action_failing"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise LookupError("card 4111 1111 1111 1111")


async def fail(sink: Any, brief: Any, refuse: bool = False, slots: Any = None) -> dict[str, Any]:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"error_message": "invalid user_name"}) if refuse else OK

    runtime = Runtime(load_settings=lambda: SETTINGS, transport=httpx.MockTransport(answer), brief_sink=sink)
    configure(lambda: runtime)
    call = action_call("x", metadata=WHO, slots={"haptik": {"brief": brief} if brief else {}, **(slots or {})})
    call["tracker"]["events"] = [
        {"event": "user", "text": "hello"},
        {"event": "bot", "text": "Hi! How can I help?"},
        {"event": "bot", "text": None},
        {"event": "slot", "name": "x"},
        {"event": "user", "text": "write to asha.rao@mail.example or call +91 98765-43210, order 1001"},
    ]
    try:
        return await run_action(Failing(), call)
    finally:
        await runtime.aclose()
        configure()


OK = httpx.Response(200, json={"success": True})


def collecting(into: list[Brief]) -> Callable[[Brief], Any]:
    async def sink(brief: Brief) -> None:
        into.append(brief)

    return sink


async def test_a_brief_holds_what_the_domain_allows_and_no_more() -> None:
    briefs: list[Brief] = []
    rules = {"slots": ["order_id", "account", "contact", "missing"], "turns": 2}
    slots = {"order_id": "1001", "account": 12345678, "contact": {"mail": "a@b.example", "vip": True}, "secret": "x"}
    answer = await fail(collecting(briefs), rules, slots=slots)
    receipt = answer["events"][0]["value"]
    assert [brief.to_json() for brief in briefs] == [
        {
            "receipt": receipt["id"],
            "user_name": "u1",
            "business_id": 343,
            "conversation_no": 2,
            "team": "support",
            "action": "action_failing",
            "error": "LookupError",
            "slots": {
                "order_id": "1001",
                "account": "[…]",
                "contact": {"mail": "[…]", "vip": True},
                "missing": None,
            },
            "turns": (("bot", "Hi! How can I help?"), ("user", "write to […] or call […], order 1001")),
        }
    ]


@pytest.mark.parametrize(("brief", "refuse"), [(None, False), ({"turns": 2}, True)])
async def test_nothing_is_sent_unless_it_is_allowed_and_handed_over(brief: Any, refuse: bool) -> None:
    briefs: list[Brief] = []
    await fail(collecting(briefs), brief, refuse)
    assert briefs == []


async def test_no_turns_are_no_turns() -> None:
    briefs: list[Brief] = []
    await fail(collecting(briefs), {"slots": ["order_id"]})
    assert briefs[0].turns == ()


async def test_without_a_sink_nothing_happens() -> None:
    assert (await fail(None, {"turns": 2}))["events"][0]["value"]["state"] == "connected"


async def test_a_sink_that_fails_is_a_log_line(caplog: pytest.LogCaptureFixture) -> None:
    async def sink(_: Brief) -> None:
        raise ConnectionError("tickets are down")

    answer = await fail(sink, {"turns": 2})
    receipt = answer["events"][0]["value"]
    assert receipt["state"] == "connected"
    assert f"brief for hand-off {receipt['id']} was not delivered" in caplog.text


async def test_the_user_does_not_wait_for_the_sink() -> None:
    order: list[str] = []

    async def sink(_: Brief) -> None:
        await asyncio.sleep(0.05)
        order.append("sink")

    runtime = Runtime(load_settings=lambda: SETTINGS, transport=httpx.MockTransport(lambda _: OK), brief_sink=sink)
    configure(lambda: runtime)
    try:
        await run_action(Failing(), action_call("x", metadata=WHO, slots={"haptik": {"brief": {"turns": 1}}}))
        order.append("answer")
        await runtime.aclose()
    finally:
        configure()
    assert order == ["answer", "sink"]


async def ends_early(_: Brief) -> None:
    raise SystemExit(3)


async def is_cancelled(_: Brief) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("sink", [ends_early, is_cancelled])
async def test_a_sink_that_ends_more_than_itself_is_a_log_line(sink: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert (await fail(sink, {"turns": 2}))["events"][0]["value"]["state"] == "connected"
    assert "was not delivered" in caplog.text


async def test_a_slot_that_cannot_be_told_costs_the_brief_and_not_the_receipt(caplog: pytest.LogCaptureFixture) -> None:
    briefs: list[Brief] = []
    nested: Any = "x"
    for _ in range(3000):
        nested = [nested]
    slots = {"haptik": {"brief": {"slots": ["nested"]}}, "nested": nested}
    runtime = Runtime(
        load_settings=lambda: SETTINGS, transport=httpx.MockTransport(lambda _: OK), brief_sink=collecting(briefs)
    )
    configure(lambda: runtime)
    try:
        answer = await run_action(Failing(), action_call("x", metadata=WHO, slots=slots))
    finally:
        await runtime.aclose()
        configure()
    assert (answer["events"][0]["value"]["state"], briefs) == ("connected", [])
    assert "was not delivered" in caplog.text


@pytest.mark.parametrize(
    "told",
    [
        4111111111111111.0,
        {"asha@mail.example": 1},
        {"9876543210": 1},
        "4111/1111/1111/1111",
        "4111 - 1111 - 1111 - 1111",
        "4111\u20131111\u20131111\u20131111",
        "4111_1111_1111_1111",
    ],
    ids=["float", "address as key", "number as key", "slashes", "wide dashes", "en dashes", "underscores"],
)
async def test_numbers_and_addresses_are_redacted_however_they_are_written(told: Any) -> None:
    briefs: list[Brief] = []
    await fail(collecting(briefs), {"slots": ["told"]}, slots={"told": told})
    assert briefs[0].slots["told"] in ("[…]", {"[…]": 1})


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, "a." * 50_000, "1-" * 50_000, "x@" + "a" * 100_000],
    ids=["letters", "dots", "digits", "address"],
)
async def test_a_long_word_of_a_user_holds_nobody_up(text: str) -> None:
    briefs: list[Brief] = []
    began = time.process_time()
    await fail(collecting(briefs), {"slots": ["told"]}, slots={"told": text})
    # Each letter as a beginning of its own took minutes.
    assert time.process_time() - began < 2
    assert len(briefs[0].slots["told"]) <= 500
