"""Payloads of Messenger and its kin: Instagram, and the web chats that took over Messenger's templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haptik_actions.preview._fields import calls, mapping, mappings, opens, tap, text, unseen
from haptik_actions.preview._marks import Marker, plain
from haptik_actions.preview._parts import Bubble, Chips, Part, Strip, Tap


def messenger(payload: Mapping[str, Any], mark: Marker) -> Iterator[Part]:
    """A `message` object of Messenger's Send API."""
    if "text" in payload:
        yield Bubble(text=mark(text(payload["text"])))
    if "attachment" in payload:
        yield _attachment(mapping(payload["attachment"]), mark)
    replies = tuple(tap(reply.get("title")) for reply in mappings(payload.get("quick_replies")))
    if replies:
        yield Chips(taps=replies)
    if not payload.keys() & {"text", "attachment", "quick_replies"}:
        yield unseen(payload)


def web_chat(payload: Mapping[str, Any], mark: Marker) -> Iterator[Part]:
    """What Rasa's socketio channel emits: the message is below `data`."""
    yield from messenger(mapping(payload.get("data")) or payload, mark)


def _attachment(attachment: Mapping[str, Any], mark: Marker) -> Part:
    payload = mapping(attachment.get("payload"))
    if attachment.get("type") in ("image", "video"):
        return Bubble(image=text(payload.get("url") or payload.get("src")), title=plain(text(payload.get("title"))))
    if payload.get("template_type") == "generic":
        return Strip(cards=tuple(_card(element, mark) for element in mappings(payload.get("elements"))))
    if payload.get("template_type") == "button":
        return Bubble(text=mark(text(payload.get("text"))), taps=buttons(payload.get("buttons")))
    return unseen(attachment)


def _card(element: Mapping[str, Any], mark: Marker) -> Bubble:
    return Bubble(
        title=mark(text(element.get("title"))),
        text=mark(text(element.get("subtitle"))),
        image=text(element.get("image_url")),
        taps=buttons(element.get("buttons")),
    )


def buttons(value: object) -> tuple[Tap, ...]:
    """Buttons of a template; those of Rasa's own form have no type."""
    return tuple(tap(button.get("title"), _does(button)) for button in mappings(value))


def _does(button: Mapping[str, Any]) -> str:
    if button.get("type") == "phone_number":
        return calls(button.get("payload"))
    return opens(button.get("url"))
