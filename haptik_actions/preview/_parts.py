"""What a message looks like, whatever the channel: the few shapes that chat clients draw."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any, ClassVar, TypeAlias

from markupsafe import Markup

__all__ = [
    "Bubble",
    "Chips",
    "Keyboard",
    "Line",
    "Menu",
    "Part",
    "Questions",
    "Strip",
    "Tap",
    "calls",
    "mapping",
    "mappings",
    "opens",
    "tap",
    "text",
    "unescaped",
    "unseen",
]

_NOTHING = Markup("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """A control: its label, what it does besides sending a message, and a second line."""

    label: str
    does: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One balloon or card: picture, title, text, pairs and their sum, words, and below them controls that stay."""

    shape: ClassVar[str] = "bubble"

    text: Markup = _NOTHING
    title: Markup = _NOTHING
    image: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    total: tuple[str, str] | None = None
    below: Markup = _NOTHING
    taps: tuple[Tap, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it shows nothing."""
        return not (self.text or self.title or self.image or self.facts or self.total or self.below or self.taps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Cards side by side."""

    shape: ClassVar[str] = "strip"

    cards: tuple[Bubble, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chips:
    """Quick replies below the message. They vanish after a tap."""

    shape: ClassVar[str] = "chips"

    taps: tuple[Tap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyboard:
    """Keys in place of the keyboard of the phone, or rows of buttons below a message."""

    shape: ClassVar[str] = "keyboard"

    rows: tuple[tuple[Tap, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A list that opens at a tap: what opens it, and its rows below their headings."""

    shape: ClassVar[str] = "menu"

    label: str
    sections: tuple[tuple[str, tuple[Tap, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """A form: each field with its label, how it is filled, its hint and its options."""

    shape: ClassVar[str] = "questions"

    title: Markup
    subtitle: Markup
    fields: tuple[tuple[str, str, str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the platform itself between the messages."""

    shape: ClassVar[str] = "line"

    text: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """JSON that goes to the client application and not to the user, or that this preview cannot draw."""

    shape: ClassVar[str] = "unseen"

    json: str


Part: TypeAlias = Bubble | Strip | Chips | Keyboard | Menu | Questions | Line | Unseen
"""One thing below the other in a chat."""


def text(value: object) -> str:
    """A string or a number as a string; everything else is empty."""
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def unescaped(value: object) -> str:
    """A string in which the channel wants `&`, `<` and `>` as entities."""
    return unescape(text(value))


def mapping(value: object) -> Mapping[str, Any]:
    """An object; everything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a list."""
    for item in value if isinstance(value, (list, tuple)) else ():
        if isinstance(item, Mapping):
            yield item


def opens(url: object) -> str:
    """The words for a control that opens an address."""
    address = text(url)
    if address.startswith("tel:"):
        return f"calls {address.removeprefix('tel:')}"
    return f"opens {address}" if address else ""


def calls(number: object) -> str:
    """The words for a control that calls a number."""
    return f"calls {text(number)}"


def tap(label: object, does: str = "", detail: object = "") -> Tap:
    """A control."""
    return Tap(label=text(label) or "(no label)", does=does, detail=text(detail))


def unseen(value: object) -> Part:
    """A payload as it is."""
    return Unseen(json=json.dumps(value, indent=2, ensure_ascii=False, default=str))
