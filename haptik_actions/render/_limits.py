"""What a channel can show, its limits, and how a text is made to fit into them.

Each limit is in the unit in which the platform counts, and says where the number was read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html import escape
from itertools import islice
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec
from wcwidth import grapheme_boundary_before, iter_graphemes

Unit: TypeAlias = Literal["code points", "UTF-16 units", "UTF-8 bytes", "grapheme clusters", "items"]
"""How a platform counts a text; `items` counts buttons, cards or rows."""

# Lone surrogates cannot be encoded. They are counted all the same, because a conversion never raises.
_ERRORS = "surrogatepass"
Answers: TypeAlias = Literal["payload", "title", "speech"]
"""What a tap delivers to the bot: the payload, the words on the control, or nothing but what the user says."""
_ELLIPSIS = "…"
_BREAKS = ("\n\n", "\n", ". ", "! ", "? ", "। ", " ")


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


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel can show.

    Attributes:
        name: The channel's name in Rasa, as `tracker.get_latest_input_channel()` gives it.
        title: What people call it.
        connector: Who takes the messages to the platform, and in which keys of the response.
        markup: How the text is marked up, by the dialect's name; `none` shows every mark as it stands, so none is sent.
        limits: Field -> the most that it takes.
        native: Type of element -> the form that it gets; a type that is missing becomes text.
        controls: The kinds of control that it shows as such; every other one becomes a reply or a line of text.
        answers: What a tap delivers to the bot.
        remark: What else there is to know.
    """

    name: str
    title: str
    connector: str
    markup: str = "none"
    limits: Mapping[str, Limit] = {}
    native: Mapping[str, str] = {}
    controls: frozenset[str] = frozenset()
    answers: Answers = "payload"
    remark: str = ""


def clip(text: str, limit: Limit) -> str:
    """The text, or its beginning and an ellipsis, within the limit."""
    if limit.fits(text):
        return text
    return text[: _whole(text, limit.room(text, limit.measure(_ELLIPSIS)))].rstrip() + _ELLIPSIS


def counted(title: str, place: int, places: int, limit: Limit) -> str:
    """A title that is repeated on several cards, with the number of the card: `Kurta (2/3)`."""
    suffix = f" ({place}/{places})"
    room = Limit(limit.size - limit.measure(suffix), limit.unit, limit.source)
    return clip(title, room) + suffix


_MOST_SHRINKING = 4


def split(text: str, limit: Limit, written: Callable[[str], str] = str) -> list[str]:
    """The text in parts within the limit, cut at a paragraph, line, sentence or word where one ends.

    Only space is lost at the cuts. `text` has no space around it and is not empty; neither has or is a part, but for a
    space that carries an accent. `written`
    gives the form in which the channel sends a part (markup, escapes), and that form is what is measured.
    """
    parts = []
    # Removing marks leaves at least a third of a text, so a text longer than this is too long without being measured.
    window = _MOST_SHRINKING * limit.size
    while len(text) > window or not limit.fits(written(text)):
        cut = _break(text, _room(text[:window], limit, written))
        parts.append(text[:cut].rstrip())
        text = _without_space(text[cut:])
        if not text:
            return parts
    return [*parts, text]


def split_end(text: str, limit: Limit, end: Limit, written: Callable[[str], str] = str) -> list[str]:
    """As `split`, with a lower limit for the last part, the one that carries the controls."""
    *parts, last = split(text, limit, written)
    ending = split(last, end, written)[-1]
    rest = last.removesuffix(ending).rstrip()
    return [*parts, rest, ending] if rest else [*parts, ending]


def _room(text: str, limit: Limit, written: Callable[[str], str]) -> int:
    room = limit.room(text)
    while room > 1 and not limit.fits(written(text[:room])):
        room = room * 3 // 4
    return room


def _break(text: str, room: int) -> int:
    # A break in the first half would leave a bubble of a few words and make one bubble more.
    for start in (room // 2, 1):
        for mark in _BREAKS:
            found = text.rfind(mark, start, room)
            if found > 0:
                return _whole(text, found + len(mark))
    return _whole(text, room)


def _without_space(text: str) -> str:
    """The text without leading space. A space that carries an accent is a visible character and stays."""
    bare = text.lstrip()
    start = len(text) - len(bare)
    return text[grapheme_boundary_before(text, start + 1) :] if start and bare else bare


def _whole(text: str, cut: int) -> int:
    """The last place up to `cut` that is between two grapheme clusters. A cluster longer than `cut` is divided."""
    return grapheme_boundary_before(text, cut + 1) or cut
