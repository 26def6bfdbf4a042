"""Making text fit: a label is cut, a text becomes several parts. Lengths are in code points."""

from __future__ import annotations

import unicodedata

_ELLIPSIS = "…"
_JOINER = "\u200d"
_VIRAMA = 9  # canonical combining class of the sign that joins two consonants of an Indic script
_BREAKS = ("\n\n", "\n", ". ", "! ", "? ", "। ", " ")


def clip(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` code points."""
    if len(text) <= limit:
        return text
    return text[: _whole(text, limit - 1)].rstrip() + _ELLIPSIS


def split(text: str, limit: int) -> list[str]:
    """The text in parts of at most `limit` code points, cut at a paragraph, line, sentence or word where one ends.

    Only space is lost at the cuts. `text` has no space around it and is not empty; neither has or is a part.
    """
    parts = []
    while len(text) > limit:
        cut = _break(text, limit)
        parts.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*parts, text]


def split_end(text: str, limit: int, end_limit: int) -> list[str]:
    """As `split`, with a lower limit for the last part, the one that carries the controls."""
    *parts, last = split(text, limit)
    end = split(last, end_limit)[-1]
    rest = last.removesuffix(end).rstrip()
    return [*parts, rest, end] if rest else [*parts, end]


def _break(text: str, limit: int) -> int:
    # A break in the first half would leave a bubble of a few words and give the rest one more.
    for start in (limit // 2, 1):
        for mark in _BREAKS:
            found = text.rfind(mark, start, limit)
            if found > 0:
                return found + len(mark)
    return _whole(text, limit)


def _whole(text: str, cut: int) -> int:
    """The last place up to `cut` that is not inside of what a reader sees as one character.

    Covers accents, variation selectors, skin tones, joined emoji, flags and Indic conjuncts; a cluster longer than
    `cut` is cut where it is.
    """
    place = cut
    while place > 0 and _joined(text, place):
        place -= 1
    return place or cut


def _joined(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    return (
        unicodedata.category(after).startswith("M")
        or after == _JOINER
        or before == _JOINER
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or unicodedata.combining(before) == _VIRAMA
        or (_is_flag_half(after) and _halves_before(text, place) % 2 == 1)
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _halves_before(text: str, place: int) -> int:
    count = 0
    while count < place and _is_flag_half(text[place - 1 - count]):
        count += 1
    return count
