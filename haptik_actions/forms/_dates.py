"""Days that a person writes. What can be two days is both of them: the user says which, nobody guesses."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib import import_module

import msgspec

from haptik_actions.answers import fold
from haptik_actions.forms._locale import Calendar
from haptik_actions.forms._words import FormWords

__all__ = ["DateReading", "read_date"]

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})\s*([./\- ])\s*(\d{1,2})(?:\s*[./\- ]\s*(\d{4}|\d{2}))?\.?")
_NOTHING_BUT_NUMBERS = re.compile(r"[\d\W]*")
_YEAR = re.compile(r"\d{4}")
_DIRECTION = re.compile("[\u061c\u200e\u200f]")
_LONGEST = 60
_CENTURY = 100


class DateReading(msgspec.Struct, frozen=True):
    """The days that a text can mean, likeliest first; `sure` where the only one needs no question."""

    days: tuple[date, ...] = ()
    sure: bool = True


def read_date(
    text: str,
    today: date,
    here: Calendar,
    words: FormWords,
    *,
    start: date | None = None,
    past: bool = False,
    whole_year: bool = False,
) -> DateReading:
    """Read one day.

    Args:
        text: What the user wrote: `2027-04-03`, `3/4/2027`, `12 Aug`, `tomorrow`, `next Friday`.
        today: The day it is for the user.
        here: The user's language.
        words: Its words for today, tomorrow and next.
        start: Where "3 days" begins to count; today where there is none.
        past: A day without a year is the latest one gone by, not the next one to come.
        whole_year: A day without a year is no answer, and years of two digits lie in the past.
    """
    plain = _digits(text)
    if len(plain) > _LONGEST:
        return DateReading()
    iso = _ISO.fullmatch(plain)
    if iso:
        return _days([_day(int(iso[1]), int(iso[2]), int(iso[3]))])
    if _NOTHING_BUT_NUMBERS.fullmatch(plain):
        match = _NUMERIC.fullmatch(plain)
        return _numeric(match, today, here, past, whole_year) if match else DateReading()
    if whole_year and not _YEAR.search(plain):
        return DateReading()
    with_month = _with_month_name(plain, today, here, past)
    if with_month is not None:
        return with_month
    return _named(plain, today, here, words, past) or _written(_without_lead(plain, words), today, here, start, past)


def _digits(text: str) -> str:
    # CLDR's Arabic dates hold marks of direction, which nobody sees.
    normal = _DIRECTION.sub("", unicodedata.normalize("NFKC", text)).strip()
    return "".join(str(unicodedata.decimal(character, character)) for character in normal)


def _days(found: list[date | None], sure: bool = True) -> DateReading:
    return DateReading(tuple(dict.fromkeys(day for day in found if day is not None)), sure)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _numeric(match: re.Match[str], today: date, here: Calendar, past: bool, whole_year: bool) -> DateReading:
    first, separator, second, year = int(match[1]), match[2], int(match[3]), match[4]
    if year is None and whole_year:
        return DateReading()
    orders = [(first, second), (second, first)] if here.day_first else [(second, first), (first, second)]
    if separator == "." and here.dots:
        # Where people write dates with dots, the day comes first.
        orders = orders[:1]
    return _days([_with_year(day, month, year, today, past, whole_year) for day, month in orders])


def _with_year(day: int, month: int, year: str | None, today: date, past: bool, whole_year: bool) -> date | None:
    if year is None:
        return _nearest(day, month, today, past)
    if len(year) == 4:
        return _day(int(year), month, day)
    found = _day(today.year // _CENTURY * _CENTURY + int(year), month, day)
    if found is None or not whole_year or found <= today:
        return found
    return _day(found.year - _CENTURY, month, day)


def _nearest(day: int, month: int, today: date, past: bool) -> date | None:
    # Eight years hold a 29 February, whatever the century does.
    years = range(today.year, today.year - 9, -1) if past else range(today.year, today.year + 9)
    found = (_day(year, month, day) for year in years)
    return next((day for day in found if day and (day <= today if past else day >= today)), None)


def _with_month_name(text: str, today: date, here: Calendar, past: bool) -> DateReading | None:
    """Read a day, the month as CLDR calls it, and perhaps a year, in any order; dateparser knows most of them."""
    parts = fold(text).split()
    months = [here.months[part] for part in parts if part in here.months]
    numbers = [int(part) for part in parts if part.isdecimal()]
    days = [number for number in numbers if number <= 31]
    if len(months) != 1 or len(days) != 1 or len(numbers) > 2 or len(parts) != 1 + len(numbers):
        return None
    years = [number for number in numbers if number > 31]
    if years and years[0] < 1000:
        return None
    return _days([_day(years[0], months[0], days[0]) if years else _nearest(days[0], months[0], today, past)])


def _named(text: str, today: date, here: Calendar, words: FormWords, past: bool) -> DateReading | None:
    """Read today, tomorrow, and days of the week, of which dateparser knows no next one."""
    if words.means("today", text):
        return DateReading((today,))
    either = _either_way(fold(text), here.language)
    # What the store calls tomorrow is, also where the language has one word for both: it is what the buttons say.
    if words.means("tomorrow", text) and not (either and past):
        return DateReading((today + timedelta(days=1),))
    if either:
        days = [today + timedelta(days=either), today - timedelta(days=either)]
        return _days([*reversed(days)] if past else [*days])
    parts = fold(text)
    following = {fold(word) for word in words.said["next"]}
    around = {fold(word) for word in words.said["on"]} | {*words.answers.fillers}
    name = " ".join(part for part in parts.split() if part not in following | around)
    if name not in here.weekdays:
        return None
    ahead = (here.weekdays[name] - today.weekday() - 1) % 7 + 1
    days = [today + timedelta(days=ahead), today + timedelta(days=ahead + 7)]
    # Said on a Wednesday, next Friday is the one in two days for some and the one after it for others.
    return DateReading(tuple(days if set(parts.split()) & following else days[:1]))


@lru_cache(maxsize=1024)
def _either_way(folded: str, language: str) -> int:
    """Return how many days away a word is in a language that has one word for yesterday and tomorrow; or 0: Hindi."""
    from dateparser.data import languages_info

    if " " in folded or language not in languages_info.language_order:
        return 0
    data = import_module(f"dateparser.data.date_translation_data.{language}")
    said = {when: {*map(fold, names)} for when, names in data.info.get("relative-type", {}).items()}
    if not said.get("1 day ago", set()) & said.get("in 1 day", set()):
        return 0
    if folded in said["1 day ago"] & said["in 1 day"]:
        return 1
    return 2 if folded in said.get("2 day ago", set()) | said.get("in 2 day", set()) else 0


def _without_lead(text: str, words: FormWords) -> str:
    # "for a week", "on 12 August": dateparser stumbles over some of the words before.
    first, _, rest = text.partition(" ")
    return rest if rest and any(fold(word) == fold(first) for word in words.said["on"]) else text


def _written(text: str, today: date, here: Calendar, start: date | None, past: bool) -> DateReading:
    found, period = _ask_dateparser(text, today, here, past)
    if found is None:
        return DateReading()
    if start is not None and start != today:
        counted = _ask_dateparser(text, start, here, past)[0]
        # A day that moves with where one stands is a length of time, or it is said without a number: "tomorrow".
        if counted and counted - found == start - today and (period != "day" or re.search(r"\d", text)):
            return DateReading((counted,))
    named = [here.weekdays[word] for word in fold(text).split() if word in here.weekdays]
    return DateReading((found,), sure=found.weekday() in named or not named)


def _ask_dateparser(text: str, base: date, here: Calendar, past: bool) -> tuple[date | None, str]:
    from dateparser.date import DateDataParser

    settings = {
        "RELATIVE_BASE": datetime(base.year, base.month, base.day, 12),
        "PREFER_DATES_FROM": "past" if past else "future",
        "DATE_ORDER": "DMY" if here.day_first else "MDY",
        "REQUIRE_PARTS": ["day", "month"],
        "PARSERS": ["relative-time", "absolute-time"],
        "RETURN_AS_TIMEZONE_AWARE": False,
    }
    try:
        found = DateDataParser(languages=_languages(here.language), settings=settings).get_date_data(text)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # dateparser trips over some inputs, a different one in each release: nothing was read.
        return None, ""
    if found.date_obj is None:
        return None, ""
    return found.date_obj.date(), str(found.period)


def _languages(language: str) -> list[str]:
    from dateparser.data.languages_info import language_order

    return [name for name in dict.fromkeys((language, "en")) if name in language_order]
