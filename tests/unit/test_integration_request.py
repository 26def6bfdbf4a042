"""What a node of a Haptik bot sends, as Rasa gets it; and the answer to it."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.channel._integration import (
    MOST_DEPTH,
    MOST_DETAILS,
    Answer,
    Details,
    IntegrationRequest,
    Mention,
    NoRequest,
    details_of,
    read_request,
)
from haptik_actions.config import Settings
from haptik_actions.escalation import Conversation, Identity
from haptik_actions.escalation._conversation import identify
from haptik_actions.messages import locale_of

SAMPLES = Path(__file__).parents[1] / "fixtures" / "integration-requests"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
USER = {"user": {"user_name": "asha"}}


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def request(**members: Any) -> IntegrationRequest:
    return read_request(json.dumps({**USER, **members}).encode(), 343)


def entity(value: Any, original: Any = "71", detection: str = "message") -> list[dict[str, Any]]:
    return [{"entity_value": value, "original_text": original, "detection": detection}]


def test_the_documented_request_of_a_node() -> None:
    read = read_request(sample("documented-node"), 343)
    assert read.sender_id == "haptik-343-haptik username"
    assert read.metadata() == {
        "user_name": "haptik username",
        "business_id": 343,
        "conversation_no": 1,
        "node": "system name of the node",
        "user_id": "User ID",
        "device_platform": 5,
        "language_code": "User's current language",
        "auth_id": "Authentication ID, If AuthInfo Is present else empty string",
        "entities": {
            "product_id": [{"value": "71", "original_text": "71", "detection": "message"}],
            "email": [{"value": "test@test.com", "original_text": "test@test.com", "detection": "user_profile"}],
            "product_name": [{"value": "headphones", "original_text": "headphones", "detection": "default"}],
        },
        "conversation_details": {"insurance_no": "CDQP12324", "payment_mode": "COD"},
        "user_details": {"phone_number": 8826755986, "date_of_birth": "21/07/1995"},
    }


def test_a_gateway_of_2023_calls_itself_a_step_and_brings_the_whole_utterance() -> None:
    read = read_request(sample("gateway-step"), 343)
    assert read.node == "order_gateway"
    assert read.text(["order_gateway"]) == "where is order 1001"
    assert read.sender_id == "haptik-343-9f0c2b7a51"


def test_what_may_be_secret_is_not_kept() -> None:
    read = request(
        user={"user_name": "asha", "auth_code": "c0de"}, env_variables={"CRM": "https://user:pass@crm.example"}
    )
    assert "c0de" not in repr(read)
    assert "crm" not in repr(read.metadata()).lower()


def test_a_hand_off_finds_the_user_in_the_metadata() -> None:
    metadata = read_request(sample("gateway-step"), 343).metadata()
    conversation = Conversation(sender_id="x", metadata=(metadata,))
    assert identify(conversation, Settings()) == Identity(user_name="9f0c2b7a51", business_id=343, conversation_no=2)
    assert locale_of(None, metadata) == "en"


@pytest.mark.parametrize(
    ("value", "original", "read"),
    [
        ("71", "seventy-one", "71"),
        ({"value": "71"}, "seventy-one", "71"),
        ({"value": 71}, "seventy-one", 71),
        ({"dd": 24, "mm": 12}, "on the 24th", "on the 24th"),
        ({"value": {"amount": 3}}, "three", "three"),
        ({"value": ""}, "three", "three"),
        (71, "71", 71),
        (None, "headphones", "headphones"),
        (["a"], "an a", "an a"),
    ],
)
def test_an_entitys_value_in_each_of_its_shapes(value: Any, original: str, read: Any) -> None:
    found = request(entities={"product_id": entity(value, original)}).entities
    assert found == {"product_id": (Mention(value=read, original_text=original, detection="message"),)}


@pytest.mark.parametrize(
    ("entities", "node", "text"),
    [
        ({"feedback_regex": entity("hello there", "hello there")}, "order", "hello there"),
        ({"feedback_regex": entity({"value": "hello"}, "hello")}, "order", "hello"),
        ({"feedback_regex": entity({"other": 1}, "hello")}, "order", "hello"),
        ({"order_id": entity("1001")}, "order", '/order{"order_id":"1001"}'),
        ({"order_id": [*entity("1"), *entity("2")]}, "order", '/order{"order_id":["1","2"]}'),
        ({}, "order", "/order"),
        ({"order_id": entity("1001", "number 1001"), "name": entity("A", "Asha")}, "unknown", "number 1001 Asha"),
        ({"size": entity("L", "L", "default"), "order_id": entity("1", "one")}, "unknown", "one"),
        ({}, "where to", "where to"),
    ],
)
def test_what_rasa_reads_as_the_users_message(entities: Any, node: str, text: str) -> None:
    assert request(node=node, entities=entities).text(["order"]) == text


@pytest.mark.parametrize(
    ("members", "number"),
    [({"conversation_no": 2}, 2), ({"conversation_no": "2"}, 2), ({"conversation_no": 2.0}, 2)]
    + [({"conversation_no": wrong}, None) for wrong in ("x", True, 2.5, [2], None, "9" * 5000)],
)
def test_the_number_of_the_conversation(members: Any, number: int | None) -> None:
    assert request(**members).conversation_no == number


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no JSON"),
        (b"hello", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b'{"user": {"user_name": "\\ud800"}}', "no JSON"),
        (b"[1]", "no JSON object but list"),
        (b'"asha"', "no JSON object but str"),
        (b"{}", "names no user"),
        (b'{"user": "asha"}', "names no user"),
        (b'{"user": {"user_name": null}}', "names no user"),
        (b'{"user": {"user_name": true}}', "names no user"),
        (b'{"user": {"user_name": " "}}', "names no user"),
        (json.dumps({"user": {"user_name": "a" * 201}}).encode(), "more than 200 characters"),
        (b'{"user_details": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "no JSON"),
        (b'{"user_details": ' + b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1) + b"}", "inside of each other"),
    ],
)
def test_what_is_no_integration_request(body: bytes, problem: str) -> None:
    with pytest.raises(NoRequest, match=problem):
        read_request(body)


@given(
    st.dictionaries(
        st.sampled_from(
            ["node", "step", "event", "conversation_no", "entities", "conversation_details", "user_details", "new"]
        ),
        JSON,
    ),
    st.dictionaries(st.sampled_from(["user_id", "full_name", "language_code", "auth_id", "device_platform"]), JSON),
)
def test_nothing_that_a_request_may_leave_out_makes_it_unreadable(
    members: dict[str, Any], user: dict[str, Any]
) -> None:
    read = read_request(json.dumps({**members, "user": {**user, "user_name": "asha"}}).encode(), 343)
    assert isinstance(read.text(["order"]), str)
    assert json.loads(json.dumps(read.metadata())) == read.metadata()


@given(st.dictionaries(st.text(max_size=5), st.lists(JSON, max_size=3), max_size=3))
def test_entities_of_any_shape_are_read_or_left_out(entities: dict[str, Any]) -> None:
    read = request(node="order", entities=entities)
    assert read.text(["order"]).startswith("/order") or "feedback_regex" in read.entities
    for mentions in read.entities.values():
        assert all(isinstance(one.value, (str, int, float)) and one.value != "" for one in mentions)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(body: bytes) -> None:
    with suppress(NoRequest):
        read_request(body)


# The answer


def test_an_answer_is_the_documented_json() -> None:
    details = Details(status=False, objects={"user_details": {"plan": "gold"}})
    assert json.loads(Answer(response=["Hello", '{"type":"TEXT"}'], details=details).to_json()) == {
        "status": False,
        "response": ["Hello", '{"type":"TEXT"}'],
        "user_details": {"plan": "gold"},
    }


def test_half_a_character_does_not_cost_the_answer() -> None:
    assert json.loads(Answer(response=["\ud83d hello"]).to_json())["response"] == ["\ud83d hello"]


@pytest.mark.parametrize(
    ("slots", "status", "objects"),
    [
        ({}, True, {}),
        ({"haptik_status": False}, False, {}),
        ({"haptik_status": "no"}, True, {}),
        ({"haptik_conversation_details": {}}, True, {}),
        (
            {"haptik_conversation_details": {"order": 1}, "haptik_user_details": {"phone": 7, "vip": True}},
            True,
            {"conversation_details": {"order": 1}, "user_details": {"phone": "7", "vip": "true"}},
        ),
        ({"haptik_user_details": {"kept": "x", "nested": {"a": 1}}}, True, {"user_details": {"kept": "x"}}),
    ],
)
def test_what_slots_add_to_an_answer(slots: dict[str, Any], status: bool, objects: Any) -> None:
    assert details_of(slots) == Details(status=status, objects=objects)


@pytest.mark.parametrize(
    ("slots", "named"),
    [
        ({"haptik_conversation_details": {"note": "w" * 600}}, "haptik_conversation_details"),
        ({"haptik_user_details": "w" * 6}, "haptik_user_details"),
        ({"haptik_user_details": {"note": float("nan")}}, "haptik_user_details"),
        ({"haptik_user_details": {"note": ["w" * 6]}}, "note of slot haptik_user_details"),
        (
            {"haptik_conversation_details": {"a": "w" * 300}, "haptik_user_details": {"b": "w" * 300}},
            "haptik_user_details",
        ),
    ],
)
def test_details_that_the_platform_could_not_keep_are_left_out_and_named(
    slots: dict[str, Any], named: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        kept = details_of(slots).objects
    assert named.rpartition(" ")[2].removeprefix("haptik_") not in kept
    [record] = caplog.records
    assert named in record.getMessage()
    assert "www" not in record.getMessage()


@given(JSON, JSON)
def test_details_of_any_value_stay_within_the_size_that_the_platform_promises(one: Any, other: Any) -> None:
    found = details_of({"haptik_conversation_details": one, "haptik_user_details": other})
    written = [json.dumps(value) for value in found.objects.values()]
    assert sum(map(len, written)) <= MOST_DETAILS
    json.loads(Answer(response=["x"], details=found).to_json())
