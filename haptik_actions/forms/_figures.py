"""Days written in figures: `2027-04-03`, `3/4/2027`, `3.4.`. Two numbers in no certain order are two days."""

from __future__ import annotations

import re
from datetime import date

import msgspec

from haptik_actions.answers import fold
from haptik_actions.forms._locale import Calendar

__all__ = ["DateReading", "Frame", "day_of", "in_figures", "nearest", "on_weekday"]

_ISO = re.compile(r"(\d{4})(?:-|/|\.) ?(\d{1,2})(?:-|/|\.) ?(\d{1,2})(?:\.|T\d\d:\d\d(?::\d\d)?)?")
# What stands behind the numbers of a date in Chinese, Japanese and Korean.
_SIGNED = re.compile(r"(?:(\d{4}) ?[年년] ?)?(\d{1,2}) ?[月월] ?(\d{1,2}) ?[日일]?")
_NUMERIC = re.compile(r"(\d{1,2}) ?([./\- ]) ?(\d{1,2})(?: ?[./\- ] ?(\d{4}|\d{2}))?\.?")
_CENTURY = 100


class DateReading(msgspec.Struct, frozen=True):
    """The days that a text can mean, likeliest first; `sure` where the only one needs no question."""

    days: tuple[date, ...] = ()
    sure: bool = True


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What a day is read against.

    Attributes:
        today: The day it is for the user.
        start: Where "3 days" begins to count; today where there is none.
        past: A day without a year is the latest one gone by, not the next one to come.
        whole_year: A day without a year is no answer, and years of two digits lie in the past.
    """

    today: date
    start: date | None = None
    past: bool = False
    whole_year: bool = False


def in_figures(plain: str, here: Calendar, frame: Frame) -> DateReading | None:
    """Read a day that is written in figures alone; None where the text is something else."""
    text = " ".join(plain.split())
    iso = _ISO.fullmatch(text)
    if iso:
        return _reading([day_of(int(iso[1]), int(iso[2]), int(iso[3]))])
    signed = _SIGNED.match(text)
    if signed:
        return _signed(signed, text[signed.end() :], here, frame)
    match = _NUMERIC.fullmatch(text)
    return _numeric(match, here, frame) if match else None


def _signed(match: re.Match[str], rest: str, here: Calendar, frame: Frame) -> DateReading | None:
    """Read 2027年4月3日, and 2027年4月3日土曜日, whose weekday no space sets apart."""
    reading = _reading([_with_year(int(match[3]), int(match[2]), match[1], frame)])
    if not rest:
        return reading
    weekday = here.weekdays.get(fold(rest))
    return None if weekday is None else on_weekday(reading, weekday)


def on_weekday(reading: DateReading, weekday: int) -> DateReading:
    """Take the day that is such a weekday. Where another one could be meant, or none is, the user says so."""
    fitting = tuple(day for day in reading.days if day.weekday() == weekday)
    return DateReading(fitting or reading.days, sure=reading.sure and len(reading.days) == 1 and bool(fitting))


def day_of(year: int, month: int, day: int) -> date | None:
    """Return a day of the calendar; None for a 31 April."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def nearest(day: int, month: int, frame: Frame) -> date | None:
    """Return the next such day, or the latest one gone by."""
    today = frame.today
    # Eight years hold a 29 February, whatever the century does.
    years = range(today.year, today.year - 9, -1) if frame.past else range(today.year, today.year + 9)
    found = (day_of(year, month, day) for year in years)
    return next((each for each in found if each and (each <= today if frame.past else each >= today)), None)


def _reading(found: list[date | None], sure: bool = True) -> DateReading:
    return DateReading(tuple(dict.fromkeys(day for day in found if day is not None)), sure)


def _numeric(match: re.Match[str], here: Calendar, frame: Frame) -> DateReading:
    first, separator, second, year = int(match[1]), match[2], int(match[3]), match[4]
    orders = [(first, second), (second, first)] if here.day_first else [(second, first), (first, second)]
    if separator == "." and here.dots:
        # Where people write dates with dots, the day comes first.
        orders = orders[:1]
    # "12-15" and "12 15" may be two days of a month.
    sure = year is not None or separator not in "- "
    return _reading([_with_year(day, month, year, frame) for day, month in orders], sure)


def _with_year(day: int, month: int, year: str | None, frame: Frame) -> date | None:
    if year is None:
        return None if frame.whole_year else nearest(day, month, frame)
    if len(year) == 4:
        return day_of(int(year), month, day)
    found = day_of(frame.today.year // _CENTURY * _CENTURY + int(year), month, day)
    if found is None or not frame.whole_year or found <= frame.today:
        return found
    return day_of(found.year - _CENTURY, month, day)
