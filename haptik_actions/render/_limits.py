"""Limits of a channel, each in the unit in which the platform counts, and where the number was read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from itertools import islice
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec
from wcwidth import iter_graphemes

Unit: TypeAlias = Literal["code points", "UTF-16 units", "UTF-8 bytes", "grapheme clusters", "items"]
"""How a platform counts a text; `items` counts buttons, cards or rows."""

# Lone surrogates cannot be encoded. They are counted all the same, because a conversion never raises.
_ERRORS = "surrogatepass"


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", _ERRORS)) // 2


def _utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", _ERRORS))


def _clusters(text: str) -> int:
    return sum(1 for _ in iter_graphemes(text))


def _utf16_room(text: str, size: int) -> int:
    return len(text.encode("utf-16-le", _ERRORS)[: 2 * size].decode("utf-16-le", "ignore"))


def _utf8_room(text: str, size: int) -> int:
    return len(text.encode("utf-8", _ERRORS)[:size].decode("utf-8", "ignore"))


def _cluster_room(text: str, size: int) -> int:
    return sum(len(cluster) for cluster in islice(iter_graphemes(text), size))


_MEASURE: Mapping[Unit, Callable[[str], int]] = {
    "code points": len,
    "UTF-16 units": _utf16_units,
    "UTF-8 bytes": _utf8_bytes,
    "grapheme clusters": _clusters,
    "items": len,
}
_ROOM: Mapping[Unit, Callable[[str, int], int]] = {
    "code points": lambda text, size: min(len(text), size),
    "UTF-16 units": _utf16_room,
    "UTF-8 bytes": _utf8_room,
    "grapheme clusters": _cluster_room,
    "items": lambda text, size: min(len(text), size),
}
# The most units that one code point can take: a text that is short enough by this number needs no measuring.
_MOST: Mapping[Unit, int] = {
    "code points": 1,
    "UTF-16 units": 2,
    "UTF-8 bytes": 4,
    "grapheme clusters": 1,
    "items": 1,
}


class Limit(msgspec.Struct, frozen=True):
    """The most that one field of a channel takes.

    Attributes:
        size: The largest number that is still accepted.
        unit: What is counted.
        source: The page or the source code that the number was read from.
    """

    size: int
    unit: Unit
    source: str

    def measure(self, text: str) -> int:
        """The length of a text in this limit's unit."""
        return _MEASURE[self.unit](text)

    def fits(self, text: str) -> bool:
        """Whether a text is within the limit."""
        length = len(text)
        if length * _MOST[self.unit] <= self.size:
            return True
        return (length if text.isascii() else self.measure(text)) <= self.size

    def room(self, text: str, reserved: int = 0) -> int:
        """How many code points of the text's beginning fit, with `reserved` units kept free; at least 1."""
        return max(_ROOM[self.unit](text, self.size - reserved), 1)


# `&amp;`
_LONGEST_ESCAPE = 5


class Escaped(Limit, frozen=True):
    """A limit that counts what is sent, `&lt;` for `<` and `<br>` for a line feed, not what is read."""

    @staticmethod
    def written(text: str) -> str:
        """The text as it is sent."""
        return escape(text, quote=False).replace("\n", "<br>")

    def fits(self, text: str) -> bool:
        """Whether the text is within the limit once it is escaped."""
        return len(text) * _LONGEST_ESCAPE <= self.size or super().fits(self.written(text))

    def room(self, text: str, reserved: int = 0) -> int:
        """How many code points of the text's beginning fit once they are escaped."""
        room = super().room(text, reserved)
        while room > 1 and self.measure(self.written(text[:room])) + reserved > self.size:
            room -= 1
        return room


def json_size(value: object) -> int:
    """How many UTF-8 bytes a value is as JSON without space."""
    try:
        return len(msgspec.json.encode(value))
    except UnicodeEncodeError:  # lone surrogates, which the slower encoder takes
        return len(json.dumps(value, ensure_ascii=False).encode("utf-8", _ERRORS))


def limits(**named: Limit) -> Mapping[str, Limit]:
    """The limits of a channel, by the name of the field."""
    return MappingProxyType(named)
