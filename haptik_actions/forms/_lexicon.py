"""A text as words, numbers and marks, and the words for days of a language: CLDR's, and what people say besides.

Babel brings CLDR's names of months and weekdays and its "in 3 days". What CLDR 48 has and babel leaves out stands in
`data/cldr.json`: names such as "tomorrow", spelled numbers, the endings of "3rd". What CLDR does not have stands in
`data/said.json`. English is understood in every language.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from haptik_actions.answers import fold

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["Counting", "Lexicon", "Phrases", "Token", "lexicon_of", "meaning", "plain_text", "spoken", "tokens_of"]

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


T = TypeVar("T")

_Unit: TypeAlias = Literal["day", "week", "month", "year"]
_DAYS_OF_UNIT: Mapping[_Unit, int] = {"day": 1, "week": 7, "month": 30, "year": 365}
# Enough numbers to meet every plural of every language.
_SAMPLES = (1, 2, 3, 5, 6, 11, 21, 100)
_WIDTHS: tuple[Literal["long", "short"], ...] = ("long", "short")
_NEVER = 1e9
_EAST_ASIAN = "\u2e80"
_DATE_SIGNS = frozenset("年月日년월일")
_ENGLISH = "en"
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


class Phrases(Generic[T]):
    """What is said, in one word or several, and what it means. The longest phrase is found first."""

    def __init__(self, said: Iterable[tuple[str, T]]) -> None:
        self._meanings: dict[tuple[str, ...], T] = {}
        for phrase, meaning in said:
            # As who has no such key writes it: "uebermorgen".
            for words in (words_of(phrase), words_of(phrase.casefold().translate(_SPELT))):
                if words:
                    self._meanings.setdefault(words, meaning)
        self._lengths = sorted({len(words) for words in self._meanings}, reverse=True)

    def at(self, tokens: Sequence[Token], place: int) -> tuple[T, int] | None:
        """Return the meaning of the phrase that begins at a place, and the place behind it."""
        for length in self._lengths:
            words = tuple(token.text for token in tokens[place : place + length])
            if words in self._meanings:
                return self._meanings[words], place + len(words)
        return None

    def whole(self, tokens: Sequence[Token]) -> T | None:
        """Return the meaning of a phrase that is all of the tokens."""
        return self._meanings.get(tuple(token.text for token in tokens))


class Counting(NamedTuple):
    """One way to count days, weeks, months or years: what stands before and behind the number.

    Attributes:
        before, after: Words around the number.
        unit: What is counted, and how many of it one is: `("week", 1)`, for a fortnight `("day", 14)`.
        direction: 1 into the future, -1 into the past, 0 where it is a length only.
        fixed: The number where the words themselves say it, as a dual does.
        plurals: The numbers of `_SAMPLES` it is said with, by CLDR's plural rules; empty where any will do.
        locale: The language of the plural rules.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    unit: tuple[str, int]
    direction: int
    fixed: int | None
    plurals: frozenset[str]
    locale: Any

    def suits(self, number: int) -> bool:
        """Tell whether this is how the language says that number of them: "6 months", and not "6 month"."""
        return not self.plurals or self.locale.plural_form(number) in self.plurals


@lru_cache(maxsize=512)
def spoken(words: Iterable[str]) -> Phrases[None]:
    """Return phrases that mean nothing but that they were said. `words` are hashable, as what is built is kept."""
    return Phrases((word, None) for word in words)


@lru_cache(maxsize=512)
def meaning(words: tuple[tuple[str, int], ...]) -> Phrases[int]:
    """Return phrases that stand for numbers; they are kept."""
    return Phrases(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """The words for days of one language, with English behind it.

    Attributes:
        days: Names of days, and how far each is from today; two numbers where one word is yesterday and tomorrow.
        numbers: Spelled numbers, articles among them.
        ordinals: The endings of numbers such as "3rd".
        linking: Words between a day and its month: "of".
        on: Words before a day: "le 3 mai".
        before, after: Words that make a length one from today: "in", "later".
        at: Words before a time of day.
        countings: The ways to count.
    """

    days: Phrases[frozenset[int]]
    numbers: Phrases[int]
    ordinals: frozenset[str]
    linking: Phrases[None]
    on: Phrases[None]
    before: Phrases[None]
    after: Phrases[None]
    at: Phrases[None]
    countings: tuple[Counting, ...]


@lru_cache(maxsize=64)
def lexicon_of(language: str) -> Lexicon:
    """Return the words of a language that CLDR has."""
    from babel import Locale

    names = [*dict.fromkeys((language, _ENGLISH))]
    cldr, said = ([_data(file).get(name, {}) for name in names] for file in ("cldr.json", "said.json"))
    counted = [
        *_spelled(cldr),
        *((word, int(n)) for own in said for n, words in _pairs(own, "numbers") for word in words),
    ]
    locales = [Locale.parse(name) for name in names]
    return Lexicon(
        days=_days([*cldr, *said]),
        numbers=Phrases(counted),
        ordinals=frozenset(
            word for own in (*cldr, *said) for end in _words(own.get("ordinals", "")) for word in words_of(end)
        ),
        linking=_marked(said, "of"),
        on=_marked(said, "on"),
        before=_marked(said, "before"),
        after=_marked(said, "after"),
        at=_marked(said, "at"),
        countings=tuple(each for locale, own in zip(locales, said, strict=True) for each in _countings(locale, own)),
    )


@lru_cache(maxsize=2)
def _data(file: str) -> Mapping[str, Mapping[str, Any]]:
    read: dict[str, dict[str, Any]] = msgspec.json.decode(
        files("haptik_actions.forms").joinpath("data", file).read_bytes(), type=dict[str, dict[str, Any]]
    )
    return read


def _words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(own: Mapping[str, Any], key: str) -> Iterable[tuple[str, list[str]]]:
    return ((each, _words(words)) for each, words in own.get(key, {}).items())


def _spelled(cldr: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, int]]:
    for own in cldr:
        for number, words in enumerate(own.get("numbers", "").split(";"), start=1):
            yield from ((word, number) for word in _words(words))


def _marked(said: Sequence[Mapping[str, Any]], key: str) -> Phrases[None]:
    return Phrases((word, None) for own in said for word in _words(own.get(key, "")))


def _days(data: Sequence[Mapping[str, Any]]) -> Phrases[frozenset[int]]:
    away: dict[str, frozenset[int]] = {}
    for own in data:
        # A name of the language and the same one of English are two things, and the language's own counts.
        known = set(away)
        for number, words in _pairs(own, "days"):
            for word in words:
                if word not in known:
                    away[word] = away.get(word, frozenset()) | {int(number)}
    return Phrases(away.items())


def _countings(locale: Locale, said: Mapping[str, Any]) -> list[Counting]:
    found: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, int], int, int | None], set[str]] = {}
    for unit in _DAYS_OF_UNIT:
        for number in _SAMPLES:
            for direction, text in _counted(locale, unit, number):
                before, digits, after = text.partition(str(number))
                key = (words_of(before), words_of(after), (unit, 1), direction, None if digits else number)
                if _is_said(key[0] + key[1], direction) and (digits or direction):
                    found.setdefault(key, set()).add(locale.plural_form(number))
    ways = [
        Counting(before, after, unit, direction, fixed, frozenset(plurals), locale)
        for (before, after, unit, direction, fixed), plurals in found.items()
    ]
    for word, length in said.get("units", {}).items():
        unit, number = length.split()
        ways.append(Counting((), words_of(word), (unit, int(number)), 0, None, frozenset(), locale))
    return ways


def _counted(locale: Locale, unit: _Unit, number: int) -> Iterable[tuple[int, str]]:
    """Return "3 days", "in 3 days" and "3 days ago", in full and abbreviated."""
    from babel.dates import format_timedelta

    length = timedelta(days=_DAYS_OF_UNIT[unit] * number)
    for direction, delta in ((0, length), (1, length), (-1, -length)):
        for width in _WIDTHS:
            # Some languages have no abbreviations, and babel raises for them.
            with contextlib.suppress(KeyError):
                yield (
                    direction,
                    format_timedelta(
                        delta,
                        granularity=unit,
                        threshold=_NEVER,
                        add_direction=direction != 0,
                        format=width,
                        locale=locale,
                    ),
                )


def _is_said(words: tuple[str, ...], direction: int) -> bool:
    # One letter is another word as well: "3 j", "5 m". Not so in Chinese and Korean, but "3日" is the third.
    if any(len(word) > 1 for word in words):
        return True
    return any(word >= _EAST_ASIAN for word in words) and (direction != 0 or not _DATE_SIGNS & {*words})
