"""Viber bots: the body of `send_message`.

Limits: creators.viber.com/docs/bots-api, "Send message", "Keyboards" and "Rich media"; captions as Infobip documents
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.validators._place import Place
from tests.validators._platform import OwnConnector

_ENVELOPE = ("receiver", "sender", "tracking_data", "min_api_version", "keyboard")
_LOOKS = (
    "BgColor", "BgMediaType", "BgMedia", "BgLoop", "Silent", "TextVAlign", "TextHAlign", "TextOpacity", "TextSize",
    "TextPaddings", "TextShouldFit", "TextBgGradientColor", "Frame", "OpenURLType", "OpenURLMediaType",
    "InternalBrowser", "ImageScaleType", "Map",
)  # fmt: skip
_NEEDS_VERSION_3 = frozenset({"location-picker", "share-phone"})


class Viber(OwnConnector):
    """One message for each payload. The app shows the keyboard that was sent last."""

    name = "viber"

    def check_wire(self, payloads: Sequence[Place]) -> None:
        super().check_wire(payloads)
        for payload in payloads[:-1]:
            if "keyboard" in payload:
                payload.refuse("the keyboard goes when a message without one follows")

    def bubble(self, text: Place) -> Place:
        return Place({"type": "text", "text": text.text()}, text.path)

    def payload(self, payload: Place) -> None:
        kind = payload["type"].one_of("text", "picture", "url", "rich_media", "contact", "location")
        version = payload["min_api_version"].whole(1, 8) if "min_api_version" in payload else 1
        if kind == "text":
            payload.has("type", "text", optional=_ENVELOPE)["text"].text(7000)
        elif kind == "picture":
            payload.has("type", "text", "media", optional=(*_ENVELOPE, "thumbnail"))["text"].text(512, blank=True)
            payload["media"].url(limit=2000)
        elif kind == "url":
            payload.has("type", "media", optional=_ENVELOPE)["media"].url(limit=2000)
        elif kind == "contact":
            contact = payload.has("type", "contact", optional=_ENVELOPE)["contact"].has("name", "phone_number")
            contact["name"].text(28)
            contact["phone_number"].text(18)
        elif kind == "rich_media":
            payload.has("type", "rich_media", optional=(*_ENVELOPE, "alt_text"))
            if version < 2:
                payload.refuse("rich media wants min_api_version 2")
            _rich_media(payload["rich_media"], version)
        for keyboard in payload.given("keyboard"):
            _keyboard(keyboard, version)


def _keyboard(keyboard: Place, version: int) -> None:
    keyboard.has("Type", "Buttons", optional=("DefaultHeight", "BgColor", "InputFieldState", "ButtonsGroupColumns"))
    keyboard["Type"].one_of("keyboard")
    buttons = keyboard["Buttons"].items(1)
    for button in buttons:
        _button(button, 6, 2, version)
    if sum(_cells(button, 6, 1) for button in buttons) > 6 * 24:
        keyboard.refuse("more than the 24 rows that the app shows")


def _rich_media(media: Place, version: int) -> None:
    media.has("Type", "Buttons", optional=("ButtonsGroupColumns", "ButtonsGroupRows", "BgColor"))
    media["Type"].one_of("rich_media")
    columns = media["ButtonsGroupColumns"].whole(1, 6) if "ButtonsGroupColumns" in media else 6
    rows = media["ButtonsGroupRows"].whole(1, 7) if "ButtonsGroupRows" in media else 7
    buttons = media["Buttons"].items(1, 6 * columns * rows)
    for button in buttons:
        _button(button, columns, rows, version)
        if button["ActionType"].value in _NEEDS_VERSION_3:
            button.refuse("only a keyboard asks for a place or a number")
    blocks = sum(_cells(button, columns, rows) for button in buttons) / (columns * rows)
    if blocks > 6:
        media.refuse(f"{blocks} cards where 6 are shown")


def _cells(button: Place, columns: int, rows: int) -> int:
    width: int = button["Columns"].value if "Columns" in button else columns
    height: int = button["Rows"].value if "Rows" in button else rows
    return width * height


def _button(button: Place, columns: int, rows: int, version: int) -> None:
    button.has("ActionType", optional=("ActionBody", "Columns", "Rows", "Text", "Image", *_LOOKS))
    kind = button["ActionType"].one_of("reply", "open-url", "location-picker", "share-phone", "none")
    if kind in _NEEDS_VERSION_3 and version < 3:
        button.refuse(f"{kind} wants min_api_version 3")
    body = button["ActionBody"]
    body.url("http", "https", "tel", "viber") if kind == "open-url" else body.text()
    for width in button.given("Columns"):
        width.whole(1, columns)
    for height in button.given("Rows"):
        height.whole(1, rows)
    if not button.given("Text", "Image", "BgMedia", "BgColor"):
        button.refuse("a button without a look")
    for text in button.given("Text"):
        text.text(250)
    for image in button.given("Image", "BgMedia"):
        image.url()
