"""Makes text fit: cuts labels and splits texts, never within what a reader sees as one character."""

from __future__ import annotations

from collections.abc import Callable

from wcwidth import grapheme_boundary_before

from haptik_actions.render._limits import Limit

_ELLIPSIS = "…"
_BREAKS = ("\n\n", "\n", ". ", "! ", "? ", "। ", " ")


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
