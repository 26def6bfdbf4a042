"""What an element says, read once for all channels: text, controls, cards, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import msgspec

from haptik_actions.hsl import Element
from haptik_actions.render._conversion import Note, OfferKind

NOTHING: Mapping[str, Any] = MappingProxyType({})

Kind: TypeAlias = OfferKind | Literal["url", "call", "contact"]
"""What a tap does: one of the answers, open a page, call a number, or write a mail or an SMS."""

SPELLED: frozenset[str] = frozenset({"url", "call", "contact"})
"""The kinds that can be a line of text, because clients make addresses and numbers tappable. All others are answers."""


# The border between square and landscape: between 1 and 1.91, the ratio of Messenger's horizontal pictures.
_WIDE = 1.4


class Control(msgspec.Struct, frozen=True):
    """Something that a user can tap.

    `value` is the payload of an answer, the address or the number of the rest. `detail` is a second line where a
    channel has room for one; `section` is the heading that it stands below.
    """

    kind: Kind
    label: str
    value: str
    path: str
    is_default: bool = False
    meta: Mapping[str, Any] = NOTHING
    opens: Mapping[str, Any] | None = None
    detail: str = ""
    section: str = ""


class Card(msgspec.Struct, frozen=True):
    """One card of a carousel: its lines from the heaviest to the lightest (none is blank), picture and controls."""

    lines: tuple[str, ...]
    image: str
    controls: tuple[Control, ...]
    path: str


class Content(msgspec.Struct, frozen=True):
    """What an element says.

    `text` is a bubble; of cards and pictures it is the notification, which has no bubble of its own. `path` is where
    the controls are in the JSON; `persistent` is true where they stay on the screen after a tap; `ratio` is width by
    height of the pictures, `large` that they take most of the screen; `notes` is what the reading itself changed.
    """

    element: Element
    shape: Literal["bubble", "cards", "images", "receipt", "nothing"]
    text: str
    path: str = ""
    controls: tuple[Control, ...] = ()
    persistent: bool = False
    cards: tuple[Card, ...] = ()
    images: tuple[str, ...] = ()
    ratio: float = 1.0
    large: bool = False
    voice: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def wide(self) -> bool:
        """Whether its pictures are landscape rather than square."""
        return self.ratio >= _WIDE
