"""From `message.body` to an element that a channel can show. Whatever a body holds, the user reads something of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Element, System, Text, Unknown, parse, strip_braces

__all__ = ["element_of", "shown_text", "text_element"]

_MOST_TEXT = 8000
_LONGEST_PIECE = 4000
_DEEPEST = 200
# Control characters but tabs and line breaks, and what is no character in Unicode.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
# What people read, in the order in which it is shown. Everything else that has a name is for machines.
_WORDS = (
    *("text", "title", "header", "subtitle", "sub_title", "subheader", "description", "caption", "body", "label"),
    *("actionable_text", "key", "hint", "options", "name", "price", "amount", "meta", "offer_text", "message"),
    *("answer", "question", "option_unselected_text", "expired_text", "value"),
)
_LINKS = ("url", "link", "image", "image_url", "images", "file_url", "number", "movie_trailer_url", "callback_link")
_FOR_MACHINES = frozenset(
    {
        *("type", "uri", "event_name", "id", "gogo_message", "voice_text", "isNew", "is_default", "mic_auto_open"),
        *("width", "image_aspect_ratio", "keyboard_type", "order", "icon", "emoji", "autofill", "tool_name", "extra"),
    }
)


def element_of(body: Any) -> Element | None:
    """Return what a body shows: the element, or a `Text` of its words, labels and links where it is no element.

    None only where there is nothing in it at all that could be shown.
    """
    element: Element | None = None
    if isinstance(body, (str, Mapping)):
        try:
            element = parse(body)
        except (InvalidElement, RecursionError, TypeError, ValueError):
            element = None
    if element is None or isinstance(element, Unknown) or _is_blank(element):
        return text_element(body)
    return element


def text_element(body: Any) -> Text | None:
    """Return a `Text` of everything that a body shows, None where it shows nothing."""
    words = shown_text(body)
    return Text(words) if words else None


def shown_text(body: Any) -> str:
    """Return the words, labels and links of a body, one below the other, each once."""
    pieces = dict.fromkeys(_clean(piece) for piece in _pieces(body, everything=False))
    pieces.pop("", None)
    if not pieces:
        pieces = dict.fromkeys(_clean(piece) for piece in _pieces(body, everything=True))
        pieces.pop("", None)
    return "\n".join(pieces)[:_MOST_TEXT].strip()


def _is_blank(element: Element) -> bool:
    if isinstance(element, Text):
        return not _clean(element.text) and not element.quick_replies
    return isinstance(element, System) and not _clean(element.text)


def _clean(piece: str) -> str:
    # Commands in braces are for the platform, control characters for machines; no channel shows them.
    shown = _UNSEEN.sub("", strip_braces(piece))
    return shown.strip().encode("utf-8", "replace").decode()[:_LONGEST_PIECE]


def _pieces(body: Any, *, everything: bool) -> Iterator[str]:
    # Not by recursion: a body may be nested more deeply than Python goes.
    stack: list[tuple[Any, int]] = [(body, 0)]
    while stack:
        value, depth = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield str(value)
        elif depth < _DEEPEST:
            below = _members(value, everything=everything) if isinstance(value, Mapping) else value
            if isinstance(below, (list, tuple)):
                stack.extend((item, depth + 1) for item in reversed(below))


def _members(value: Mapping[Any, Any], *, everything: bool) -> list[Any]:
    """Return the members that show something, words first; with `everything`, all of them."""
    value = _without_what_it_sends(value)
    named = [value[name] for name in (*_WORDS, *_LINKS) if name in value]
    others = [
        member
        for name, member in value.items()
        if name not in _WORDS
        and name not in _LINKS
        and ((everything and name not in _FOR_MACHINES) or isinstance(member, (Mapping, list, tuple)))
    ]
    return [*named, *others]


def _without_what_it_sends(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """An actionable with a label sends a message when it is tapped; the label is what people read."""
    label, payload = value.get("actionable_text"), value.get("payload")
    if not isinstance(label, str) or not label.strip() or not isinstance(payload, Mapping):
        return value
    return {**value, "payload": {name: member for name, member in payload.items() if name != "message"}}
