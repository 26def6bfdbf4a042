from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haptik_actions.errors import InvalidMessage
from haptik_actions.hsl import Button, Text
from haptik_actions.messages import Message, MessageStore, Template, Variation, locale_of, suitable, unified_diff

TEXT_ELEMENT = {
    "type": "TEXT",
    "text": "Hello {name}",
    "data": {"quick_replies": [{"actionable_text": "Order", "type": "TEXT_ONLY", "payload": {"message": "Order"}}]},
}

FORMS = [
    "Hello {name}!",
    json.dumps(TEXT_ELEMENT),
    '{"text": "Hello", "buttons": [{"title": "Order", "payload": "/order"}], "image": "https://shop.example/a.png"}',
    '{"channel": "facebook", "hsl": ' + json.dumps(TEXT_ELEMENT) + "}",
    '{"text": "Hi", "condition": [{"type": "slot", "name": "tier", "value": "gold"}]}',
    '["Hello!", "Hi there!", {"text": "Hey", "channel": "slack"}]',
    '{"custom": {"anything": 1}}',
    "[sic] this is a text",
    "{name}, hello",
    "{} {0} {{x}}",
]


@pytest.mark.parametrize("value", FORMS)
def test_a_value_comes_back_as_it_was_read(value: str) -> None:
    message = Message.parse(value)
    assert Message.parse(message.dump()) == message
    assert message.shown or "custom" in value


BROKEN = [
    ("", "", "blank"),
    (" \n ", "", "blank"),
    ('{"text": "Hello",}', "", "JSON"),
    ('["Hello"', "", "JSON"),
    ('{"txt": "Hello"}', "txt", "'text'"),
    ('{"text": " "}', "text", "blank"),
    ('{"channel": "slack"}', "", "shows nothing"),
    ('["a", 3]', "[1]", "a text or an object"),
    ('[{"text": 3}]', "[0].text", "text is wanted"),
    ('{"text": "a", "buttons": {}}', "buttons", "list of objects"),
    ('{"text": "a", "buttons": [{"payload": "/x"}]}', "buttons[0].title", "label"),
    ('{"text": "a", "condition": [{"name": "x"}]}', "condition[0]", "value"),
    ('{"type": "BUTTON", "text": "x", "data": {"items": []}}', "data.items", "buttons"),
    ('{"type": "TXT", "text": "x"}', "type", "no element"),
    ('["a", {"hsl": {"type": "TXT", "text": "x"}}]', "[1].hsl.type", "no element"),
    ("[" * 2000 + '"' + "a", "", ""),
]


@pytest.mark.parametrize(("value", "path", "words"), BROKEN, ids=range(len(BROKEN)))
def test_what_begins_like_json_and_is_none_of_the_forms_is_refused(value: str, path: str, words: str) -> None:
    if not words:
        Message.parse(value)
        return
    with pytest.raises(InvalidMessage) as caught:
        Message.parse(value)
    assert caught.value.findings[0].path == path
    assert words in caught.value.findings[0].words


@given(st.text())
def test_any_string_is_a_message_or_refused(value: str) -> None:
    try:
        message = Message.parse(value)
    except InvalidMessage:
        return
    assert Message.parse(message.dump()) == message


def test_a_lone_text_is_dumped_as_itself_and_one_like_json_is_quoted() -> None:
    assert Message((Variation(text="Hi"),)).dump() == "Hi"
    assert Message.parse(Message((Variation(text='{"a": 1}'),)).dump()).variations[0].text == '{"a": 1}'


GOLD = {"type": "slot", "name": "tier", "value": "Gold"}


@pytest.mark.parametrize(
    ("channel", "slots", "expected"),
    [
        ("slack", {"tier": "gold"}, {"slack gold"}),
        ("slack", {}, {"slack"}),
        ("facebook", {"tier": "GOLD"}, {"gold"}),
        ("facebook", {"tier": None}, {"plain", "other"}),
        (None, {}, {"plain", "other"}),
    ],
)
def test_variations_are_narrowed_down_as_rasa_does(
    channel: str | None, slots: dict[str, Any], expected: set[str]
) -> None:
    message = Message(
        (
            Variation(text="plain"),
            Variation(text="other"),
            Variation(text="slack", channel="slack"),
            Variation(text="gold", condition=(GOLD,)),
            Variation(text="slack gold", channel="slack", condition=(GOLD,)),
        )
    )
    assert {variation.text for variation in suitable(message, channel, slots)} == expected


def test_nothing_fits_where_all_is_for_others() -> None:
    assert suitable(Message((Variation(text="a", channel="slack"),)), "facebook", {}) == []


async def test_a_text_is_never_blank_where_no_variation_fits() -> None:
    store = MessageStore(defaults={"en": {"k": '[{"text": "a", "channel": "slack"}]'}})
    assert await store.text("k", channel="facebook") == "a"


PLURAL = "{count, plural, =0 {No orders} one {# order} other {# orders}} for {name}"


@pytest.mark.parametrize(
    ("text", "locale", "values", "filled"),
    [
        (PLURAL, "en", {"count": 0, "name": "Asha"}, "No orders for Asha"),
        (PLURAL, "en", {"count": 1, "name": "Asha"}, "1 order for Asha"),
        (PLURAL, "en", {"count": "1200", "name": "Asha"}, "1,200 orders for Asha"),
        ("{n, plural, one {# plik} few {# pliki} many {# plików} other {# pliku}}", "pl", {"n": 3}, "3 pliki"),
        ("{n, plural, one {# plik} few {# pliki} many {# plików} other {# pliku}}", "pl", {"n": 5}, "5 plików"),
        ("{total, number}", "hi-IN", {"total": 1234567}, "12,34,567"),
        ("{total, number}", "de", {"total": Decimal("1234.5")}, "1.234,5"),
        ("{share, number, percent}", "en", {"share": 0.5}, "50%"),
        ("{day, date, long}", "en", {"day": date(2026, 11, 25)}, "November 25, 2026"),
        ("{day, date, long}", "en", {"day": "2026-11-25"}, "November 25, 2026"),
        ("{tier, select, gold {Dear} other {Hi}} {name}", "en", {"tier": "gold", "name": "A"}, "Dear A"),
        ("{n, plural, one {{name} has #} other {{name} have #}}", "en", {"n": 2, "name": "We"}, "We have 2"),
        ("It's {n, plural, one {one, isn't it} other {many '{'#'}'}}", "en", {"n": 1}, "It's one, isn't it"),
        # A value that is missing or none: the form stays, the rest is filled.
        (PLURAL, "en", {"count": "many", "name": "A"}, PLURAL.replace("{name}", "A")),
        (PLURAL, "en", {"name": "A"}, PLURAL.replace("{name}", "A")),
        ("{n, plural, one {the user''s} other {the users''}}!", "en", {"n": 2}, "the users'!"),
        ("{n, plural, other {'''{'''}}", "en", {"n": 2}, "'{'"),
        ("{n, plural, one {x}}", "en", {"n": 1}, "{n, plural, one {x}}"),
        ("{n, plural, one {x} other {y}", "en", {"n": 1}, "{n, plural, one {x} other {y}"),
        ("{n, number", "en", {"n": 1}, "{n, number"),
    ],
)
def test_plurals_and_numbers(text: str, locale: str, values: dict[str, Any], filled: str) -> None:
    pytest.importorskip("icu4py")
    assert Template.parse(text).fill(values, locale) == filled


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{n, plural, one {x}}", "other"),
        ("{n, plural, one x other {y}}", "cases"),
        ("{n, plural, one {x} other {y}", "brace"),
    ],
)
def test_a_form_that_cannot_be_used_says_why(text: str, mistake: str) -> None:
    pytest.importorskip("icu4py")
    assert mistake in Template.parse(text).groups[0].mistake()


NAMES = st.sampled_from(["a", "b", "count", "team", "größe", "order-id"])
VALUES = st.dictionaries(NAMES, st.one_of(st.text(max_size=5), st.integers(), st.floats(), st.none(), st.booleans()))


@given(text=st.text(alphabet="{}ab,. '#0plurotheone\n", max_size=60), values=VALUES)
@settings(max_examples=300)
def test_every_text_is_a_template_and_filling_never_raises(text: str, values: dict[str, Any]) -> None:
    for template in (Template.parse(text), Template.parse_rasa(text)):
        assert isinstance(template.fill(values), str)
        assert isinstance(template.fill_all(values), str)


HOSTILE = st.sampled_from(
    ["a.__class__", "a[0]", "a!r", "a:>5", "0", "", "a.b", "a]}.__class__.__init__.__globals__[b", "__class__.x", " a "]
)


@given(before=st.text(alphabet="xyz .", max_size=5), name=HOSTILE, after=st.text(alphabet="xyz .", max_size=5))
def test_hostile_names_stay_text(before: str, name: str, after: str) -> None:
    text = f"{before}{{{name}}}{after}"
    values = {"a": "SECRET", "b": "SECRET", "0": "SECRET"}
    assert Template.parse(text).fill(values) == text


@given(name=HOSTILE)
def test_hostile_names_reach_into_nothing_in_rasas_form_either(name: str) -> None:
    class Secret:
        password = "SECRET"

        def __str__(self) -> str:
            return "shown"

    assert "SECRET" not in Template.parse_rasa(f"{{{name}}}").fill_all({"a": Secret(), "b": Secret()})


@given(text=st.text(max_size=20), value=st.text(max_size=20))
def test_a_value_is_never_filled_again(text: str, value: str) -> None:
    assert Template.parse("{a}").fill({value.strip("{}"): text, "a": value}) == value


def test_rasas_form_leaves_everything_where_one_name_is_missing() -> None:
    template = Template.parse_rasa("{order id} is {state}")
    assert template.fill_all({"order id": 7}) == "{order id} is {state}"
    assert template.fill_all({"order id": 7, "state": None}) == "7 is None"
    assert Template.parse_rasa("{{a}} is text").fill_all({}) == "{a} is text"


async def test_an_element_is_filled_and_built() -> None:
    button = {"type": "BUTTON", "text": "Pay {sum}", "data": {"items": [_link("https://shop.example/{id}")]}}
    store = MessageStore(defaults={"en": {"pay": json.dumps(button), "hi": "Hello {name}", "rasa": FORMS[2]}})
    element = await store.element("pay", sum=7, id="x 1")
    assert isinstance(element, (Button, Text))
    assert element.text == "Pay 7"
    assert await store.element("hi", name="Asha") == Text("Hello Asha")
    with_buttons = await store.element("rasa")
    assert isinstance(with_buttons, Text)
    assert with_buttons.quick_replies[0].payload["gogo_message"] == "/order"


async def test_a_value_that_makes_a_link_unsafe_leaves_the_text(caplog: pytest.LogCaptureFixture) -> None:
    button = {"type": "BUTTON", "text": "Look", "data": {"items": [_link("{link}")]}}
    store = MessageStore(defaults={"en": {"k": json.dumps(button)}})
    assert isinstance(await store.element("k", link="shop.example/a"), Button)
    element = await store.element("k", link="javascript:alert(1)")
    assert isinstance(element, Text)
    assert element.text.startswith("Look")
    assert "'k'" in caplog.text


async def test_an_element_that_exists_nowhere_is_a_sentence() -> None:
    store = MessageStore()
    assert await store.find_element("nowhere") is None
    assert (await store.element("nowhere")).text == await store.text("haptik_message_missing")


def _link(url: str) -> dict[str, Any]:
    return {"actionable_text": "Open", "type": "APP_ACTION", "uri": "LINK", "payload": {"url": url}}


@pytest.mark.parametrize(
    ("slots", "metadata", "expected"),
    [
        ({"language_code": "hi"}, {"language_code": "en"}, "hi"),
        ({"language_code": None}, {"language_code": "en"}, "en"),
        ({}, {"user": {"language_code": "ta"}}, "ta"),
        (None, None, None),
        ({"language_code": 7}, {"user": "x"}, None),
    ],
)
def test_the_locale_of_a_conversation(slots: Any, metadata: Any, expected: str | None) -> None:
    assert locale_of(slots, metadata) == expected


def test_a_difference_of_structured_values_is_shown_line_by_line() -> None:
    before = msgspec.json.encode({"text": "a", "buttons": [{"title": "x"}]}).decode()
    changed = unified_diff(before, before.replace('"x"', '"y"'))
    assert '-      "title": "x"' in changed
    assert '+      "title": "y"' in changed
    assert unified_diff("a", "a") == ""
