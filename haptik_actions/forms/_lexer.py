"""A text as words, numbers and marks, for the grammar of days."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from haptik_actions.answers import fold

__all__ = ["Token", "plain_text", "tokens_of", "words_of"]

Kind: TypeAlias = Literal["number", "word", "mark"]

# Marks of direction, which CLDR's Arabic dates hold and nobody sees.
_DIRECTION = frozenset("\u061c\u200e\u200f")
# The point of an abbreviation, in Latin scripts and in Devanagari.
_POINTS = frozenset(".॰")
_APOSTROPHES = frozenset("'’\u200c\u200d")
# The vowels and hamzas above Arabic letters, and the stroke that only makes a word longer.
_ARABIC_SIGNS = frozenset(map(chr, [*range(0x064B, 0x0656), 0x0640]))


class Token(NamedTuple):
    """A word (folded), a number or a single mark, and where it stands; `tight` where no space precedes it."""

    text: str
    kind: Kind
    start: int
    end: int
    tight: bool


def plain_text(text: str) -> str:
    """Return the text with plain digits, one form for characters that look the same, and no spaces around it."""
    normal = "".join(c for c in unicodedata.normalize("NFKC", text) if c not in _DIRECTION)
    return "".join(str(unicodedata.decimal(c, c)) for c in normal).strip()


def tokens_of(plain: str) -> tuple[Token, ...]:
    """Cut a text of `plain_text` into tokens.

    A point behind a word and a hyphen between two words say nothing, and are left out: "abr.", "après-demain".
    """
    found: list[Token] = []
    for (kind, _), group in groupby(enumerate(plain), lambda each: _kind_at(plain, *each)):
        places = [place for place, _ in group]
        if kind is not None:
            text = plain[places[0] : places[-1] + 1]
            tight = places[0] > 0 and not plain[places[0] - 1].isspace()
            found.append(Token(_word(text) if kind == "word" else text, kind, places[0], places[-1] + 1, tight))
    return tuple(token for place, token in enumerate(found) if not _says_nothing(found, place))


def words_of(said: str) -> tuple[str, ...]:
    """Return the words and numbers of a phrase, as they stand in tokens."""
    return tuple(token.text for token in tokens_of(plain_text(said)) if token.kind != "mark")


def _kind_at(plain: str, place: int, character: str) -> tuple[Kind | None, int]:
    """Return the kind, and a number that is another one for each mark."""
    if character.isspace():
        return None, 0
    if character.isdecimal():
        return "number", 0
    inner = character in _APOSTROPHES and place > 0 and unicodedata.category(plain[place - 1])[0] in "LM"
    if inner or unicodedata.category(character)[0] in "LM":
        return "word", 0
    return "mark", place


def _word(text: str) -> str:
    folded = fold(text)
    if not any("\u0600" <= character <= "\u06ff" for character in folded):
        return folded or text
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if c not in _ARABIC_SIGNS)
    return unicodedata.normalize("NFC", bare) or text


def _says_nothing(found: list[Token], place: int) -> bool:
    token, before = found[place], found[place - 1] if place else None
    if token.kind != "mark" or not token.tight or before is None or before.kind != "word":
        return False
    after = found[place + 1] if place + 1 < len(found) else None
    return token.text in _POINTS or (token.text == "-" and after is not None and after.tight and after.kind == "word")
