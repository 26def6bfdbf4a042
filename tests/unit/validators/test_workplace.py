"""The validators of chats at work, web pages, voice, text and Haptik: what they accept, and what they refuse where."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.validators import platform

URL = "https://example.org/a"
YES = {"title": "Yes", "payload": "yes"}
HERO = "application/vnd.microsoft.card.hero"
ADAPTIVE = "application/vnd.microsoft.card.adaptive"


def raw(**payload: Any) -> dict[str, Any]:
    return {"json_message": payload}


def blocks(*blocks: dict[str, Any], text: str = "Pick") -> dict[str, Any]:
    return raw(text=text, blocks=list(blocks))


def section(text: str = "Pick", kind: str = "mrkdwn", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}, **more}


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def press(text: str = "Yes", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), "value": "yes", **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def menu(count: int, value: str = "") -> dict[str, Any]:
    options = [{"text": plain(f"Row {number}"), "value": value or str(number)} for number in range(count)]
    return {"type": "static_select", "placeholder": plain("Options"), "options": options}


def hero(**content: Any) -> dict[str, Any]:
    return raw(attachments=[{"contentType": HERO, "content": {"title": "A", **content}}])


def back(**more: Any) -> dict[str, Any]:
    return {"type": "messageBack", "title": "Buy", "text": "buy", "displayText": "Buy", **more}


def adaptive(*actions: dict[str, Any], version: str = "1.3") -> dict[str, Any]:
    card = {"type": "AdaptiveCard", "version": version, "body": [{"type": "TextBlock", "text": "A"}]}
    return {"contentType": ADAPTIVE, "content": {**card, "actions": list(actions)}}


def webchat(*elements: dict[str, Any]) -> dict[str, Any]:
    payload = {"template_type": "generic", "elements": list(elements)}
    return raw(data={"attachment": {"type": "template", "payload": payload}})


def widgets(*widgets: dict[str, Any]) -> dict[str, Any]:
    return raw(cards=[{"sections": [{"widgets": list(widgets)}]}])


OPEN = {"type": "openUrl", "title": "Open", "value": URL}
SUBMIT = {"type": "Action.Submit", "title": "Go", "data": {"msteams": {"type": "messageBack", "text": "go"}}}
CARD = {"title": "A", "image_url": URL, "buttons": [{"type": "postback", **YES}]}

PARAGRAPH = {"textParagraph": {"text": "A"}}

GOOD: list[tuple[str, list[dict[str, Any]]]] = [
    ("slack", [{"text": "One &lt;3\n\n<https://example.org|Two>"}, {"image": URL}]),
    ("slack", [{"text": "Pick", "buttons": [YES] * 5}]),
    ("slack", [blocks(section("x" * 3000), actions(*[press("x" * 75)] * 25), {"type": "divider"})]),
    ("slack", [blocks(section(accessory={"type": "image", "image_url": URL, "alt_text": "A"}), actions(menu(100)))]),
    ("slack", [blocks(section("<tel:+911140001234|Call>"), {"type": "context", "elements": [plain("a")]})]),
    (
        "slack",
        [blocks({"type": "carousel", "elements": [{"type": "card", "title": plain("A"), "actions": [press()]}]})],
    ),
    ("botframework", [{"text": "Pick", "buttons": [back(), OPEN]}]),
    ("botframework", [raw(attachmentLayout="carousel", attachments=hero()["json_message"]["attachments"] * 10)]),
    ("botframework", [raw(text="A", attachments=[adaptive(SUBMIT, version="1.5")])]),
    (
        "botframework",
        [raw(text="A", suggestedActions={"actions": [{"type": "imBack", "title": "a", "value": "a"}] * 3})],
    ),
    ("mattermost", [{"text": "x" * 16_383, "buttons": [YES]}, {"image": URL}]),
    ("mattermost", [raw(message="", props={"attachments": [{"title": "A", "text": "b", "image_url": URL}]})]),
    ("rocketchat", [{"text": "Pick", "buttons": [YES]}, {"elements": [{"title": "A", "image_url": URL}]}]),
    ("rocketchat", [raw(text="A", attachments=[{"actions": [{"type": "button", "text": "Open", "url": URL}]}])]),
    ("webexteams", [{"text": "x" * 7439}, {"image": URL}]),
    ("webexteams", [raw(text="A", attachments=[adaptive({"type": "Action.OpenUrl", "title": "Open", "url": URL})])]),
    ("hangouts", [{"text": "Pick", "buttons": [YES]}, {"text": "Then"}, {"image": URL}]),
    ("hangouts", [widgets({"buttons": [{"textButton": {"text": "A", "onClick": {"openLink": {"url": URL}}}}]})]),
    ("socketio", [{"text": "One\n\nTwo", "buttons": [YES] * 30}, webchat(CARD)]),
    ("socketio", [{"attachment": {"type": "image", "payload": {"src": URL, "title": "A"}}}]),
    ("rest", [{"text": "Pick", "buttons": [YES], "json_message": {"hsl": {"type": "CAROUSEL"}}, "image": URL}]),
    ("callback", [{"elements": [{"title": "A", "subtitle": "b", "buttons": [YES]}]}]),
    ("twilio", [{"text": "x" * 1600}, {"image": URL}, raw(body="A", media_url=[URL])]),
    ("twilio", [raw(content_sid="HX" + "0" * 32, content_variables='{"1": "Pick"}')]),
    ("twilio_voice", [{"text": "You can say yes, or no."}]),
    ("voice", [{"text": "न" * 1365}]),
    ("text", [{"text": "1. Yes\n2. No"}, {"image": URL}]),
    ("haptik", [raw(type="TEXT", text="Hi", data={"quick_replies": []}), raw(type="HOLOGRAM", data={"a": 1})]),
    ("haptik", [raw(type="FORM", title="A", data={"fields": [{"key": "City", "type": "text", "order": 0}]})]),
]

BAD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("slack", [{"text": "<!channel> hi"}], "an unescaped <, > or &"),
    ("slack", [{"text": "R&D"}], "an unescaped <, > or &"),
    ("slack", [{"text": "Pick", "buttons": [YES] * 6}], "buttons: 6 items"),
    ("slack", [raw(blocks=[section()])], "text is missing"),
    ("slack", [blocks(*[section()] * 51)], "blocks: 51 items"),
    ("slack", [blocks(section("x" * 3001))], "text.text: 3001"),
    ("slack", [blocks(section(""))], "text.text: a text that shows nothing"),
    ("slack", [blocks(actions(*[press()] * 26))], "elements: 26 items"),
    ("slack", [blocks(actions(press("x" * 76)))], "text.text: 76"),
    ("slack", [blocks(actions(press(value="x" * 2001)))], "value: 2001"),
    ("slack", [blocks(actions(press(action_id="a"), press(action_id="a")))], "action_id: twice the same"),
    ("slack", [blocks(actions({"type": "button", "text": plain("A")}))], "a button that does nothing"),
    ("slack", [blocks(actions(menu(101)))], "options: 101 items"),
    ("slack", [blocks(actions(menu(1, "v" * 151)))], "value: 151"),
    ("slack", [blocks({"type": "image", "image_url": URL})], "alt_text is missing"),
    ("slack", [blocks({"type": "header", "text": plain("x" * 151)})], "text.text: 151"),
    ("slack", [blocks({"type": "carousel", "elements": [{"type": "card"}]})], "an empty card"),
    ("botframework", [{"text": "Pick", "buttons": [YES]}], "buttons[0]: type is missing"),
    ("botframework", [{"text": "Pick", "buttons": [OPEN] * 7}], "buttons: 7 items"),
    ("botframework", [hero(buttons=[{"type": "postBack", "title": "a", "value": "a"}])], "type: one of"),
    ("botframework", [hero(buttons=[back(text=" ")])], "text: a text that shows nothing"),
    ("botframework", [raw(attachments=hero()["json_message"]["attachments"] * 11)], "attachments: 11 items"),
    (
        "botframework",
        [raw(text="A", attachments=[adaptive({"type": "Action.Submit", "title": "Go", "data": {}})])],
        "msteams",
    ),
    ("botframework", [hero(text="x" * 30_000)], "where 28672 are allowed"),
    ("botframework", [raw(text="")], "text: a text that shows nothing"),
    ("mattermost", [raw(props={"attachments": [{"actions": [{"name": "A"}]}]})], "only `buttons` gets"),
    ("mattermost", [{"text": "Pick", "buttons": [{"title": " ", "payload": "a"}]}], "title: a text that shows nothing"),
    ("rocketchat", [raw(attachments=[{"title": "A"}])], "text is missing"),
    ("rocketchat", [{"text": "x" * 5001}], "text: 5001"),
    ("webexteams", [{"text": "न" * 2480}], "7440 utf8"),
    ("webexteams", [{"text": "Pick", "buttons": [YES]}], "would print the payloads"),
    ("webexteams", [raw(text="A", attachments=[adaptive(SUBMIT)])], "does not read what a card submits"),
    ("webexteams", [raw(text="A", attachments=[adaptive(version="1.5")])], "version: one of"),
    ("hangouts", [{"elements": [CARD]}], "NotImplementedError"),
    ("hangouts", [raw(text="A", cards=[])], "exactly one of"),
    (
        "hangouts",
        [raw(cards=[{"header": {"subtitle": "b"}, "sections": [{"widgets": [PARAGRAPH]}]}])],
        "title is missing",
    ),
    ("hangouts", [raw(cards=[{"sections": [{"widgets": [PARAGRAPH]}]}] * 101)], "101 items"),
    ("hangouts", [{"text": "x" * 20_000}, {"text": "y" * 20_000}], "the turn: 40013 bytes"),
    ("socketio", [{"elements": [CARD]}], "one object where rasa-webchat wants a list"),
    ("socketio", [raw(text="A")], "unknown members ['text']"),
    ("socketio", [raw(data={"text": "A", "buttons": []})], "unknown members ['buttons']"),
    ("socketio", [webchat()], "elements: 0 items"),
    ("socketio", [webchat({"title": "A", "buttons": [{"type": "web_url", "title": "a"}]})], "url is missing"),
    ("rest", [{"text": "Pick", "buttons": [{"title": "Yes"}]}], "payload is missing"),
    ("rest", [{"buttons": [YES]}], "text is missing"),
    ("twilio", [{"text": "x" * 1601}], "body: 1601"),
    ("twilio", [{"text": "Pick", "buttons": [YES]}], "would print the payloads"),
    ("twilio", [raw(content_sid="HX12")], "no identifier of a content template"),
    ("twilio_voice", [raw(text="Hi")], "would print JSON"),
    ("twilio_voice", [{"image": URL}], "an image is not spoken"),
    ("twilio_voice", [{"text": "न" * 1366}], "4098 utf8"),
    ("twilio_voice", [{"text": "ring \x07"}], "a character that XML, and so TwiML, cannot hold"),
    ("text", [raw(text="Hi")], "would print JSON"),
    ("text", [{"text": "Pick", "buttons": [YES]}], "would print the payloads"),
    ("text", [{"text": "\ud83d"}], "half a surrogate pair"),
    ("haptik", [raw(type="BUTTON", text="", data={"items": []})], "text: a text that shows nothing"),
    (
        "haptik",
        [raw(type="CAROUSEL", text="", data={"items": [{"actionables": [{"payload": {}}]}]})],
        "actionable_text",
    ),
    ("haptik", [raw(type="FORM", title="A", data={"fields": [{"key": "City", "type": "map"}]})], "type: one of"),
]


@pytest.mark.parametrize(("channel", "messages"), GOOD)
def test_what_the_platform_takes_is_accepted(channel: str, messages: list[dict[str, Any]]) -> None:
    platform(channel).check(messages)


@pytest.mark.parametrize(("channel", "messages", "complaint"), BAD)
def test_what_the_platform_refuses_is_refused(channel: str, messages: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        platform(channel).check(messages)
