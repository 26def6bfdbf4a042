"""What CLDR says about a language: names of days, parts of the day, the order of a date, the hours of a clock.

The other words of a language that a form understands are copy, and come from the message store.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date, time
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from haptik_actions.answers import WORD_KEYS, AnswerWords, fold
from haptik_actions.errors import ConfigurationError
from haptik_actions.forms._spec import FormSpec

if TYPE_CHECKING:
    from babel import Locale

__all__ = ["AM", "PM", "Calendar", "Command", "FormWords", "Spans", "calendar_of", "read_words", "require_calendars"]

_FALLBACK = "en"
_NEED_CALENDARS = frozenset({"date", "startdate", "enddate", "dob", "multidaypicker", "time"})
_SHORTEST_DAY_NAME = 2
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
Spans: TypeAlias = frozenset[tuple[int, int]]
AM: Spans = frozenset({(0, 720)})
PM: Spans = frozenset({(720, 1440)})
# In a pattern of CLDR: what is quoted, and what is no letter of ASCII.
_LITERAL = re.compile(r"'([^']+)'|([^\W\da-zA-Z]+)")


class Calendar:
    """How one language writes dates and times."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self.language: str = locale.language
        pattern = str(locale.date_formats["short"].pattern)
        self.day_first = pattern.lower().find("d") < pattern.lower().find("m")
        self.dots = "." in pattern
        self.clock_of_24 = "H" in str(locale.time_formats["short"].pattern)
        months, weekdays, english = _months(locale), _weekdays(locale), _english()
        # "mar" is Tuesday and March in Spanish. English names count where the language has no such word.
        self.months = {**{name: number for name, number in english.months.items() if name not in weekdays}, **months}
        self.weekdays = {**english.weekdays, **weekdays}
        self.weekdays = {name: day for name, day in self.weekdays.items() if name not in self.months}
        self.date_signs = _date_signs(locale)
        self.hour_signs = _hour_signs(locale)
        self.periods = {**english.periods, **_periods(locale)}

    def show_date(self, day: date) -> str:
        """Write a date as people of the language do, the month as a word."""
        from babel.dates import format_date

        return _plain(format_date(day, "medium", locale=self._locale))

    def show_weekday(self, day: date) -> str:
        """Write a date with its day of the week."""
        from babel.dates import format_date

        return f"{format_date(day, 'EEEE', locale=self._locale)}, {self.show_date(day)}"

    def show_time(self, at: time) -> str:
        """Write a time as people of the language do."""
        from babel.dates import format_time

        return _plain(format_time(at, "short", locale=self._locale))


@lru_cache(maxsize=64)
def calendar_of(tag: str) -> Calendar:
    """Return the calendar of a language tag such as `en-IN`; of its language, or English, where CLDR has none of it."""
    from babel import Locale, UnknownLocaleError

    for name in (tag.replace("_", "-"), tag.replace("_", "-").split("-")[0]):
        try:
            return Calendar(Locale.parse(name, sep="-"))
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Calendar(Locale.parse(_FALLBACK))


def require_calendars(form: FormSpec) -> None:
    """Check that the library for dates is there, if the form has any.

    Raises:
        ConfigurationError: it is not; names the form and what to install.
    """
    dated = [field.key for field in form.fields if field.type in _NEED_CALENDARS]
    if dated and find_spec("babel") is None:
        raise ConfigurationError(
            f"The form {form.name!r} asks for dates or times ({', '.join(dated)}), and babel cannot be imported: "
            'pip install "haptik-actions[forms]"'
        )


def _weekdays(locale: Locale) -> dict[str, int]:
    """Folded name -> 0 for Monday."""
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated", "short"):
            days: Any = locale.days.get(context, {}).get(width, {})
            for number, name in days.items():
                if len(fold(name)) >= _SHORTEST_DAY_NAME:
                    names.setdefault(fold(name), int(number))
    return names


def _months(locale: Locale) -> dict[str, int]:
    """Folded name -> 1 for January."""
    names: dict[str, int] = {}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            months: Any = locale.months.get(context, {}).get(width, {})
            for number, name in months.items():
                names.setdefault(fold(str(name)), int(number))
                # As who has no such key writes it: "Maerz".
                names.setdefault(fold(str(name).casefold().translate(_SPELT)), int(number))
    return {name: number for name, number in names.items() if name and not name.isdecimal()}


def _periods(locale: Locale) -> dict[str, Spans]:
    """Folded name -> when it begins and ends, in minutes of the day; a name may stand for two parts of the day."""
    rules: Any = locale.day_period_rules.get(None, {})
    spans: dict[str, Spans] = {"am": AM, "a m": AM, "pm": PM, "p m": PM}
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            parts: Any = locale.day_periods.get(context, {}).get(width, {})
            for period, name in parts.items():
                found = _spans(period, rules.get(period, ()))
                if found and fold(str(name)):
                    spans[fold(str(name))] = spans.get(fold(str(name)), frozenset()) | found
    # A name such as Arabic "م" for both "pm" and the evening means the wider of the two.
    return {name: PM if found >= PM else AM if found >= AM else found for name, found in spans.items()}


class _English(NamedTuple):
    months: dict[str, int]
    weekdays: dict[str, int]
    periods: dict[str, Spans]


@lru_cache(maxsize=1)
def _english() -> _English:
    """The English names, which are understood in every language: those of weekdays in full, as "mon" is French too."""
    from babel import Locale

    locale = Locale.parse(_FALLBACK)
    wide = {fold(str(name)): int(number) for number, name in locale.days["format"]["wide"].items()}
    return _English(_months(locale), wide, _periods(locale))


def _spans(period: str, rules: Any) -> Spans:
    known: dict[str, Spans] = {
        "am": AM,
        "pm": PM,
        "noon": frozenset({(720, 721)}),
        "midnight": frozenset({(0, 1)}),
    }
    if period in known:
        return known[period]
    # Babel keeps seconds of the day.
    return frozenset((rule["from"] // 60, rule["before"] // 60) for rule in rules if {"from", "before"} <= {*rule})


def _hour_signs(locale: Locale) -> frozenset[str]:
    """The folded words behind an hour: "Uhr", "h"."""
    patterns = (
        str(locale.datetime_skeletons[name].pattern) for name in ("H", "h") if name in locale.datetime_skeletons
    )
    return _literals(patterns) | {"h"}


def _date_signs(locale: Locale) -> frozenset[str]:
    """The folded words between the parts of a date: "de", "年"."""
    named = (format.pattern for format in locale.date_formats.values())
    skeletons = (format.pattern for name, format in locale.datetime_skeletons.items() if {*"dM"} <= {*name})
    return _literals([*map(str, named), *map(str, skeletons)])


def _literals(patterns: Iterable[str]) -> frozenset[str]:
    literals = (_LITERAL.findall(pattern) for pattern in patterns)
    return frozenset(fold(quoted or bare) for found in literals for quoted, bare in found) - {""}


def _plain(text: str) -> str:
    # CLDR writes spaces that do not break, which nobody can type.
    return text.replace("\u202f", " ").replace("\u00a0", " ")


Command: TypeAlias = Literal["back", "cancel", "confirm", "done", "edit", "more", "restart", "skip"]
"""What a user can say in place of an answer."""

_COMMANDS: tuple[Command, ...] = get_args(Command)
_LISTS = (
    *("all", "and", "both", "clock", "hours", "minutes", "next", "none", "on", "parts", "to", "today", "tomorrow"),
    "weekdays",
)
_PREFIX = "haptik_form_word_"
_NUMBERED = re.compile(r"(.*\S)\s+([+-]?\d{1,2})")
_HOURS = re.compile(r"(.*\S)\s+(\d{1,2})(?:-(\d{1,2}))?")


class FormWords(msgspec.Struct, frozen=True):
    """For each word of ours what people say, the one for the chip first."""

    said: Mapping[str, tuple[str, ...]]
    answers: AnswerWords = AnswerWords()

    def label(self, word: str) -> str:
        """Return the word as a chip shows it."""
        return self.said[word][0]

    def means(self, word: str, text: str) -> bool:
        """Tell whether the text says this word and nothing else."""
        folded = fold(text)
        return any(fold(said) == folded for said in self.said.get(word, ()))

    def numbers(self, word: str) -> dict[str, int]:
        """Return what is said and the number behind it, folded and the longest first: `half past 30`."""
        found = (_NUMBERED.fullmatch(said) for said in self.said.get(word, ()))
        numbers = {fold(match[1]): int(match[2]) for match in found if match}
        return {said: numbers[said] for said in sorted(numbers, key=len, reverse=True) if said}

    def spans(self, word: str) -> dict[str, frozenset[tuple[int, int]]]:
        """Return what is said, folded, and the minutes of the day it reaches over: `lunchtime 12-14`, `midday 12`."""
        found = (_HOURS.fullmatch(said) for said in self.said.get(word, ()))
        return {fold(match[1]): _span(int(match[2]), match[3]) for match in found if match and int(match[2]) < 24}

    def command(self, text: str) -> Command | None:
        """Return the command that the text is."""
        return next((command for command in _COMMANDS if self.means(command, text)), None)


async def read_words(text: Callable[[str], Awaitable[str]]) -> FormWords:
    """Read the words with `text`, which gives a message by its key. Commas stand between the words of a message."""
    names = (*_COMMANDS, *_LISTS)
    keys = [*(_PREFIX + name for name in names), *WORD_KEYS.values()]
    texts = await asyncio.gather(*map(text, keys))
    said = {name: _parts(texts[place]) or (name,) for place, name in enumerate(names)}
    answers = dict(zip(WORD_KEYS, texts[len(names) :], strict=True))
    return FormWords(said, AnswerWords.parse(answers))


def _span(first: int, end: str | None) -> frozenset[tuple[int, int]]:
    # An hour on its own is a moment, as noon is.
    return frozenset({(first * 60, int(end) * 60 if end else first * 60 + 1)})


def _parts(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))
