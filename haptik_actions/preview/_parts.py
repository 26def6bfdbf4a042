"""What a message looks like, whatever the channel: the few shapes that chat clients draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from markupsafe import Markup

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
