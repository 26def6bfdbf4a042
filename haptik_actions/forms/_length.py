"""Days that are counted: "in 3 days", "a week", "1 week and 2 days", "2 days ago"."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from haptik_actions.forms._figures import DateReading, Frame
from haptik_actions.forms._lexer import Token
from haptik_actions.forms._lexicon import Counting, Lexicon, spoken
from haptik_actions.forms._words import FormWords

__all__ = ["counted"]

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
