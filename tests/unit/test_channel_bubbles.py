"""What a bot says in Rasa, as Haptik's users read it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.channel._haptik_bubbles import bubbles
from haptik_actions.hsl import Actionable, Button, Card, Carousel, Image, Text, parse
from haptik_actions.render import Copy, render
from tests.support.elements import elements

YES = Actionable.reply("Yes", "Yes", "/affirm")
CHOOSE = Copy.default().choose
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shown(message: dict[str, Any]) -> list[Any]:
    """Texts as they are, and elements as elements."""
    return [parse(json.loads(one)) if one.startswith("{") else one for one in bubbles(message)]


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"text": "Hello"}, ["Hello"]),
        ({"text": "Hello\nyou\n\n\n\nAnd now?\n\n"}, ["Hello\nyou", "And now?"]),
        ({"text": " "}, []),
        ({}, []),
        # What the platform would take for an element is said as a text.
        ({"text": '{"order": 1}'}, [Text('{"order": 1}')]),
        ({"text": "{hello"}, [Text("{hello")]),
        ({"text": "Sure?", "buttons": [{"title": "Yes", "payload": "/affirm"}]}, [Text("Sure?", [YES])]),
        ({"text": "A\n\nB", "quick_replies": [{"title": "Yes", "payload": "/affirm"}]}, ["A", Text("B", [YES])]),
        ({"text": "Sure?", "buttons": [{"title": "Yes"}]}, [Text("Sure?", [Actionable.reply("Yes")])]),
        ({"buttons": [{"title": "Yes", "payload": "/affirm"}]}, [Text(CHOOSE, [YES])]),
        (
            {"text": "Go", "buttons": [{"title": "Shop", "type": "web_url", "url": "https://example.org"}]},
            [Button("Go", [Actionable.link("Shop", "https://example.org")])],
        ),
        ({"text": "Go", "buttons": [{"title": "", "payload": ""}, "no button"]}, ["Go"]),
        ({"image": "https://example.org/a.png"}, [Image.of("https://example.org/a.png")]),
        ({"image": "javascript:alert(1)"}, ["javascript:alert(1)"]),
        ({"attachment": "https://example.org/a.pdf"}, ["https://example.org/a.pdf"]),
        (
            {"attachment": {"type": "image", "payload": {"src": "https://example.org/a.png"}}},
            [Image.of("https://example.org/a.png")],
        ),
        (
            {"attachment": {"type": "video", "payload": {"url": "https://example.org/a.mp4"}}},
            ["https://example.org/a.mp4"],
        ),
        (
            {"elements": [{"title": "T", "subtitle": "S", "buttons": [{"title": "Yes", "payload": "/affirm"}]}, 7]},
            [Carousel([Card(title="T", sub_title="S", actionables=[YES])])],
        ),
        ({"custom": Text("Hi", [YES]).to_hsl()}, [Text("Hi", [YES])]),
        ({"custom": [Text("Hi", [YES]).to_hsl(), {"text": "plain"}]}, [Text("Hi", [YES]), "plain"]),
        ({"text": "A", "custom": Text("Hi", [YES]).to_hsl()}, ["A", Text("Hi", [YES])]),
        ({"text": json.dumps(Text("Hi", [YES]).to_hsl())}, [Text("Hi", [YES])]),
        (
            {"text": json.dumps(Text("Hi").to_hsl()), "buttons": [{"title": "Yes", "payload": "/affirm"}]},
            [Text("Hi"), Text(CHOOSE, [YES])],
        ),
    ],
)
def test_each_kind_of_message(message: dict[str, Any], wanted: list[Any]) -> None:
    assert shown(message) == wanted


def test_an_element_that_this_library_would_not_build_is_sent_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    odd = {"type": "BUTTON", "text": "Where to?", "data": {"items": []}, "mine": 1}
    with caplog.at_level(logging.WARNING):
        [sent] = bubbles({"custom": odd})
    assert json.loads(sent) == odd
    assert "data.items" in caplog.text
    assert "Where to?" not in caplog.text


def test_what_is_for_another_channel_is_left_out_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    assert bubbles({"text": "Hello", "custom": {"blocks": [{"secret": 1}]}}) == ["Hello"]
    assert "no element of HSL" in caplog.text
    assert "secret" not in caplog.text


@given(elements)
def test_every_element_passes_as_it_is(element: Any) -> None:
    assert bubbles({"custom": element.to_hsl()}) == [
        json.dumps(element.to_hsl(), ensure_ascii=False, separators=(",", ":"))
    ]
    # As actions of this library say it on this channel.
    [said] = render(element, "haptik").messages
    assert [json.loads(one) for one in bubbles(dict(said))] == [element.to_hsl()]


NAMES = ["text", "buttons", "quick_replies", "custom", "image", "attachment", "elements"]
BUTTON = st.dictionaries(st.sampled_from(["title", "payload", "url", "type"]), JSON, max_size=4)
PART = JSON | st.lists(BUTTON, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "data", "url"]), JSON)


@given(st.dictionaries(st.sampled_from(NAMES), PART))
def test_no_message_costs_the_turn(message: dict[str, Any]) -> None:
    for one in bubbles(message):
        assert isinstance(one, str)
        assert one.strip()
