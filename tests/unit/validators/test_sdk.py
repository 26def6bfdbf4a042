"""What is rendered, read by the platforms' own packages (the extra `validators`)."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import given, settings

from haptik_actions.hsl import Element
from haptik_actions.render import render
from tests.support.elements import elements
from tests.validators import Place, platform
from tests.validators.sdk import READINGS

URL = "https://example.org/a"


def reading(channel: str) -> Any:
    package, read = READINGS[channel]
    try:
        importlib.import_module(package)
    except ImportError:
        pytest.skip(f"no {package} here: the extra `validators` has it, on Python 3.11 and newer")
    return read


@pytest.mark.parametrize("channel", READINGS)
@settings(max_examples=20, derandomize=True)
@given(element=elements)
def test_the_platforms_package_reads_what_is_rendered(channel: str, element: Element) -> None:
    read = reading(channel)
    for payload in platform(channel).wire(render(element, channel).messages):
        read(payload)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("slack", {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}),
    ("slack", {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}, "colour": "red"}]}),
    (
        "line",
        {
            "type": "text",
            "text": "a",
            "quickReply": {"items": [{"type": "action", "action": {"type": "camera", "label": "a"}}] * 14},
        },
    ),
    ("line", {"type": "text", "text": "a", "buttons": []}),
    ("telegram", {"text": "a", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback": "b"}]]}}),
    ("telegram", {"photo": 1}),
    ("botframework", {"text": "a", "buttons": []}),
    (
        "botframework",
        {"attachments": [{"contentType": "application/vnd.microsoft.card.hero", "content": {"headline": "A"}}]},
    ),
    ("facebook", {"text": "a", "quick_replies": [{"content_type": "text", "title": "a", "payload": "x" * 1001}]}),
    ("facebook", {"attachment": {"payload": {"buttons": [{"type": "link", "title": "a", "url": URL}]}}}),
    ("instagram", {"attachment": {"payload": {"elements": [{"title": "a", "footer": "b"}]}}}),
    (
        "whatsapp",
        {
            "type": "interactive",
            "interactive": {"action": {"buttons": [{"type": "button", "reply": {"id": "a", "title": "b"}}]}},
        },
    ),
    ("viber", {"type": "text", "text": "a", "buttons": []}),
    ("viber", {"type": "picture", "text": "a"}),
]


@pytest.mark.parametrize(("channel", "payload"), BAD)
def test_the_platforms_package_refuses(channel: str, payload: dict[str, Any]) -> None:
    read = reading(channel)
    with pytest.raises((AssertionError, ValueError, TypeError)) as refused:
        read(Place(payload))
    assert str(refused.value)
