"""Days that a person writes. What can be two days is both of them: the user says which, nobody guesses."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

import msgspec

from haptik_actions.answers import fold
from haptik_actions.forms._guesses import guess, named_days
from haptik_actions.forms._locale import Calendar
from haptik_actions.forms._words import FormWords

__all__ = ["DateReading", "read_date", "without_lead"]

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:T\d\d:\d\d(?::\d\d)?)?")
# What stands behind the numbers of a date in Chinese, Japanese and Korean.
_SIGNED = re.compile(r"(?:(\d{4})\s*[年년]\s*)?(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]?")
_NUMERIC = re.compile(r"(\d{1,2})\s*([./\- ])\s*(\d{1,2})(?:\s*[./\- ]\s*(\d{4}|\d{2}))?\.?")
_NOTHING_BUT_NUMBERS = re.compile(r"[\d\W]*")
_YEAR = re.compile(r"\d{4}")
_DIRECTION = re.compile("[\u061c\u200e\u200f]")
_LONGEST = 60
_CENTURY = 100
# A year further away than this is hardly what was meant.
_FAR = 120


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
    reading = _read(without_lead(plain, words), today, here, words, start, past, whole_year)
    far = any(abs(day.year - today.year) > _FAR for day in reading.days)
    return DateReading(reading.days, sure=reading.sure and not far)


def _read(
    plain: str, today: date, here: Calendar, words: FormWords, start: date | None, past: bool, whole_year: bool
) -> DateReading:
    if _NOTHING_BUT_NUMBERS.fullmatch(plain):
        match = _NUMERIC.fullmatch(plain)
        return _numeric(match, today, here, past, whole_year) if match else DateReading()
    if whole_year and not _YEAR.search(plain):
        return DateReading()
    signed = _SIGNED.fullmatch(plain)
    if signed:
        return _days([_with_year(int(signed[3]), int(signed[2]), signed[1], today, past, whole_year)])
    return (
        _with_month_name(plain, today, here, past)
        or _named(plain, today, here, words, past)
        or _written(plain, today, here, words, start, past)
    )


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
    days = [_with_year(day, month, year, today, past, whole_year) for day, month in orders]
    # "12-15" and "12 15" may be two days of a month.
    return _days(days, sure=year is not None or separator not in "- ")


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
    around = {fold(word) for word in words.said["on"]} | {*words.answers.fillers}
    away = named_days(fold(text), here.language)
    if away is None:
        away = named_days(" ".join(part for part in fold(text).split() if part not in around), here.language)
    either = away is not None and len(away) > 1
    # What the store calls tomorrow is, also where the language has one word for both: it is what the buttons say.
    if words.means("tomorrow", text) and not (either and past):
        return DateReading((today + timedelta(days=1),))
    if away is not None:
        return _days([today + timedelta(days=number) for number in sorted(away, reverse=not past)])
    parts, weekdays = fold(text), _weekdays(here, words)
    following = {fold(word) for word in words.said["next"]}
    name = " ".join(part for part in parts.split() if part not in following | around)
    if name not in weekdays:
        return None
    ahead = (weekdays[name] - today.weekday() - 1) % 7 + 1
    days = [today + timedelta(days=ahead), today + timedelta(days=ahead + 7)]
    # Said on a Wednesday, next Friday is the one in two days for some and the one after it for others.
    return DateReading(tuple(days if set(parts.split()) & following else days[:1]))


def _weekdays(here: Calendar, words: FormWords) -> dict[str, int]:
    own = {name: number - 1 for name, number in words.numbers("weekdays").items() if 1 <= number <= 7}
    return {**own, **here.weekdays}


def without_lead(text: str, words: FormWords) -> str:
    """Leave out "for", "on", or the Hindi "to" behind: dateparser stumbles over some of these words."""
    around = {fold(word) for word in words.said["on"]}
    # "Freitag, den 13. August"
    said = text.split()
    listed = {place + 1 for place, part in enumerate(said) if part.endswith(",")}
    parts = [part for place, part in enumerate(said) if place not in listed or fold(part) not in around]
    first = next((place for place, part in enumerate(parts) if fold(part) not in around), 0)
    last = next((place for place, part in reversed([*enumerate(parts)]) if fold(part) not in around), len(parts))
    return " ".join(parts[first : last + 1])


def _written(text: str, today: date, here: Calendar, words: FormWords, start: date | None, past: bool) -> DateReading:
    weekdays, parts = _weekdays(here, words), fold(text).split()
    named = [weekdays[part] for part in parts if part in weekdays]
    moving = [part for part in parts if words.means("today", part) or words.means("tomorrow", part)]
    moving += [part for part in parts if part not in moving and named_days(part, here.language)]
    numbers = [part for part in parts if moving and part in words.numbers("hours")]
    either = [part for part in moving if len(named_days(part, here.language) or ()) > 1]
    if len(named) + len(moving) > 1 or numbers or either:
        # "Heute Morgen" is today, "tomorrow, Friday" is two days at times, and "tomorrow two" may be a time.
        return DateReading()
    found = guess(text, today, here, past=past)
    if found is None:
        return DateReading()
    if start is not None and start != today:
        counted = guess(text, start, here, past=past)
        # A day that moves with where one stands is a length of time, or it is said without a number: "tomorrow".
        if counted and counted.day - found.day == start - today and (found.unit != "day" or re.search(r"\d", text)):
            return DateReading((counted.day,))
    return DateReading((found.day,), sure=found.sure and (found.day.weekday() in named or not named))
