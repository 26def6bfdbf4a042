"""Lines that would come with every call are logged once a minute."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from rasa_sdk import Action

from haptik_actions._log import get_logger
from haptik_actions._once import Repeats
from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.messages import MessageStore
from tests.support.rasa import action_call, run_action

SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_comes_again_after_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    repeats, logger = Repeats(timer=clock), get_logger("haptik_actions.test")
    for clock.now in (0.0, 30.0, 59.0, 61.0):
        for key in ("one", "two"):
            repeats.log(logger, logging.ERROR, "There is no %s.", key)
    assert [record.getMessage() for record in caplog.records] == ["There is no one.", "There is no two."] * 2
    assert {record.filename for record in caplog.records} == {"test_repeats.py"}


def test_of_very_many_lines_the_oldest_is_forgotten() -> None:
    repeats = Repeats()
    assert all(repeats.is_due(number) for number in range(3000))
    assert not repeats.is_due(2999)
    assert repeats.is_due(0)


async def test_a_message_that_is_not_there_is_named_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = MessageStore(timer=clock)
    for clock.now in (0.0, 1.0, 2.0, 61.5):
        assert await store.text("utter_gone")
        assert await store.text("utter_lost", "de")
    lines = [record.getMessage() for record in caplog.records if "There is no message" in record.getMessage()]
    assert [("'utter_gone'" in line, "'utter_lost'" in line) for line in lines] == [(True, False), (False, True)] * 2


async def test_a_value_that_is_not_given_is_named_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    store = MessageStore(defaults={"en": {"utter_order": "Order {number}"}})
    for _ in range(5):
        assert await store.text("utter_order")
    assert caplog.text.count("'utter_order' has no value for number") == 1


class Fails(Action):
    def name(self) -> str:
        return "action_fails"

    @escalate_on_error(messages={"connected": "utter_gone"})
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise OSError("Too many open files")


async def test_a_storm_of_failures_names_the_missing_message_once(caplog: pytest.LogCaptureFixture) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport, retries=0))
    try:
        for number in range(10):
            await run_action(Fails(), action_call("x", metadata={"user_name": f"u{number}", "business_id": 343}))
    finally:
        configure()
    assert caplog.text.count("There is no message 'utter_gone'") == 1
