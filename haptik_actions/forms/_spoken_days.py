"""Days in words: one of the calendar ("12 August", "3 de mayo"), or one that is counted ("in 3 days", "a week ago")."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from haptik_actions.forms._figures import DateReading, Frame, day_of, nearest
from haptik_actions.forms._lexicon import Counting, Lexicon, Phrases, Token, meaning, spoken
from haptik_actions.forms._locale import Calendar, FormWords

__all__ = ["CalendarDay", "counted"]

_FULL_YEAR, _SHORT_YEAR = 4, 2
_CENTURY = 100
# A year of two digits lies within so many years.
_NEAR = 20
# "December 4th Friday" is the fourth Friday of it to some: a month has five at most.
_MOST_WEEKS = 5
_TIGHT = frozenset("-/")
_LOOSE = frozenset(",()،、，")


class _Number(NamedTuple):
    """A number: its digits, empty where it is spelled; whether an ending follows ("3rd"); how many parts precede it."""

    value: int
    digits: str
    ending: bool
    place: int


class CalendarDay:
    """The parts of one such day."""

    def __init__(
        self,
        run: Sequence[Token],
        here: Calendar,
        lexicon: Lexicon,
        words: FormWords,
        frame: Frame,
        weekdays: Phrases[int],
    ) -> None:
        self._run, self._lexicon, self._frame, self._weekdays = run, lexicon, frame, weekdays
        self._month_names = meaning(tuple(here.months.items()))
        self._signs = spoken(here.date_signs)
        spelled = [(word, place) for place, said in enumerate(words.answers.ordinals, start=1) for word in said]
        self._spelled = meaning((*words.numbers("hours").items(), *spelled))
        self._months: list[tuple[int, int]] = []
        self._numbers: list[_Number] = []
        self._weekday: int | None = None

    def read(self) -> DateReading | None:
        """Return the day; None where the run is none, or holds anything besides."""
        place = 0
        while place < len(self._run):
            behind = self._part(place)
            if behind is None:
                return None
            place = behind
        day = self._day() if len(self._months) == 1 else None
        if day is None:
            return None
        sure = all(number.digits for number in self._numbers) and self._weekday in (None, day.weekday())
        return DateReading((day,), sure)

    def _part(self, place: int) -> int | None:
        """Take the part that begins at a place, and return the place behind it; None where it has no meaning here."""
        token, parts = self._run[place], len(self._months) + len(self._numbers)
        if token.kind == "mark":
            return place + 1 if parts and self._may_stand(place) else None
        month = self._month_names.at(self._run, place)
        if month is not None:
            self._months.append((month[0], parts))
            return month[1]
        if token.kind == "number":
            return self._take_number(place, parts)
        linking = (self._lexicon.linking.at(self._run, place) or self._signs.at(self._run, place)) if parts else None
        if linking is not None:
            return linking[1]
        spelled = self._spelled.at(self._run, place)
        if spelled is not None:
            self._numbers.append(_Number(spelled[0], "", False, parts))
            return spelled[1]
        return self._take_weekday(place)

    def _take_number(self, place: int, parts: int) -> int | None:
        token, behind = self._run[place], place + 1
        if len(token.text) > _FULL_YEAR:
            return None
        point = behind < len(self._run) and self._run[behind].text == "." and self._run[behind].tight
        ending = behind + 1 if point else behind
        ended = ending < len(self._run) and self._run[ending].tight and self._run[ending].text in self._lexicon.ordinals
        self._numbers.append(_Number(int(token.text), token.text, ended, parts))
        return ending + 1 if ended else behind

    def _take_weekday(self, place: int) -> int | None:
        """Take the day of the week at the end of it all."""
        found = self._weekdays.at(self._run, place)
        if found is None or found[1] != len(self._run) or not place:
            return None
        last = self._numbers[-1] if self._numbers else None
        behind_it = last is not None and last.place == len(self._months) + len(self._numbers) - 1
        if last is not None and behind_it and last.value <= _MOST_WEEKS and self._run[place - 1].kind != "mark":
            return None
        self._weekday = found[0]
        return found[1]

    def _may_stand(self, place: int) -> bool:
        """Tell whether a mark says nothing where it stands: "3. Mai", "12-Aug-2027", "Aug 12, 2027", "Aug '27"."""
        mark, before = self._run[place], self._run[place - 1]
        after = self._run[place + 1] if place + 1 < len(self._run) else None
        numbers = before.kind == "number" and after is not None and after.kind == "number"
        if mark.text in "'’":
            return after is not None and after.tight and len(after.text) == _SHORT_YEAR and before.kind == "word"
        if numbers:
            return mark.text in ",،"
        if mark.text in _TIGHT:
            return mark.tight and after is not None and after.tight and "mark" not in (before.kind, after.kind)
        return mark.text in _LOOSE or (mark.text == "." and mark.tight)

    def _day(self) -> date | None:
        month, numbers = self._months[0][0], self._numbers
        if len(numbers) == 1 and not self._frame.whole_year:
            return nearest(numbers[0].value, month, self._frame) if len(numbers[0].digits) <= _SHORT_YEAR else None
        if len(numbers) != 2:
            return None
        years = [each for each in numbers if len(each.digits) == _FULL_YEAR and not each.ending]
        if len(years) == 1:
            day = next(each for each in numbers if each is not years[0])
            return day_of(years[0].value, month, day.value) if years[0].value >= 1000 else None
        return None if self._frame.whole_year else self._with_short_year(month)

    def _with_short_year(self, month: int) -> date | None:
        """Read "12 Aug 27": a day, a month and a year of two digits, in this order."""
        day, year = self._numbers
        if (day.place, self._months[0][1], year.place) != (0, 1, 2) or len(year.digits) != _SHORT_YEAR or year.ending:
            return None
        today = self._frame.today
        full = today.year // _CENTURY * _CENTURY + year.value
        near = (
            range(today.year - _NEAR, today.year + 1) if self._frame.past else range(today.year, today.year + _NEAR + 1)
        )
        return day_of(full, month, day.value) if full in near else None


_MOST_DIGITS = 4
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}


class _Part(NamedTuple):
    number: int
    way: Counting
    behind: int


def counted(run: Sequence[Token], lexicon: Lexicon, words: FormWords, frame: Frame) -> DateReading | None:
    """Return the day that a length of time leads to; None where the run is no such length.

    A bare length counts from the start of a pair, where there is one. "In 3 days" may be said of today or of the start.
    """
    before = lexicon.before.at(run, 0)
    parts = _parts(run, before[1] if before else 0, lexicon, words)
    if parts is None and before:
        before, parts = None, _parts(run, 0, lexicon, words)
    if not parts:
        return None
    after = lexicon.after.at(run, parts[-1].behind)
    if (after[1] if after else parts[-1].behind) != len(run):
        return None
    directions = {part.way.direction for part in parts} | ({1} if before or after else set())
    if {1, -1} <= directions or len({part.way.unit for part in parts}) != len(parts):
        return None
    if directions == {0} and not all(part.way.suits(part.number) for part in parts):
        # "6 month" may be June.
        return None
    return _reading(parts, directions, frame)


def _reading(parts: Sequence[_Part], directions: set[int], frame: Frame) -> DateReading | None:
    sign = -1 if -1 in directions else 1
    starts = [frame.today]
    if frame.start is not None and sign > 0:
        starts = [frame.start] if directions == {0} else [frame.start, frame.today]
    days = [_moved(start, parts, sign) for start in starts]
    return DateReading(tuple(dict.fromkeys(day for day in days if day is not None))) if any(days) else None


def _parts(run: Sequence[Token], place: int, lexicon: Lexicon, words: FormWords) -> list[_Part] | None:
    joining = spoken(words.said["and"])
    parts: list[_Part] = []
    while place < len(run):
        joined = joining.at(run, place) if parts else None
        part = _part(run, joined[1] if joined else place, lexicon)
        if part is None:
            break
        parts.append(part)
        place = part.behind
    return parts or None


def _part(run: Sequence[Token], place: int, lexicon: Lexicon) -> _Part | None:
    found = [part for way in lexicon.countings if (part := _way_at(run, place, way, lexicon)) is not None]
    # The longest reading counts, and of two as long as each other the one that the number goes with.
    return max(found, key=lambda part: (part.behind, part.way.suits(part.number)), default=None)


def _way_at(run: Sequence[Token], place: int, way: Counting, lexicon: Lexicon) -> _Part | None:
    behind = _same(run, place, way.before)
    if behind is None:
        return None
    number = way.fixed
    if number is None:
        said = _number_at(run, behind, lexicon)
        if said is None:
            return None
        number, behind = said
    end = _same(run, behind, way.after)
    return None if end is None else _Part(number, way, end)


def _number_at(run: Sequence[Token], place: int, lexicon: Lexicon) -> tuple[int, int] | None:
    if place < len(run) and run[place].kind == "number":
        return (int(run[place].text), place + 1) if len(run[place].text) <= _MOST_DIGITS else None
    return lexicon.numbers.at(run, place)


def _same(run: Sequence[Token], place: int, words: tuple[str, ...]) -> int | None:
    end = place + len(words)
    return end if tuple(token.text for token in run[place:end]) == words else None


def _moved(start: date, parts: Sequence[_Part], sign: int) -> date | None:
    months = sum(_MONTHS.get(part.way.unit[0], 0) * part.number * part.way.unit[1] for part in parts)
    days = sum(_DAYS.get(part.way.unit[0], 0) * part.number * part.way.unit[1] for part in parts)
    try:
        year, month = divmod(start.year * 12 + start.month - 1 + sign * months, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(start.day, last)) + timedelta(days=sign * days)
    except (ValueError, OverflowError):
        return None
