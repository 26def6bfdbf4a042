"""Folds texts that a person takes for the same: case, accents, punctuation, emoji and the script of digits go."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain

__all__ = ["fold"]

# Accents of Latin, Greek and Cyrillic. Other combining signs stay: the vowels of Devanagari are among them.
_ACCENTS = range(0x0300, 0x0370)
# The nukta below a letter of Devanagari, which many leave out.
_NUKTA = "\u093c"
# The characters that make an emoji of a digit: 2️⃣.
_KEYCAP = "\u20e3"
# No script puts more marks on one letter.
_MOST_MARKS = 8
_KEPT = ("L", "M", "N")


_NO_WORD = re.compile(r"[^a-z0-9]+")


def fold(text: str) -> str:
    """Return the words of `text` in lower case with plain digits, one space apart; empty where it has none."""
    if text.isascii():
        return _NO_WORD.sub(" ", text.lower().replace("'", "")).strip()
    plain = unicodedata.normalize("NFC", "".join(_unaccented(text)))
    return " ".join("".join(map(_folded, plain.casefold())).split())


def _unaccented(text: str) -> Iterator[str]:
    marks = 0
    # Normalise piece by piece: ordering thousands of marks on one letter takes time that grows with their square.
    for character in chain.from_iterable(unicodedata.normalize("NFKD", each) for each in text):
        if ord(character) in _ACCENTS or character in (_NUKTA, _KEYCAP):
            continue
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            yield character


def _folded(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return character if unicodedata.category(character)[0] in _KEPT and character != "\ufe0f" else _gap(character)


def _gap(character: str) -> str:
    # The apostrophe of "can't" and the joiners of Indic scripts stand within a word.
    return "" if character in "'’\u200d\ufe0f" or unicodedata.category(character) == "Cf" else " "
