"""The validators of Telegram, LINE, Viber and RCS: what they accept, and what they refuse where."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.validators import platform

URL = "https://example.org/a"
FAMILY = "👨‍👩‍👧"


def raw(**payload: Any) -> dict[str, Any]:
    return {"json_message": payload}


def inline(*rows: list[dict[str, Any]], text: str = "Pick") -> dict[str, Any]:
    return raw(text=text, reply_markup={"inline_keyboard": list(rows)})


def tap(data: str = "yes", text: str = "Yes") -> dict[str, Any]:
    return {"text": text, "callback_data": data}


def html(text: str) -> dict[str, Any]:
    return raw(text=text, parse_mode="HTML")


def act(label: str = "Buy", **action: Any) -> dict[str, Any]:
    return {"type": "postback", "label": label, "data": "buy", **action}


def quick(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"items": [{"type": "action", "action": action} for action in actions]}


def line_template(**template: Any) -> dict[str, Any]:
    return raw(type="template", altText="Help", template=template)


def flex(contents: dict[str, Any], alt: str = "Help") -> dict[str, Any]:
    return raw(type="flex", altText=alt, contents=contents)


def bubble(*components: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "bubble", "body": {"type": "box", "layout": "vertical", "contents": list(components)}, **more}


def key(**members: Any) -> dict[str, Any]:
    return {"ActionType": "reply", "ActionBody": "yes", "Text": "Yes", "Columns": 6, "Rows": 1, **members}


def keyboard(*keys: dict[str, Any], **message: Any) -> dict[str, Any]:
    board = {"Type": "keyboard", "Buttons": list(keys)}
    return raw(**{"type": "text", "text": "Pick", "min_api_version": 3, "keyboard": board, **message})


def rich(*keys: dict[str, Any], version: int = 2, **media: Any) -> dict[str, Any]:
    content = {"Type": "rich_media", "ButtonsGroupColumns": 6, "ButtonsGroupRows": 7, "Buttons": list(keys), **media}
    return raw(type="rich_media", min_api_version=version, rich_media=content)


def suggestion(text: str = "Yes", **action: Any) -> dict[str, Any]:
    return {"action" if action else "reply": {"text": text, "postbackData": "yes", **action}}


def rcs_carousel(*contents: dict[str, Any], width: str = "SMALL") -> dict[str, Any]:
    return raw(richCard={"carouselCard": {"cardWidth": width, "cardContents": list(contents)}})


def media(height: str = "SHORT") -> dict[str, Any]:
    return {"height": height, "contentInfo": {"fileUrl": URL}}


GOOD: list[tuple[str, list[dict[str, Any]]]] = [
    ("telegram", [{"text": "One\n\nTwo"}, {"image": URL}]),
    ("telegram", [{"text": "Pick", "buttons": [{"title": "a", "payload": "न" * 21}] * 8}]),
    ("telegram", [{"text": "Pick", "buttons": [{"title": "a", "payload": "a"}] * 30, "button_type": "vertical"}]),
    ("telegram", [inline([tap(), {"text": "Site", "url": URL}])]),
    ("telegram", [html("<b>Kurta</b> &lt;3 &amp; <i><s>more</s></i>")]),
    ("telegram", [html("<b>" + "x" * 4096 + "</b>")]),
    ("telegram", [raw(photo=URL, caption="c" * 1024, reply_markup={"inline_keyboard": [[tap()]]})]),
    ("telegram", [raw(media=[{"type": "photo", "media": URL}] * 10)]),
    ("telegram", [raw(text="Where?", reply_markup={"keyboard": [[{"text": "Here", "request_location": True}]]})]),
    ("telegram", [raw(phone_number="+911140001234", first_name="Care")]),
    ("line", [{"text": "x" * 5000}]),
    (
        "line",
        [raw(messages=[{"type": "text", "text": "a"}, {"type": "text", "text": "b", "quickReply": quick(act())}])],
    ),
    ("line", [raw(type="image", originalContentUrl=URL, previewImageUrl=URL)]),
    ("line", [line_template(type="buttons", text="x" * 160, actions=[act(FAMILY * 20)] * 4)]),
    ("line", [line_template(type="carousel", columns=[{"text": "a", "title": "b", "actions": [act()]}] * 10)]),
    ("line", [flex(bubble({"type": "text", "text": "a"}, {"type": "button", "action": act("x" * 40)}))]),
    ("line", [flex({"type": "carousel", "contents": [bubble({"type": "text", "text": "a"}, size="micro")] * 12})]),
    ("line", [raw(type="text", text="Where?", quickReply=quick({"type": "location", "label": "Here"}))]),
    ("viber", [{"text": "x" * 7000}]),
    ("viber", [keyboard(key(), key(ActionType="location-picker"), key(ActionType="open-url", ActionBody=URL))]),
    ("viber", [rich(*[key(Rows=7)] * 6)]),
    ("viber", [raw(type="picture", text="", media=URL)]),
    ("rcs", [{"text": "x" * 3072}]),
    ("rcs", [raw(text="Pick", suggestions=[suggestion("x" * 25)] * 11)]),
    ("rcs", [raw(contentMessage={"text": "Where?", "suggestions": [suggestion(shareLocationAction={})]})]),
    ("rcs", [raw(text="Call", suggestions=[suggestion(dialAction={"phoneNumber": "+911140001234"})])]),
    ("rcs", [rcs_carousel({"title": "a", "media": media()}, {"title": "b", "suggestions": [suggestion()] * 4})]),
    ("gbm", [raw(contentInfo={"fileUrl": URL})]),
]

BAD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("telegram", [{"text": "x" * 4097}], "4097 code points"),
    ("telegram", [{"text": "Pick", "buttons": [{"title": "a", "payload": "a"}] * 9}], "inline_keyboard[0]: 9 items"),
    ("telegram", [{"text": "P", "buttons": [{"title": "a", "payload": "न" * 22}]}], "callback_data: 66 utf8"),
    (
        "telegram",
        [{"text": "P", "buttons": [{"title": "a", "payload": "a"}], "button_type": "list"}],
        "Rasa sends nothing",
    ),
    ("telegram", [inline([{"text": "Yes"}])], "exactly one of"),
    ("telegram", [inline([{**tap(), "url": URL}])], "exactly one of"),
    ("telegram", [inline([{"text": "Call", "url": "tel:+911"}])], "url: an address with http or https or tg"),
    ("telegram", [inline(*[[tap()]] * 101)], "101 buttons"),
    ("telegram", [inline(*[[tap("x" * 64, "y" * 90)]] * 80)], "where 10000 are allowed"),
    ("telegram", [html("2 < 3")], "a bare < or &"),
    ("telegram", [html("a & b")], "a bare < or &"),
    ("telegram", [html("<b>bold")], "<b> is not closed"),
    ("telegram", [html("<b><i>a</b></i>")], "</b> closes nothing"),
    ("telegram", [html("<script>x</script>")], "<script> is not supported"),
    ("telegram", [html("caf&eacute;")], "&eacute; is not supported"),
    ("telegram", [html("<b></b>")], "a text that shows nothing"),
    ("telegram", [raw(text="a", parse_mode="Markdown")], "parse_mode: one of 'HTML'"),
    ("telegram", [raw(photo=URL, text="a", reply_markup={})], "unknown members ['photo']"),
    ("telegram", [raw(photo=URL, caption="c" * 1025)], "caption: 1025"),
    ("telegram", [raw(media=[{"type": "photo", "media": URL}])], "media: 1 items"),
    ("telegram", [{"elements": [{"title": "a"}]}], "takes elements apart"),
    ("line", [{"text": "😀" * 2501}], "5002 utf16"),
    ("line", [raw(messages=[{"type": "text", "text": "a"}] * 6)], "messages: 6 items"),
    ("line", [raw(type="text", text="a", quickReply=quick(*[act()] * 14))], "items: 14 items"),
    ("line", [raw(type="text", text="a", quickReply=quick(act())), {"text": "b"}], "quick replies are gone"),
    ("line", [line_template(type="buttons", text="x" * 161, actions=[act()])], "text: 161 graphemes"),
    ("line", [line_template(type="buttons", text="x" * 61, title="t", actions=[act()])], "text: 61 graphemes"),
    ("line", [line_template(type="buttons", text="x", actions=[act()] * 5)], "actions: 5 items"),
    ("line", [line_template(type="buttons", text="x", actions=[act("x" * 21)])], "label: 21 graphemes"),
    ("line", [line_template(type="buttons", text="x", actions=[act(data="d" * 301)])], "data: 301 utf16"),
    (
        "line",
        [line_template(type="carousel", columns=[{"text": "a", "actions": [act()] * n} for n in (1, 2)])],
        "columns differ",
    ),
    ("line", [flex(bubble({"type": "text", "text": ""}))], "text: a text that shows nothing"),
    ("line", [flex(bubble({"type": "button", "action": act("x" * 41)}))], "label: 41 graphemes"),
    ("line", [flex(bubble({"type": "image", "url": "http://example.org"}))], "url: an address with https"),
    ("line", [flex(bubble({"type": "image", "url": URL, "aspectRatio": "1:4"}))], "at most three widths"),
    ("line", [flex({"type": "carousel", "contents": [bubble({"type": "separator"})] * 13})], "contents: 13 items"),
    ("line", [flex(bubble({"type": "separator"}), "x" * 401)], "altText: 401"),
    ("viber", [keyboard(key(Columns=7))], "Columns: an integer from 1 to 6"),
    ("viber", [keyboard(*[key()] * 25)], "more than the 24 rows"),
    ("viber", [keyboard(key(ActionType="location-picker"), min_api_version=1)], "wants min_api_version 3"),
    ("viber", [keyboard(key(Text="x" * 251))], "Text: 251"),
    ("viber", [keyboard(key()), {"text": "then"}], "the keyboard goes"),
    ("viber", [keyboard(key(ActionType="open-url", ActionBody="example.org"))], "ActionBody: an address"),
    ("viber", [rich(key(), version=1)], "min_api_version 2"),
    ("viber", [rich(*[key(Rows=7)] * 7)], "7.0 cards where 6"),
    ("viber", [raw(type="picture", text="x" * 513, media=URL)], "text: 513"),
    ("rcs", [raw(text="Pick", suggestions=[suggestion()] * 12)], "suggestions: 12 items"),
    ("rcs", [raw(text="Pick", suggestions=[suggestion("x" * 26)])], "text: 26"),
    ("rcs", [raw(text="Pick", suggestions=[suggestion(dialAction={"phoneNumber": "011 40"})])], "E.164"),
    ("rcs", [raw(text="Pick", suggestions=[suggestion()]), {"text": "then"}], "suggestions below a message"),
    ("rcs", [rcs_carousel({"title": "a"})], "cardContents: 1 items"),
    ("rcs", [rcs_carousel({"title": "a", "media": media("TALL")}, {"title": "b"})], "height: one of"),
    ("rcs", [rcs_carousel({"title": "a" * 201}, {"title": "b"})], "title: 201"),
    ("rcs", [rcs_carousel({"title": "a", "suggestions": [suggestion()] * 5}, {"title": "b"})], "suggestions: 5 items"),
    ("rcs", [raw(text="a", richCard={})], "exactly one of"),
]


@pytest.mark.parametrize(("channel", "messages"), GOOD)
def test_what_the_platform_takes_is_accepted(channel: str, messages: list[dict[str, Any]]) -> None:
    platform(channel).check(messages)


@pytest.mark.parametrize(("channel", "messages", "complaint"), BAD)
def test_what_the_platform_refuses_is_refused(channel: str, messages: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(complaint)):
        platform(channel).check(messages)
