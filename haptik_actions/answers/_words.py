"""The words in which people count options. They are copy: a language's own come from the message store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

import msgspec

from haptik_actions.answers._folding import fold

__all__ = ["WORD_KEYS", "AnswerWords"]

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
