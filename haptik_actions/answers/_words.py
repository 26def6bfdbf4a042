"""The words in which people count options, and the folding that makes texts equal that a person takes for the same.

The words are copy: a language's own come from the message store. Folding takes case, accents, punctuation, emoji and
the script of digits away.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, pairwise
from types import MappingProxyType

import msgspec

__all__ = ["WORD_KEYS", "AnswerWords", "fold"]

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


WORD_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "ordinals": "haptik_answer_ordinals",
        "last": "haptik_answer_last",
        "option": "haptik_answer_option",
        "fillers": "haptik_answer_fillers",
        "counting": "haptik_answer_counting",
    }
)
"""Field of `AnswerWords` -> message key."""


class AnswerWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """The words by which users name a place in a list. Every word is folded.

    Attributes:
        ordinals: The words for the first option, for the second, and so on.
        last: The words for the last option.
        option: What may stand before a number ("option 2").
        fillers: What may stand around any of these ("the second one").
        counting: Words that make something else of the next word ("a second", "one second please").
    """

    ordinals: tuple[tuple[str, ...], ...] = ()
    last: tuple[str, ...] = ()
    option: tuple[str, ...] = ()
    fillers: tuple[str, ...] = ()
    counting: tuple[str, ...] = ()

    @classmethod
    def parse(cls, texts: Mapping[str, str]) -> AnswerWords:
        """Read the texts of the message store by field: words with commas between them, ordinals with semicolons."""
        return _parse(*(texts.get(field, "") for field in cls.__struct_fields__))

    def first(self, count: int) -> AnswerWords:
        """Return the words that `count` options need, for a message that carries them."""
        return msgspec.structs.replace(self, ordinals=self.ordinals[:count])

    def counts(self, folded: str) -> bool:
        """Tell whether a text uses a word for a place and means none: "one second" is a moment, "a third" a part."""
        parts = folded.split()
        named = {name for place in self.ordinals for name in place}
        return any(
            (first.isdecimal() or first in self.counting) and second in named for first, second in pairwise(parts)
        )

    def bare(self, folded: str) -> str:
        """Return a folded text without fillers, or the text itself where nothing would be left."""
        return " ".join(word for word in folded.split() if word not in self.fillers) or folded


# Cached, because every utterance with options needs them and they change only when somebody edits the store.
@lru_cache(maxsize=64)
def _parse(ordinals: str, last: str, option: str, fillers: str, counting: str) -> AnswerWords:
    places = tuple(_words(place) for place in ordinals.split(";"))
    return AnswerWords(places, _words(last), _words(option), _words(fillers), _words(counting))


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(fold, text.split(","))))
