"""Makes an HSL element of the fields of the page's composer: what an agent can send besides text.

Source: Haptik's documentation, HSL: Text with quick replies, Button, Carousel. Written by hand, so that sandbox and
`haptik_actions.hsl` cannot share a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from haptik_actions.errors import ConfigurationError

__all__ = ["compose"]

_FIELDS = ("replies", "buttons", "image", "cards", "hsl")
_ADDRESS = re.compile(r"\s+(https?://\S+)\s*\Z")


def compose(form: Mapping[str, str]) -> str | dict[str, Any]:
    """Return the text of the form, or the element that its one other field stands for.

    `replies` and `buttons` are labels between `|`; a label with an address behind it is a button that opens it. `image`
    is an address; `cards` has one line a card: title, subtitle, address of an image, label of a button, between `|`.
    `hsl` is an element as JSON. `ConfigurationError` where two of them are filled in or one does not fit.
    """
    # A browser sends every line end as "\r\n".
    text = form.get("text", "").replace("\r\n", "\n")
    given = [name for name in _FIELDS if form.get(name, "").strip()]
    if len(given) > 1:
        raise ConfigurationError(f"answer: {' and '.join(given)} do not fit into one message. Send them one by one")
    if not given:
        return text
    return _WAYS[given[0]](text.strip(), form[given[0]].strip())


def _replies(text: str, labels: str) -> dict[str, Any]:
    if not text:
        raise ConfigurationError("answer: quick replies need a text above them. Write it")
    replies = [_tap(label, "TEXT_ONLY") for label in _parts(labels)]
    return {"text": text, "type": "TEXT", "data": {"quick_replies": replies}}


def _buttons(text: str, labels: str) -> dict[str, Any]:
    if not text:
        raise ConfigurationError("answer: buttons need a text above them. Write it")
    return {"text": text, "type": "BUTTON", "data": {"items": [_button(label) for label in _parts(labels)]}}


def _image(text: str, address: str) -> dict[str, Any]:
    return _carousel(text, [{"thumbnail": {"image": _http(address)}, "actionables": []}])


def _cards(text: str, lines: str) -> dict[str, Any]:
    return _carousel(text, [_card(line) for line in lines.splitlines() if line.strip()])


def _card(line: str) -> dict[str, Any]:
    title, subtitle, image, button = ([part.strip() for part in line.split("|", 3)] + [""] * 3)[:4]
    card: dict[str, Any] = {"title": title, "sub_title": subtitle, "description": ""}
    if image:
        card["thumbnail"] = {"image": _http(image)}
    return {**card, "actionables": [_button(button)] if button else []}


def _hsl(text: str, raw: str) -> dict[str, Any]:
    if text:
        raise ConfigurationError("answer: the JSON says its own text. Leave the text above it empty")
    try:
        element = msgspec.json.decode(raw.encode("utf-8", "replace"), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"answer: this is not an element as JSON ({error}). Check its brackets") from error
    return element


_WAYS = {"replies": _replies, "buttons": _buttons, "image": _image, "cards": _cards, "hsl": _hsl}


def _carousel(text: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"text": text, "type": "CAROUSEL", "data": {"image_aspect_ratio": 1.77, "width": "FAT", "items": items}}


def _button(label: str) -> dict[str, Any]:
    address = _ADDRESS.search(label)
    if address is None:
        return _tap(label, "TEXT_ONLY")
    tap = _tap(label[: address.start()], "APP_ACTION", uri="LINK")
    return {**tap, "payload": {"message": "", "url": address[1], "gogo_message": ""}}


def _tap(label: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "actionable_text": label,
        "location_required": False,
        "is_default": 0,
        "type": kind,
        **more,
        "payload": {"message": label, "gogo_message": ""},
    }


def _parts(labels: str) -> list[str]:
    return [label.strip() for label in labels.split("|") if label.strip()]


def _http(address: str) -> str:
    if not re.match(r"https?://\S+\Z", address):
        raise ConfigurationError(f"answer: {address!r} is no address of an image. Write one that begins with https://")
    return address
