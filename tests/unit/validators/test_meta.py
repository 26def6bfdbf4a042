"""The validators of Messenger, Instagram and WhatsApp: what they accept, and what they refuse where."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.validators import platform

URL = "https://example.org/a"
FAMILY = "👨‍👩‍👧"


def chip(title: str = "Yes", payload: str = "yes") -> dict[str, Any]:
    return {"content_type": "text", "title": title, "payload": payload}


def postback(title: str = "Buy", payload: str = "buy") -> dict[str, Any]:
    return {"type": "postback", "title": title, "payload": payload}


def raw(payload: dict[str, Any]) -> dict[str, Any]:
    return {"json_message": payload}


def template(**payload: Any) -> dict[str, Any]:
    return raw({"attachment": {"type": "template", "payload": payload}})


def generic(*elements: dict[str, Any], **options: Any) -> dict[str, Any]:
    return template(template_type="generic", elements=list(elements), **options)


def button_template(*buttons: dict[str, Any], text: str = "Help?") -> dict[str, Any]:
    return template(template_type="button", text=text, buttons=list(buttons))


def interactive(kind: str, action: dict[str, Any], body: str = "Which?", **more: Any) -> dict[str, Any]:
    return raw({"type": "interactive", "interactive": {"type": kind, "body": {"text": body}, "action": action, **more}})


def reply_buttons(*titles: str) -> dict[str, Any]:
    buttons = [{"type": "reply", "reply": {"id": str(n), "title": title}} for n, title in enumerate(titles)]
    return {"buttons": buttons}


def quick_replies(title: str) -> dict[str, Any]:
    return {"buttons": [{"type": "quick_reply", "quick_reply": {"id": title, "title": title}}]}


def wa_list(*counts: int, title: str = "", **row: Any) -> dict[str, Any]:
    sections = [
        {
            "rows": [{"id": f"{s}.{n}", "title": "Row", **row} for n in range(count)],
            **({"title": title} if title else {}),
        }
        for s, count in enumerate(counts)
    ]
    return interactive("list", {"button": "Options", "sections": sections})


def wa_card(index: int, body: str = "A kurta", **action: Any) -> dict[str, Any]:
    link = {"name": "cta_url", "parameters": {"display_text": "Open", "url": URL}}
    header = {"type": "image", "image": {"link": URL}}
    return {
        "card_index": index,
        "type": "cta_url",
        "header": header,
        "body": {"text": body},
        "action": action or link,
    }


GOOD: list[tuple[str, list[dict[str, Any]]]] = [
    ("facebook", [{"text": "Hello"}]),
    ("facebook", [{"text": "x" * 2000}]),
    ("facebook", [{"text": "Size?", "quick_replies": [chip()] * 11}]),
    ("facebook", [{"text": "Size?", "buttons": [{"title": "S", "payload": "s"}] * 3}]),
    ("facebook", [{"image": URL}]),
    ("facebook", [raw({"text": "Size?", "quick_replies": [chip("x" * 20, "p" * 1000)] * 13})]),
    ("facebook", [raw({"text": "Phone?", "quick_replies": [{"content_type": "user_phone_number"}]})]),
    ("facebook", [button_template(postback(), {"type": "web_url", "title": "Open", "url": URL})]),
    ("facebook", [button_template({"type": "phone_number", "title": "Call", "payload": "+911140001234"})]),
    ("facebook", [generic({"title": "A", "subtitle": "b", "image_url": URL, "buttons": [postback()]})]),
    ("facebook", [generic({"title": "A", "image_url": URL}, image_aspect_ratio="square")]),
    ("facebook", [{"elements": [{"title": "A", "buttons": [{"title": "Buy", "payload": "buy"}]}]}]),
    ("facebook", [button_template(postback()), raw({"text": "More:", "quick_replies": [chip()]})]),
    ("instagram", [{"text": "a" * 1000}]),
    ("instagram", [raw({"recipient": {"id": "1"}, "message": {"text": "a"}})]),
    ("whatsapp", [{"text": "Hello"}]),
    ("whatsapp", [raw({"messaging_product": "whatsapp", "type": "text", "text": {"body": "x" * 4096}})]),
    ("whatsapp", [raw({"type": "image", "image": {"link": URL, "caption": "c" * 1024}})]),
    (
        "whatsapp",
        [interactive("button", reply_buttons("a", "b", "c"), header={"type": "image", "image": {"link": URL}})],
    ),
    ("whatsapp", [wa_list(4, 6, title="Tab")]),
    ("whatsapp", [interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": "Go", "url": URL}})]),
    ("whatsapp", [interactive("location_request_message", {"name": "send_location"})]),
    ("whatsapp", [interactive("carousel", {"cards": [wa_card(0), wa_card(1)]})]),
    ("whatsapp", [interactive("carousel", {"cards": [wa_card(n, **quick_replies(str(n))) for n in range(10)]})]),
    (
        "whatsapp",
        [
            raw(
                {
                    "type": "contacts",
                    "contacts": [{"name": {"formatted_name": "A", "first_name": "A"}, "phones": [{"phone": "+9"}]}],
                }
            )
        ],
    ),
]

BAD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("facebook", [{}], "[0]: a message that sends nothing"),
    ("facebook", [{"text": "One\n\n\n\nTwo"}], "[0].text, part 1: a text that shows nothing"),
    ("facebook", [{"text": "x" * 2001}], "2001 code points where 2000"),
    ("facebook", [{"text": "Hello", "reply_markup": {}}], "[0]: unknown members ['reply_markup']"),
    ("facebook", [{"text": "Size?", "quick_replies": [chip()] * 12}], "[0].quick_replies: 12 items"),
    ("facebook", [{"text": "Size?", "quick_replies": [{"title": "S"}]}], "[0].quick_replies[0]: payload is missing"),
    ("facebook", [{"buttons": [{"title": "S", "payload": "s"}]}], "[0]: text is missing"),
    ("facebook", [{"text": "Size?", "buttons": [{"title": "S", "payload": "s"}] * 4}], "[0].buttons: 4 items"),
    ("facebook", [raw({"text": "S?", "quick_replies": [chip()] * 14})], "json_message.quick_replies: 14 items"),
    ("facebook", [raw({"text": "S?", "quick_replies": [chip("x" * 21)]})], "quick_replies[0].title: 21 code points"),
    ("facebook", [raw({"text": "S?", "quick_replies": [chip(payload="p" * 1001)]})], "quick_replies[0].payload: 1001"),
    ("facebook", [raw({"text": "S?", "quick_replies": [{"content_type": "location"}]})], "content_type: one of"),
    ("facebook", [raw({"text": "S?", "quick_replies": [chip()]}), {"text": "then"}], "quick replies vanish"),
    ("facebook", [button_template(*[postback()] * 4)], "payload.buttons: 4 items"),
    ("facebook", [button_template(postback("x" * 21))], "payload.buttons[0].title: 21"),
    ("facebook", [button_template(postback(" "))], "payload.buttons[0].title: a text that shows nothing"),
    ("facebook", [button_template(postback(), text="x" * 641)], "payload.text: 641"),
    ("facebook", [button_template({"type": "web_url", "title": "a", "url": "example.org"})], "url: an address with"),
    (
        "facebook",
        [button_template({"type": "phone_number", "title": "a", "payload": "011 4000"})],
        "a phone number is +",
    ),
    ("facebook", [generic({"title": "Alone"})], "elements[0]: a card wants something beside its title"),
    ("facebook", [generic(*[{"title": "A", "subtitle": "b"}] * 11)], "elements: 11 items"),
    ("facebook", [generic({"title": "A" * 81, "subtitle": "b"})], "elements[0].title: 81"),
    ("facebook", [generic({"title": "A", "subtitle": ""})], "elements[0].subtitle: a text that shows nothing"),
    ("facebook", [generic({"title": "A", "subtitle": "b"}, image_aspect_ratio="1.77")], "image_aspect_ratio: one of"),
    ("instagram", [{"text": "न" * 334}], "1002 utf8 where 1000"),
    (
        "instagram",
        [button_template({"type": "phone_number", "title": "a", "payload": "+911140001234"})],
        "type: one of",
    ),
    ("instagram", [generic({"title": "A", "subtitle": "b"}, image_aspect_ratio="square")], "unknown members"),
    ("whatsapp", [interactive("button", reply_buttons("a", "a"))], "reply.title: twice the same"),
    ("whatsapp", [interactive("button", reply_buttons("a", "b", "c", "d"))], "action.buttons: 4 items"),
    ("whatsapp", [interactive("button", reply_buttons("x" * 21))], "reply.title: 21"),
    ("whatsapp", [interactive("button", reply_buttons(FAMILY * 5))], "reply.title: 25 code points"),
    ("whatsapp", [interactive("button", reply_buttons("a"), body="x" * 1025)], "body.text: 1025"),
    ("whatsapp", [interactive("button", reply_buttons("a"), body="\n")], "body.text: a text that shows nothing"),
    ("whatsapp", [wa_list(11)], "rows: 11 items"),
    ("whatsapp", [wa_list(5, 6, title="Tab")], "action: 11 rows where 10"),
    ("whatsapp", [wa_list(2, 2)], "sections[0]: title is missing"),
    ("whatsapp", [wa_list(1, description="x" * 73)], "description: 73"),
    ("whatsapp", [wa_list(1, description="")], "description: a text that shows nothing"),
    ("whatsapp", [wa_list(1, id="x" * 201)], "id: 201"),
    ("whatsapp", [interactive("carousel", {"cards": [wa_card(0)]})], "cards: 1 items"),
    ("whatsapp", [interactive("carousel", {"cards": [wa_card(0), wa_card(2)]})], "card_index: one of 1"),
    ("whatsapp", [interactive("carousel", {"cards": [wa_card(0), wa_card(1, **quick_replies("a"))]})], "the same kind"),
    ("whatsapp", [interactive("carousel", {"cards": [wa_card(0, "a\n\n\nb"), wa_card(1)]})], "two line breaks"),
    ("whatsapp", [raw({"type": "image", "image": {"link": "ftp://example.org"}})], "link: an address with http"),
    ("whatsapp", [raw({"type": "template", "template": {}})], "type: one of"),
]


@pytest.mark.parametrize(("channel", "messages"), GOOD)
def test_what_the_platform_takes_is_accepted(channel: str, messages: list[dict[str, Any]]) -> None:
    platform(channel).check(messages)


@pytest.mark.parametrize(("channel", "messages", "complaint"), BAD)
def test_what_the_platform_refuses_is_refused(channel: str, messages: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        platform(channel).check(messages)
