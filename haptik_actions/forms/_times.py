"""Times of day that a person writes. `7` is both of them where people count to twelve."""

from __future__ import annotations

import re
import unicodedata
from datetime import time

from haptik_actions.answers import fold
from haptik_actions.forms._locale import Calendar
from haptik_actions.forms._words import FormWords

__all__ = ["read_time", "written_time"]

_CLOCK = re.compile(r"(?P<before>[^\d]*?)\s*(?P<hour>\d{1,2})(?:\s*[:.h]\s*(?P<minute>\d{2}))?\s*(?P<after>[^\d]*)")
_EXACT = re.compile(r"T(\d{2}):(\d{2})")
_LONGEST = 40
_NAMED = {"noon": time(12), "midnight": time(0)}


def written_time(at: time) -> str:
    """Write a time so that it is read as the same one in every language."""
    return f"T{at:%H:%M}"


def read_time(text: str, here: Calendar, words: FormWords) -> tuple[time, ...]:
    """Return the times that a text can mean, likeliest first: `23:45`, `11.45 pm`, `noon`, `7`."""
    plain = "".join(str(unicodedata.decimal(c, c)) for c in unicodedata.normalize("NFKC", text).strip())
    exact = _EXACT.fullmatch(plain)
    if exact:
        return _times([(int(exact[1]), int(exact[2]))])
    named = _NAMED.get(here.periods.get(fold(plain), ""))
    if named is not None:
        return (named,)
    match = _CLOCK.fullmatch(plain) if len(plain) <= _LONGEST else None
    if match is None:
        return ()
    periods = _periods(f"{match['before']} {match['after']}", here, words)
    if periods is None:
        return ()
    return _times(_hours(match, periods, here))


def _periods(around: str, here: Calendar, words: FormWords) -> set[str] | None:
    """The parts of the day that are named around the numbers; None where there are other words as well."""
    said = {fold(word) for word in words.said["clock"]} | {*words.answers.fillers}
    rest = " ".join(part for part in fold(around).split() if part not in said)
    if not rest:
        return set()
    period = here.periods.get(rest)
    return {period} if period in ("am", "pm") else None


def _hours(match: re.Match[str], periods: set[str], here: Calendar) -> list[tuple[int, int]]:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if periods:
        return [(hour % 12 + (12 if "pm" in periods else 0), minute)] if 1 <= hour <= 12 else [(hour, minute)]
    on_24 = here.clock_of_24 or hour > 12 or hour == 0 or (match["hour"].startswith("0") and match["minute"])
    if on_24:
        return [(hour, minute)]
    early, late = (hour % 12, minute), (hour % 12 + 12, minute)
    # In doubt by day: people book things between seven and seven.
    return [early, late] if 7 <= hour < 12 else [late, early]


def _times(hours: list[tuple[int, int]]) -> tuple[time, ...]:
    return tuple(time(hour, minute) for hour, minute in hours if hour < 24 and minute < 60)
