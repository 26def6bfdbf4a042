"""Days as values of fields: one within bounds, a day of birth, the end of a pair, several days."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import takewhile

from haptik_actions.answers import fold
from haptik_actions.forms._dates import DateReading, read_date
from haptik_actions.forms._locale import FormWords
from haptik_actions.forms._situation import Doubt, Invalid, Outcome, Situation, Valid, Value
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.forms._texts import pieces

__all__ = ["as_date", "read_birthday", "read_day", "read_days"]

_OLDEST = 130
_MOST_DAYS = 62
_YEAR = re.compile(r"\s*\d{4}(?![\d./-])")
_BARE_DAY = re.compile(r"(\d{1,2})\.?")


def as_date(value: Value) -> date | None:
    """Return the date of a field's value."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def read_day(form: FormSpec, field: FieldSpec, text: str, values: Mapping[str, Value], at: Situation) -> Outcome:
    """Read a `date`, `startdate` or `enddate`; an end lies on its start or after it."""
    begins = form.start_of(field) if field.type == "enddate" else None
    start = as_date(values.get(begins.slot)) if begins else None
    latest = _bound(field.rules.latest, at.today)
    past = latest is not None and latest <= at.today
    reading = read_date(text, at.today, at.calendar, at.words, start=start, past=past)
    return _outcome(reading, lambda day: _misfit(field, day, at, start))


def read_birthday(field: FieldSpec, text: str, at: Situation) -> Outcome:
    """Read a `dob`: the year included, not in the future, not longer ago than people live."""
    reading = read_date(text, at.today, at.calendar, at.words, past=True, whole_year=True)

    def misfit(day: date) -> Invalid | None:
        if day > at.today:
            return Invalid("haptik_form_error_future")
        if day.year < at.today.year - _OLDEST:
            return Invalid("haptik_form_error_too_old")
        return _misfit(field, day, at, None)

    outcome = _outcome(reading, misfit)
    return Invalid("haptik_form_error_dob") if outcome == Invalid("haptik_form_error_date") else outcome


def read_days(field: FieldSpec, text: str, at: Situation) -> Outcome:
    """Read a `multidaypicker`: "12, 14 and 16 Aug", "12-15 Aug", "Mon, Wed"."""
    days: set[date] = set()
    following = ""
    # Single spaces and line feeds: a long gap is nothing to look for the end of from each of its places.
    lines = (" ".join(line.split()) for line in text.splitlines())
    for piece in reversed(pieces(_as_one("\n".join(lines), at), at.words)):
        found = _range(piece, following, at) or _range_of_one(_with_month(piece, following), at)
        if isinstance(found, Invalid):
            return found
        days |= {*found}
        following = piece if not _BARE_DAY.fullmatch(piece) else following
    misfits = [invalid for day in sorted(days) if (invalid := _misfit(field, day, at, None))]
    if misfits:
        return misfits[0]
    return Valid([day.isoformat() for day in sorted(days)]) if days else Invalid("haptik_form_error_days")


def _as_one(text: str, at: Situation) -> str:
    """Keep "Friday, 13 August" and "August 13, 2027" in one piece: a comma before a year or behind a weekday joins."""
    first, *others = text.split(",")
    joined = [first]
    for part in others:
        if _YEAR.match(part) and first[-1:].isalnum():
            joined.append(f" {part}")
        elif _ends_in_weekday(first, at) and _is_dated(part, at):
            joined.append(f" {_without_first_lead(part, at.words)}")
        else:
            joined.append(f",{part}")
        first = part
    return "".join(joined)


def _ends_in_weekday(part: str, at: Situation) -> bool:
    words = part.rsplit(maxsplit=1)
    return bool(words) and fold(words[-1]) in at.calendar.weekdays


def _is_dated(part: str, at: Situation) -> bool:
    """Tell whether a number stands among the first three words, before an "and" begins another day."""
    joining = {fold(word) for word in at.words.said["and"]}
    words = list(takewhile(lambda word: fold(word) not in joining, part.split(maxsplit=3)[:3]))
    return any(character.isdecimal() for word in words for character in word.split(";")[0])


def _without_first_lead(part: str, words: FormWords) -> str:
    first, _, rest = part.strip().partition(" ")
    return rest if fold(first) in {fold(word) for word in words.said["on"]} else part.strip()


def _outcome(reading: DateReading, misfit: Callable[[date], Invalid | None]) -> Outcome:
    if not reading.days:
        return Invalid("haptik_form_error_date")
    fitting = [day for day in reading.days if misfit(day) is None]
    if not fitting:
        return misfit(reading.days[0]) or Invalid("haptik_form_error_date")
    if len(fitting) == 1 and reading.sure and len(reading.days) == 1:
        return Valid(fitting[0].isoformat())
    return Doubt(tuple(day.isoformat() for day in fitting))


def _misfit(field: FieldSpec, day: date, at: Situation, start: date | None) -> Invalid | None:
    if start is not None and day < start:
        return Invalid("haptik_form_error_end_before_start", {"start": at.calendar.show_date(start)})
    earliest, latest = _bound(field.rules.earliest, at.today), _bound(field.rules.latest, at.today)
    if earliest is not None and day < earliest:
        return Invalid("haptik_form_error_earliest", {"earliest": at.calendar.show_date(earliest)})
    if latest is not None and day > latest:
        return Invalid("haptik_form_error_latest", {"latest": at.calendar.show_date(latest)})
    return None


def _bound(bound: str | None, today: date) -> date | None:
    if bound is None or bound == "today":
        return None if bound is None else today
    return as_date(bound) or today + timedelta(days=int(bound))


def _with_month(piece: str, following: str) -> str:
    """Complete "12" from the "16 Aug" behind it."""
    if not _BARE_DAY.fullmatch(piece) or not following:
        return piece
    number = piece.rstrip(".")
    iso = re.fullmatch(r"(\d{4}-\d{1,2}-)\d{1,2}", following)
    return f"{iso[1]}{number}" if iso else re.sub(r"\d{1,2}", number, following, count=1)


def _range(piece: str, following: str, at: Situation) -> list[date] | Invalid | None:
    to = sorted(at.words.said["to"], key=len, reverse=True)
    joined = "|".join([r" ?[–—] ?", " - ", r"(?<=\d\.)-", r"(?<=\d)-(?=\d{1,2}(?:\.?\s|$))", *_spaced(to)])
    ends = re.split(joined, piece, maxsplit=1, flags=re.IGNORECASE)
    if len(ends) != 2 or (re.fullmatch(r"[\d.\-/]+", piece) and ".-" not in piece):
        return None
    begin, end = (_without_lead(part.strip(), at.words) for part in ends)
    last = _range_of_one(_with_month(end, following if _BARE_DAY.fullmatch(begin) else begin), at)
    first = _range_of_one(_with_month(begin, end), at)
    if not isinstance(first, list) or not isinstance(last, list):
        return first if not isinstance(first, list) else last
    length = (last[0] - first[0]).days + 1
    if not 1 <= length <= _MOST_DAYS:
        return Invalid("haptik_form_error_days")
    return [first[0] + timedelta(days=number) for number in range(length)]


def _without_lead(text: str, words: FormWords) -> str:
    """Leave out words such as "from" before, or the Hindi "to" behind: "from 12" is a number that wants its month."""
    around, parts = {fold(word) for word in words.said["on"]}, text.split()
    kept = [place for place, part in enumerate(parts) if fold(part) not in around]
    return " ".join(parts[kept[0] : kept[-1] + 1]) if kept else text


def _spaced(words: Sequence[str]) -> list[str]:
    return [rf"\s{re.escape(word)}\s" for word in words]


def _range_of_one(piece: str, at: Situation) -> list[date] | Invalid:
    reading = read_date(piece, at.today, at.calendar, at.words)
    if not reading.days:
        return Invalid("haptik_form_error_days")
    if len(reading.days) > 1 or not reading.sure:
        return Invalid("haptik_form_error_days_doubt", {"piece": piece})
    return [reading.days[0]]
