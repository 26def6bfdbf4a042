"""What a bot says in Rasa, as strings of Haptik's `response`: text, or an element of HSL as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from haptik_actions._log import get_logger
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Actionable, Button, Card, Carousel, Element, Image, Text, parse
from haptik_actions.render import Copy, render

__all__ = ["bubbles"]

logger = get_logger(__name__)


def bubbles(message: Mapping[str, object]) -> list[str]:
    """Return the strings that show one message of Rasa, in Rasa's own order; none where it shows nothing.

    An element of HSL passes as it is, as `custom` or as a `text` that is its JSON. Text is one bubble for each
    paragraph, as on Rasa's other channels. Buttons become quick replies, or buttons where one of them is a link; an
    image, cards and an attachment become elements.
    """
    return [*_text(message), *_custom(message.get("custom")), *_pictures(message), *_cards(message)]


def _text(message: Mapping[str, object]) -> Iterator[str]:
    text = message.get("text")
    buttons = [*_buttons(message.get("quick_replies") or message.get("buttons"))]
    if not isinstance(text, str) or not text.strip():
        # Rasa's other channels need a text above buttons, too; these have one of the package.
        parts = [Copy.default().choose] if buttons else []
    elif (element := _object(text)) is not None:
        yield from _custom(element)
        parts = [Copy.default().choose] if buttons else []
    else:
        parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    for part in parts[:-1] if buttons else parts:
        yield _string(Text(part))
    if buttons:
        yield _string(_with_buttons(parts[-1], buttons))


def _with_buttons(text: str, buttons: Sequence[Actionable]) -> Element:
    return Text(text, buttons) if all(button.type == "TEXT_ONLY" for button in buttons) else Button(text, buttons)


def _buttons(buttons: object) -> Iterator[Actionable]:
    for button in buttons if isinstance(buttons, (list, tuple)) else ():
        if not isinstance(button, Mapping):
            continue
        try:
            yield _button(button)
        except InvalidElement as mistake:
            logger.error("A button cannot be shown on Haptik and is left out; see its %s.", mistake.path)


def _button(button: Mapping[str, object]) -> Actionable:
    title, payload, url = (str(button.get(name) or "") for name in ("title", "payload", "url"))
    if url or button.get("type") in ("web_url", "url"):
        return Actionable.link(title or url, url or payload)
    # The chat shows the label, and what comes back is the payload.
    said = payload or title
    return Actionable.reply(title or said, title or said, None if said == title else said)


def _custom(custom: Any) -> Iterator[str]:
    for one in custom if isinstance(custom, (list, tuple)) else [custom] if custom else []:
        if _has_type(one):
            yield from _element(one)
        elif isinstance(one, Mapping) and isinstance(one.get("text"), str) and one["text"].strip():
            yield _string(Text(one["text"]))
        else:
            logger.error("A custom message cannot be shown on Haptik and is left out: it is no element of HSL.")


def _object(text: str) -> Mapping[str, Any] | None:
    """The element that a text holds as JSON, as the conversion for Haptik writes it; None where it is a text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if _has_type(found) else None


def _has_type(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("type"), str) and bool(value["type"].strip())


def _element(value: Mapping[str, object]) -> Iterator[str]:
    """An element as it is, also one that this library would not build: the platform reads more than it documents."""
    try:
        yield _json(parse(value).to_hsl())
    except InvalidElement as mistake:
        logger.warning("Haptik may not show an element as it is meant: see its %s.", mistake.path or "top")
        raw = _json(value)
        yield from [raw] if raw else _text({"text": value.get("text")})


def _json(value: Mapping[str, object]) -> str:
    """The object as a string; empty where it is no JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return ""


def _pictures(message: Mapping[str, object]) -> Iterator[str]:
    if image := _address(message.get("image")):
        yield _picture(image)
    attachment = message.get("attachment")
    if address := _address(attachment):
        is_image = isinstance(attachment, Mapping) and attachment.get("type") == "image"
        yield _picture(address) if is_image else _string(Text(address))


def _picture(address: str) -> str:
    try:
        return _string(Image.of(address))
    except InvalidElement:
        return _string(Text(address))


def _address(value: object) -> str:
    """The address in what Rasa calls an image or an attachment: itself, or a member of it or of its `payload`."""
    if isinstance(value, Mapping):
        inner = value.get("payload")
        places = (value, inner) if isinstance(inner, Mapping) else (value,)
        value = next((place[key] for place in places for key in ("url", "src") if place.get(key)), "")
    return value.strip() if isinstance(value, str) else ""


def _cards(message: Mapping[str, object]) -> Iterator[str]:
    elements = message.get("elements")
    cards = [*_each_card(elements)] if isinstance(elements, (list, tuple)) else []
    if cards:
        yield _string(Carousel(cards))


def _each_card(elements: Sequence[object]) -> Iterator[Card]:
    for element in elements:
        if not isinstance(element, Mapping):
            continue
        title, subtitle, image = (str(element.get(name) or "") for name in ("title", "subtitle", "image_url"))
        try:
            buttons = [*_buttons(element.get("buttons"))]
            yield Card(title=title, sub_title=subtitle, image=image, actionables=buttons)
        except InvalidElement as mistake:
            logger.error("A card cannot be shown on Haptik and is left out; see its %s.", mistake.path)


def _string(element: Element) -> str:
    # Plain text needs no JSON, except where the platform would take it for some.
    if isinstance(element, Text) and not element.text.lstrip().startswith(("{", "[")) and element == Text(element.text):
        return element.text
    return str(render(element, "haptik").messages[0]["text"])
