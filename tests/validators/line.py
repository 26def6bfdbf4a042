"""LINE Messaging API: message objects.

Limits: developers.line.biz, "Messaging API reference" and "Character counting in a text": UTF-16 units, but grapheme
clusters for labels, for the texts of actions and for the titles and texts of templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.validators._place import Place, graphemes, utf16
from tests.validators._platform import OwnConnector

_TAPS = ("postback", "message", "uri", "datetimepicker", "clipboard")
_RATIO = re.compile(r"[1-9]\d*(\.\d+)?:[1-9]\d*(\.\d+)?")


class Line(OwnConnector):
    """Messages one by one or as the body of a push or a reply, of which one answer may fill several."""

    name = "line"

    def check_wire(self, payloads: Sequence[Place]) -> None:
        super().check_wire(payloads)
        for payload in payloads[:-1]:
            if "quickReply" in payload:
                payload.refuse("quick replies are gone once another message follows")

    def payload(self, payload: Place) -> None:
        kind = payload["type"].one_of("text", "image", "video", "location", "template", "flex")
        if kind == "text":
            payload.has("type", "text", optional=("quickReply",))["text"].text(5000, utf16)
        elif kind == "image":
            payload.has("type", "originalContentUrl", "previewImageUrl", optional=("quickReply",))
            for url in payload.given("originalContentUrl", "previewImageUrl"):
                url.url("https", limit=2000)
        elif kind == "template":
            payload.has("type", "altText", "template", optional=("quickReply",))["altText"].text(400, utf16)
            _template(payload["template"])
        elif kind == "flex":
            payload.has("type", "altText", "contents", optional=("quickReply",))["altText"].text(400, utf16)
            _flex(payload["contents"])
        else:
            payload.refuse("no form for an element of HSL")
        for replies in payload.given("quickReply"):
            for item in replies.has("items")["items"].items(1, 13):
                item.has("type", "action", optional=("imageUrl",))["type"].one_of("action")
                _action(item["action"], 20, *_TAPS, "camera", "cameraRoll", "location")

    def bubble(self, text: Place) -> Place:
        return Place({"type": "text", "text": text.text()}, text.path)

    def custom(self, custom: Place) -> Iterator[Place]:
        if "messages" in custom:
            yield from custom.has("messages", optional=("to", "replyToken"))["messages"].items(1, 5)
        else:
            yield custom


def _action(action: Place, label: int, *kinds: str) -> None:
    kind = action["type"].one_of(*(kinds or _TAPS))
    action["label"].text(label, graphemes)
    if kind == "postback":
        action.has("type", "label", "data", optional=("displayText", "inputOption", "fillInText"))
        action["data"].text(300, utf16)
        for text in action.given("displayText", "fillInText"):
            text.text(300, graphemes)
    elif kind == "message":
        action.has("type", "label", "text")["text"].text(300, graphemes)
    elif kind == "uri":
        action.has("type", "label", "uri", optional=("altUri",))["uri"].url("http", "https", "line", "tel", limit=1000)
    elif kind == "clipboard":
        action.has("type", "label", "clipboardText")["clipboardText"].text(1000, utf16)
    elif kind == "datetimepicker":
        action.has("type", "label", "data", "mode", optional=("initial", "max", "min"))["data"].text(300, utf16)
        action["mode"].one_of("date", "time", "datetime")
    else:
        action.has("type", "label")


def _template(template: Place) -> None:
    kind = template["type"].one_of("buttons", "confirm", "carousel", "image_carousel")
    if kind == "buttons":
        _column(template, 4, 160, "type", "imageAspectRatio", "imageSize")
    elif kind == "confirm":
        template.has("type", "text", "actions")["text"].text(240, graphemes)
        for action in template["actions"].items(2, 2):
            _action(action, 20)
    elif kind == "carousel":
        _template_carousel(template)
    else:
        for column in template["columns"].items(1, 10):
            column.has("imageUrl", "action")["imageUrl"].url("https", limit=2000)
            _action(column["action"], 12)


def _column(column: Place, actions: int, text: int, *extras: str) -> None:
    optional = ("title", "thumbnailImageUrl", "defaultAction", "imageBackgroundColor", *extras)
    column.has("text", "actions", optional=optional)
    headed = column.given("title", "thumbnailImageUrl")
    column["text"].text(60 if headed else text, graphemes)
    for title in column.given("title"):
        title.text(40, graphemes)
    for image in column.given("thumbnailImageUrl"):
        image.url("https", limit=2000)
    for action in column["actions"].items(1, actions):
        _action(action, 20)
    for action in column.given("defaultAction"):
        action["type"].one_of("uri", "postback", "message")


def _template_carousel(template: Place) -> None:
    template.has("type", "columns", optional=("imageAspectRatio", "imageSize"))
    columns = template["columns"].items(1, 10)
    for column in columns:
        _column(column, 3, 120)
    shapes = {(len(column["actions"].value), "thumbnailImageUrl" in column, "title" in column) for column in columns}
    if len(shapes) > 1:
        template.refuse("columns differ in the number of actions, or in having an image or a title")


def _flex(contents: Place) -> None:
    if contents["type"].one_of("bubble", "carousel") == "bubble":
        _bubble(contents)
        return
    contents.has("type", "contents").within(50 * 1024)
    for bubble in contents["contents"].items(1, 12):
        bubble["type"].one_of("bubble")
        _bubble(bubble)


def _bubble(bubble: Place) -> None:
    bubble.has("type", optional=("size", "direction", "header", "hero", "body", "footer", "styles", "action"))
    bubble.within(30 * 1024)
    for size in bubble.given("size"):
        size.one_of("nano", "micro", "deca", "hecto", "kilo", "mega", "giga")
    blocks = bubble.given("header", "hero", "body", "footer")
    if not blocks:
        bubble.refuse("an empty bubble")
    for block in bubble.given("header", "body", "footer"):
        block["type"].one_of("box")
    for block in blocks:
        _component(block)
    for action in bubble.given("action"):
        _flex_action(action)


def _component(component: Place) -> None:
    kind = component["type"].one_of("box", "text", "button", "image", "separator", "filler")
    if kind == "box":
        component["layout"].one_of("vertical", "horizontal", "baseline")
        for child in component["contents"].items(0):
            _component(child)
    elif kind == "text":
        _flex_text(component)
    elif kind == "separator":
        component.has("type", optional=("margin", "color"))
    elif kind == "button":
        _action(component["action"], 40)
        for style in component.given("style"):
            style.one_of("primary", "secondary", "link")
    elif kind == "image":
        component["url"].url("https", limit=2000)
        for ratio in component.given("aspectRatio"):
            _ratio(ratio)
    for action in component.given("action"):
        _flex_action(action)


def _flex_text(text: Place) -> None:
    text["text"].text()
    for flex in text.given("flex"):
        flex.whole(0, 100)
    for align in text.given("align"):
        align.one_of("start", "end", "center")
    for weight in text.given("weight"):
        weight.one_of("regular", "bold")
    for size in text.given("size"):
        size.one_of("xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl")
    for wrap in text.given("wrap"):
        wrap.flag()


def _flex_action(action: Place) -> None:
    """Outside a button a label is optional, and it is what a screen reader says."""
    _action(Place({"label": "x", **action.value}, action.path), 40)


def _ratio(ratio: Place) -> None:
    """`width:height`; the height is at most three times the width."""
    if not _RATIO.fullmatch(ratio.text()):
        ratio.refuse("width:height is wanted")
    width, height = map(float, ratio.value.split(":"))
    if not (width <= 100_000 and height <= 100_000 and height <= 3 * width):
        ratio.refuse("a height of at most three widths")
