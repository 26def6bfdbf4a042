"""Whatever the guard itself meets on the way, the user reads a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call, run_action

UNAVAILABLE = packaged_copy()["haptik_handoff_unavailable"]
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
WHO = {"user_name": "u1", "business_id": 343}


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport))
    yield
    configure()


class Fails(Action):
    def __init__(self, name: str = "action_fails") -> None:
        self._name = name

    def name(self) -> str:
        return self._name

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError("down")


def texts(answer: dict[str, Any]) -> list[Any]:
    return [message["text"] for message in answer["responses"]]


def kinds(answer: dict[str, Any]) -> list[str]:
    return [event["event"] for event in answer["events"]]


def receipt(answer: dict[str, Any]) -> dict[str, Any]:
    (value,) = [event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff"]
    assert isinstance(value, dict)
    return value


async def test_a_runtime_that_is_none(caplog: pytest.LogCaptureFixture) -> None:
    configure(lambda: None)  # type: ignore[arg-type, return-value]
    answer = await run_action(Fails(), action_call("x", metadata=WHO))
    assert texts(answer) == [UNAVAILABLE]
    assert (receipt(answer)["state"], receipt(answer)["error"]) == ("unavailable", "ValueError")
    assert "is guarded by the defaults" in caplog.text


async def test_a_tracker_that_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    call = action_call("x", metadata=WHO)
    call["tracker"]["events"].append("garbage")
    answer = await run_action(Fails(), call)
    assert texts(answer) == [UNAVAILABLE]
    assert (receipt(answer)["state"], receipt(answer)["action"]) == ("unavailable", "action_fails")
    assert "so did its guard" in caplog.text


async def test_a_fallback_whose_tracker_cannot_be_read_does_not_brick_the_conversation() -> None:
    call = action_call("x", metadata=WHO)
    call["tracker"]["events"].append("garbage")
    answer = await run_action(Fails("action_default_fallback"), call)
    assert texts(answer) == [UNAVAILABLE]
    assert kinds(answer) == ["rewind", "slot", "followup"]


async def test_a_validation_whose_conversation_cannot_be_read_leaves_no_value() -> None:
    call = action_call("x", metadata=WHO)
    call["tracker"]["active_loop"] = {"name": "my_form"}
    call["tracker"]["events"] = ["garbage", {"event": "action"}, {"event": "slot", "name": "day", "value": "monday"}]
    answer = await run_action(Fails("validate_my_form"), call)
    assert texts(answer) == [UNAVAILABLE]
    assert SlotSet("day", None) in answer["events"]


async def test_a_channel_that_cannot_be_one() -> None:
    call = action_call("x", metadata=WHO)
    call["tracker"]["events"][0]["input_channel"] = ["rest"]
    call["tracker"]["latest_input_channel"] = ["rest"]
    answer = await run_action(Fails(), call)
    assert texts(answer) == [packaged_copy()["haptik_handoff_connected"]]


class Ruins(Fails):
    """Leaves nothing of the dispatcher that the guard could use."""

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.messages = None
        return []


async def test_a_dispatcher_that_the_action_has_ruined() -> None:
    answer = await run_action(Ruins(), action_call("x", metadata=WHO))
    assert texts(answer) == [packaged_copy()["haptik_handoff_connected"]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
events = st.lists(
    st.fixed_dictionaries(
        {"event": st.sampled_from(["user", "bot", "slot", "action", "resume", "pause", "restart"])},
        optional=dict.fromkeys(("metadata", "text", "name", "value", "timestamp", "input_channel"), json_values),
    )
    | json_values,
    max_size=4,
)


@settings(max_examples=80)
@given(
    events=events,
    metadata=json_values,
    slots=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("haptik", "haptik_handoff", "session_started_metadata", "user_name", "business_id"), json_values
        ),
    ),
    loop=st.sampled_from([{}, {"name": "my_form"}]),
    name=st.sampled_from(["action_fails", "validate_my_form", "action_ask_my_form_day", "action_default_fallback"]),
)
async def test_there_is_always_a_sentence(
    events: list[Any], metadata: Any, slots: dict[str, Any], loop: dict[str, Any], name: str
) -> None:
    call = action_call("x", slots=slots)
    call["tracker"]["events"], call["tracker"]["active_loop"] = events, loop
    call["tracker"]["latest_message"]["metadata"] = metadata
    answer = await run_action(Fails(name), call)
    assert [text for text in texts(answer) if isinstance(text, str) and text.strip()]
    json.dumps(answer)
    if name == "action_default_fallback":
        assert kinds(answer)[0] == "rewind"
