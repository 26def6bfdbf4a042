"""What dateparser makes of a text, where that is clearly one day. It guesses, and most of this is to doubt it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from haptik_actions.answers import fold
from haptik_actions.forms._locale import SPELT, Calendar

__all__ = ["Guess", "guess", "named_days"]

_NAMED = re.compile(r"(in )?(\d+) (\w+)( ago)?")
_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_NOON = time(12)
# Years of two digits are read in a day, a month and a year in this order, and near today.
_SHORT_YEAR = re.compile(r"\W*\d{1,2}(?!\d)\D*[^\W\d]\D*\d{2}\W*")
_NEAR = 20


class Guess(NamedTuple):
    """A day; `unit` is what was counted in, if anything was; `sure` where it needs no question."""

    day: date
    unit: str = "day"
    sure: bool = True


def named_days(folded: str, language: str) -> frozenset[int] | None:
    """Return how far from today a name such as "tomorrow" or "now" is, in days; None for what is no such name.

    Empty for names of what is shorter or longer than a day. Where one word is yesterday and tomorrow (Hindi), both.
    """
    return next((names[folded] for name in _languages(language) if folded in (names := _names(name))), None)


@lru_cache(maxsize=64)
def _names(language: str) -> Mapping[str, frozenset[int]]:
    names: dict[str, frozenset[int]] = {}
    for when, said in _info(language).get("relative-type", {}).items():
        match = _NAMED.fullmatch(when)
        if match is None:
            continue
        days = frozenset({int(match[2]) * (-1 if match[4] else 1)} if match[3] == "day" else ())
        for name in said:
            for folded in {fold(name), fold(name.casefold().translate(SPELT))}:
                names[folded] = names.get(folded, frozenset()) | days
    if any(days == {-1, 1} for days in names.values()):
        # What is two days away has one word there as well.
        names = {name: frozenset({-2, 2}) if days & {-2, 2} else days for name, days in names.items()}
    return names


def guess(text: str, base: date, here: Calendar, *, past: bool) -> Guess | None:
    """Return the day that dateparser reads, counted from `base`; None where the text may well say something else."""
    plain = _without_clock(text, here)
    if not plain:
        return None
    counted = _ask(plain, datetime.combine(base, _NOON), here, past, "relative-time")
    if counted is None:
        return _on_the_calendar(plain, base, here, past)
    found, unit = counted
    if not _counts(plain, here):
        return None
    later = _ask(plain, datetime.combine(base, _NOON) + timedelta(minutes=1), here, past, "relative-time")
    # Hours and seconds move with the clock, and so do days from noon on; a time that was said stays where it is.
    moves = later is not None and later[0] != found
    if moves and found.time() != _NOON:
        return None
    bare = re.sub(r"\d+", " ", plain)
    if bare != plain and _ask(bare, datetime.combine(base, _NOON), here, past, "relative-time"):
        # "Tomorrow 2": the number says something else.
        return None
    return Guess(found.date(), unit)


def _without_clock(text: str, here: Calendar) -> str:
    signs = "|".join(sorted(map(re.escape, here.hour_signs), key=len, reverse=True))
    clock = rf"(?<![\d:.])\d{{1,2}}(?:[:.]\d\d)?\s*(?:[ap]\.?m\b\.?|(?:{signs})\b)|(?<![\d:.])\d{{1,2}}:\d\d(?![\d:.])"
    return re.sub(clock, " ", text, flags=re.IGNORECASE).strip()


def _on_the_calendar(text: str, base: date, here: Calendar, past: bool) -> Guess | None:
    read = _ask(text, datetime.combine(base, _NOON), here, past, "absolute-time")
    if read is None or read[0].tzinfo is not None or _tells_before_or_after(text, here):
        return None
    found, numbers = read[0].date(), re.findall(r"\d+", text)
    if _said(text, here, "week", "hour", "minute", "second"):
        return None
    named = _names_month(text, found.month, here)
    if not numbers:
        # "Two may" may be a beginning.
        return Guess(found, sure=not named and any(part in here.weekdays for part in fold(text).split()))
    if len(numbers) == 3 and sorted(map(int, numbers)) == sorted((found.year, found.month, found.day)):
        # "25.11.2027 г.", "25 thg 11, 2027". Two numbers with nothing said between them have no certain order.
        worded = re.search(r"\d\s+[^\W\d]+\s+\d", text) is not None
        return Guess(found, sure=found.day > 12 or found.day == found.month or here.dots or worded)
    if not named:
        # "2 one" is no day in January.
        return None
    days = [number for number in numbers if len(number) <= 2 and int(number) == found.day]
    years = [number for number in numbers if len(number) == 4 and int(number) == found.year >= 1000]
    if len(numbers) == 2 and not years and _SHORT_YEAR.fullmatch(text) and abs(found.year - base.year) <= _NEAR:
        years = [number for number in numbers[1:] if int(number) == found.year % 100]
        days = days[:1]
    return Guess(found) if len(days) == 1 and len(days) + len(years) == len(numbers) else None


def _counts(text: str, here: Calendar) -> bool:
    """Tell whether a text counts units of time, each once, or names a day and nothing else that is about time."""
    parts = _parts(text)
    if any(named_days(part, here.language) is not None for part in parts):
        return not _said(text, here, *_UNITS, "in", "ago") and frozenset() not in {
            named_days(part, here.language) for part in parts
        }
    numbers, units = len(re.findall(r"\d+", text)), len(_said(text, here, *_UNITS))
    return numbers <= max(units, 1) and units <= max(numbers, 1)


def _said(text: str, here: Calendar, *kinds: str) -> list[str]:
    """Return the words of a text that dateparser counts among these kinds."""
    known = {fold(name) for each in _languages(here.language) for kind in kinds for name in _info(each).get(kind, ())}
    # One letter is another word as well: "il y a 3 jours".
    known -= {*here.weekdays, *here.months}
    return [part for part in _parts(text) if len(part) > 1 and part in known]


def _names_month(text: str, month: int, here: Calendar) -> bool:
    said = f" {' '.join(_parts(text))} "
    names = {name for name, number in here.months.items() if number == month}
    names |= {fold(name) for each in _languages(here.language) for name in _info(each).get(_MONTHS[month - 1], ())}
    return any(f" {name} " in said for name in names)


def _parts(text: str) -> list[str]:
    return fold(re.sub(r"\d+", " ", text)).split()


def _tells_before_or_after(text: str, here: Calendar) -> bool:
    # "Ago" is August in Portuguese.
    parts = {*fold(text).split()} - {*here.months}
    told = (_info(name).get(word, ()) for name in _languages(here.language) for word in ("in", "ago"))
    return any(fold(name) in parts for names in told for name in names)


def _ask(text: str, base: datetime, here: Calendar, past: bool, parser: str) -> tuple[datetime, str] | None:
    from dateparser.date import DateDataParser

    settings = {
        "RELATIVE_BASE": base,
        "PREFER_DATES_FROM": "past" if past else "future",
        "DATE_ORDER": "DMY" if here.day_first else "MDY",
        "REQUIRE_PARTS": ["day", "month"],
        "PARSERS": [parser],
    }
    try:
        found = DateDataParser(languages=_languages(here.language), settings=settings).get_date_data(text)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # dateparser trips over some inputs, a different one in each release: nothing was read.
        return None
    return None if found.date_obj is None else (found.date_obj, str(found.period))


@lru_cache(maxsize=64)
def _info(language: str) -> Mapping[str, Mapping[str, Sequence[str]]]:
    info: Mapping[str, Mapping[str, Sequence[str]]] = import_module(
        f"dateparser.data.date_translation_data.{language}"
    ).info
    return info


def _languages(language: str) -> list[str]:
    from dateparser.data.languages_info import language_order

    return [name for name in dict.fromkeys((language, "en")) if name in language_order]
