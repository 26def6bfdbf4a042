"""Rasa's NLG endpoint, called as Rasa 3.6.21 calls it, through an ASGI transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import redis.asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.messages import Catalogue, MessageStore, packaged_copy
from haptik_actions.nlg import nlg_app
from tests.support.patience import message_store
from tests.support.ports import free_port

COPY = packaged_copy()


def body(response: str, channel: str = "collector", /, arguments: Any = None, **slots: Any) -> dict[str, Any]:
    return {
        "response": response,
        "id": None,
        "arguments": arguments or {},
        "tracker": {
            "sender_id": "x",
            "slots": slots,
            "latest_message": {"text": "hi", "metadata": {}},
            "events": [{"event": "user", "text": "hi", "timestamp": 1.0}] * 20,
        },
        "channel": {"name": channel},
    }


async def post(store: MessageStore, call: Any, **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=nlg_app(store, **options))
    async with httpx.AsyncClient(transport=transport, base_url="http://nlg") as client:
        content = call if isinstance(call, bytes) else json.dumps(call).encode()
        return await client.post("/nlg?token=asked-for" if options else "/", content=content)


async def say(defaults: Mapping[str, str], call: Any) -> Any:
    answer = await post(MessageStore(defaults={"en": dict(defaults)}), call)
    assert answer.status_code == 200
    _check_shape(answer.json())
    return answer.json()


def _check_shape(answer: Any) -> None:
    """What `nlg_response_format_spec` of Rasa 3.6.21 demands."""
    assert isinstance(answer, dict)
    assert isinstance(answer.get("text", ""), str)
    for key in ("buttons", "elements"):
        assert all(isinstance(member, dict) for member in answer.get(key) or [])
    assert isinstance(answer.get("image"), (str, type(None)))
    assert isinstance(answer.get("attachment"), (dict, type(None)))
    assert isinstance(answer.get("custom", {}), dict)
    assert isinstance(answer.get("id"), (str, type(None)))


async def test_placeholders_are_filled_from_slots_and_arguments() -> None:
    texts = {"utter_state": "Order {order id} is {state}"}
    slots: dict[str, Any] = {"order id": 7, "state": "packed"}
    call = body("utter_state", arguments={"state": "late"}, **slots)
    assert await say(texts, call) == {"text": "Order 7 is late"}


@pytest.mark.parametrize(
    ("text", "slots", "expected"),
    [
        ("{a} and {b}", {"a": 1}, "{a} and {b}"),
        ("{a} and {b}", {"a": 1, "b": None}, "1 and None"),
        ("{a.__class__}", {"a": 1}, "{a.__class__}"),
        ("{a!r}", {"a": 1}, "{a!r}"),
        ("a { b", {}, "a { b"),
        ("{{a}}", {"a": 1}, "{a}"),
        ("{x: 1}", {}, "{x: 1}"),
        ('/order{{"id": "{a}"}}', {"a": 1}, '/order{"id": "1"}'),
        ('/greet{{"a": "b"}}', {}, '/greet{"a": "b"}'),
        ('/order{"id": "{b}"}', {"a": 1}, '/order{"id": "{b}"}'),
    ],
)
async def test_filling_is_rasas_own(text: str, slots: dict[str, Any], expected: str) -> None:
    assert await say({"utter_x": text}, body("utter_x", **slots)) == {"text": expected}


async def test_a_whole_response_comes_back_filled() -> None:
    response = {
        "text": "What now, {name}?",
        "buttons": [{"title": "Order {id}", "payload": '/order{{"id": "{id}"}}'}],
        "image": "https://shop.example/{id}.png",
        "custom": {"blocks": [{"text": "{name}"}], "n": 1},
        "attachment": {"type": "file", "payload": {"url": "{id}"}},
        "elements": [{"title": "{name}"}],
        "id": "first",
        "metadata": {"a": "{name}"},
    }
    answer = await say({"utter_x": json.dumps(response)}, body("utter_x", name="Asha", id="7"))
    assert answer == {
        "text": "What now, Asha?",
        "buttons": [{"title": "Order 7", "payload": '/order{"id": "7"}'}],
        "image": "https://shop.example/7.png",
        "custom": {"blocks": [{"text": "Asha"}], "n": 1},
        "attachment": {"type": "file", "payload": {"url": "7"}},
        # Rasa fills neither of these.
        "elements": [{"title": "{name}"}],
        "id": "first",
        "metadata": {"a": "{name}"},
    }


OFFERING = json.dumps(
    {
        "type": "BUTTON",
        "text": "Womit?",
        "data": {
            "items": [
                {"actionable_text": f"Option {number}", "type": "TEXT_ONLY", "payload": {"message": f"o{number}"}}
                for number in range(1, 15)
            ]
        },
    }
)


async def test_what_a_channel_adds_to_an_element_is_in_the_users_language() -> None:
    store = MessageStore(defaults={"de": {"utter_x": OFFERING, "haptik_hsl_continued": "Weiter zur Auswahl:"}})
    said = (await post(store, body("utter_x", "botframework", language_code="de"))).text
    assert "Weiter zur Auswahl:" in said
    assert COPY["haptik_hsl_continued"] not in said


async def test_a_default_that_stands_in_is_formatted_in_its_own_language(redis_client: redis.asyncio.Redis) -> None:
    nobodys = [{"text": "x", "condition": [{"type": "slot", "name": "a", "value": "b"}]}]
    await redis_client.set("haptik:messages:de:utter_x", json.dumps(nobodys))
    store = message_store(redis_client, locale="de", defaults={"de": {"utter_x": "{n, number}"}})
    assert (await post(store, body("utter_x", n=1234.5))).json() == {"text": "1.234,5"}


VARIATIONS = json.dumps(
    [
        "for all",
        {"text": "slack", "channel": "slack"},
        {"text": "gold", "condition": [{"type": "slot", "name": "tier", "value": "gold"}]},
        {"text": "rest", "channel": "rest"},
    ]
)


@pytest.mark.parametrize(
    ("channel", "slots", "expected"),
    [
        ("slack", {}, "slack"),
        ("facebook", {"tier": "GOLD"}, "gold"),
        ("facebook", {}, "for all"),
        # The output channel of plain REST is called `collector`.
        ("collector", {"tier": "gold"}, "rest"),
    ],
)
async def test_variations_by_channel_and_condition(channel: str, slots: dict[str, Any], expected: str) -> None:
    assert await say({"utter_x": VARIATIONS}, body("utter_x", channel, **slots)) == {"text": expected}


async def test_every_variation_has_its_turn() -> None:
    answers = {(await say({"utter_x": '["a", "b"]'}, body("utter_x")))["text"] for _ in range(60)}
    assert answers == {"a", "b"}


async def test_where_no_variation_fits_nothing_is_said() -> None:
    assert await say({"utter_x": '{"text": "a", "channel": "slack"}'}, body("utter_x", "facebook")) == {}


ELEMENT = {
    "type": "BUTTON",
    "text": "Your order {id}",
    "data": {
        "items": [
            {"actionable_text": "Track", "type": "TEXT_ONLY", "payload": {"message": "track {id}"}},
            {
                "actionable_text": "Shop",
                "type": "APP_ACTION",
                "uri": "LINK",
                "payload": {"url": "https://shop.example"},
            },
        ]
    },
}


@pytest.mark.parametrize("channel", ["collector", "facebook", "slack", "telegram", "socketio", "twilio", "unknown"])
async def test_an_element_comes_in_the_form_of_the_channel(channel: str) -> None:
    answer = await say({"utter_x": json.dumps(ELEMENT)}, body("utter_x", channel, id=7))
    whole = json.dumps(answer)
    assert "Your order 7" in whole
    assert "Track" in whole
    assert "https://shop.example" in whole


async def test_an_element_on_rest_has_buttons() -> None:
    answer = await say({"utter_x": json.dumps(ELEMENT)}, body("utter_x", id=7))
    assert {"title": "Track", "payload": "track 7"}.items() <= answer["buttons"][0].items()


async def test_an_element_that_the_values_make_impossible_is_its_text() -> None:
    element = json.loads(json.dumps(ELEMENT))
    element["data"]["items"][1]["payload"]["url"] = "{link}"
    call = body("utter_x", id=7, link="javascript:alert(1)")
    assert await say({"utter_x": json.dumps(element)}, call) == {"text": "Your order 7"}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("utter_nowhere", {"text": packaged_copy()["haptik_message_missing"]}),
        ("utter_default", {"text": packaged_copy()["haptik_fallback_rephrase"]}),
        ("utter_restart", {}),
        ("haptik_apology", {"text": packaged_copy()["haptik_apology"]}),
    ],
)
async def test_a_response_that_exists_nowhere(response: str, expected: dict[str, Any]) -> None:
    assert await say({}, body(response)) == expected


async def test_the_language_comes_from_slot_or_metadata(redis_client: redis.asyncio.Redis) -> None:
    await redis_client.set("haptik:messages:en:utter_x", "hello")
    await redis_client.set("haptik:messages:hi:utter_x", "namaste")
    store = message_store(redis_client)
    assert (await post(store, body("utter_x", language_code="hi-IN"))).json() == {"text": "namaste"}
    call = body("utter_x")
    call["tracker"]["latest_message"]["metadata"] = {"language_code": "hi"}
    assert (await post(store, call)).json() == {"text": "namaste"}
    assert (await post(store, body("utter_x"))).json() == {"text": "hello"}


async def test_seeded_defaults_and_edits(redis_client: redis.asyncio.Redis) -> None:
    catalogue = Catalogue(redis_client)
    await catalogue.seed({"utter_x": [{"text": "the domain's"}]})
    assert (await post(message_store(redis_client), body("utter_x"))).json() == {"text": "the domain's"}
    await catalogue.publish("utter_x", "en", "edited", author="asha", expected="0-")
    assert (await post(message_store(redis_client), body("utter_x"))).json() == {"text": "edited"}
    # Broken by hand, and nothing else is known: what was published last.
    await redis_client.set("haptik:messages:en:utter_x", '{"text": ')
    assert (await post(message_store(redis_client), body("utter_x"))).json() == {"text": "edited"}


async def test_where_no_variation_of_an_edit_fits_the_domains_own_response_answers(
    redis_client: redis.asyncio.Redis,
) -> None:
    await redis_client.set("haptik:messages-default:en:utter_x", "the domain's")
    await redis_client.set("haptik:messages:en:utter_x", '{"text": "for slack", "channel": "slack"}')
    store = message_store(redis_client)
    assert (await post(store, body("utter_x", "slack"))).json() == {"text": "for slack"}
    assert (await post(store, body("utter_x", "facebook"))).json() == {"text": "the domain's"}


async def test_a_placeholder_that_no_slot_fills_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert await say({"utter_x": "Hi {nmae}"}, body("utter_x", name="Asha")) == {"text": "Hi {nmae}"}
    assert "'utter_x' has no value for nmae" in caplog.text


async def test_without_redis_the_domains_own_response_answers() -> None:
    store = MessageStore.from_url(f"redis://127.0.0.1:{free_port()}", defaults={"en": {"utter_x": "the domain's"}})
    assert (await post(store, body("utter_x"))).json() == {"text": "the domain's"}
    await store.aclose()


@pytest.mark.parametrize("junk", [b"", b"[]", b"{", b'{"response": 3}', b'{"id": "x"}', b"\xff", b"null"])
async def test_what_is_no_call_is_refused(junk: bytes) -> None:
    answer = await post(MessageStore(), junk)
    assert answer.status_code == 400
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "part", [{"tracker": None}, {"tracker": {}}, {"channel": None}, {"channel": {}}, {"arguments": None}]
)
async def test_parts_that_are_missing_are_no_mistake(part: dict[str, Any]) -> None:
    assert await say({"utter_x": "hello"}, body("utter_x") | part) == {"text": "hello"}


async def test_a_token_is_asked_for() -> None:
    store = MessageStore(defaults={"en": {"utter_x": "hello"}})
    assert (await post(store, body("utter_x"), token="asked-for")).status_code == 200
    refused = await post(store, body("utter_x"), token="another")
    assert refused.status_code == 401
    assert "another" not in refused.text


async def test_a_get_tells_the_health_and_nothing_else_is_taken() -> None:
    transport = httpx.ASGITransport(app=nlg_app(MessageStore()))
    async with httpx.AsyncClient(transport=transport, base_url="http://nlg") as client:
        assert (await client.get("/")).json()["state"] == "defaults"
        assert (await client.put("/")).status_code == 405


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(value=st.text(max_size=40) | JSON.map(json.dumps), slots=st.dictionaries(st.text(max_size=5), JSON, max_size=3))
@settings(max_examples=150)
async def test_whatever_was_written_rasa_gets_an_answer_that_it_takes(value: str, slots: dict[str, Any]) -> None:
    call = body("utter_x", "facebook")
    call["tracker"]["slots"] = slots | {"a": 1}
    await say({"utter_x": value}, call)
