"""Times of day that a person writes. `7` is both of them where people count to twelve."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import time
from typing import NamedTuple

from haptik_actions.answers import fold
from haptik_actions.forms._locale import AM, PM, Calendar, FormWords, Spans

__all__ = ["read_time", "tells_time", "written_time"]

_FIGURES = re.compile(
    r"(?P<before>\D*?)(?P<hour>\d{1,2})(?:(?P<between>\D{0,12}?)(?P<minute>\d{2}))?(?P<after>\D*)", re.DOTALL
)
_EXACT = re.compile(r"T(\d{2}):(\d{2})")
# Signs of money, of less than nothing, of a share, of a fraction: no times.
_NO_TIME = re.compile(r"[-−–+%/#*@&=<>~$€£₹¥^°]")
_LONGEST = 40
_NOON, _MIDNIGHT = frozenset({(720, 721)}), frozenset({(0, 1)})
# How far the parts of the day of people reach beyond those of CLDR: "5 in the evening".
_MARGIN = 120
_DAY = 1440


class _Said(NamedTuple):
    """What stands around an hour: minutes to add, parts of the day, and whether it was said to be a time."""

    minutes: int | None = None
    spans: Spans | None = None
    clock: bool = False


def written_time(at: time) -> str:
    """Write a time so that it is read as the same one in every language."""
    return f"T{at:%H:%M}"


def read_time(text: str, here: Calendar, words: FormWords) -> tuple[time, ...]:
    """Return the times that a text can mean, likeliest first: `23:45`, `11.45 pm`, `noon`, `7`, `half past two`.

    A time said in words counts to twelve in every language, so it can be two unless a part of the day is said.
    """
    plain = "".join(str(unicodedata.decimal(c, c)) for c in unicodedata.normalize("NFKC", text).strip())
    exact = _EXACT.fullmatch(plain)
    if exact:
        return _times([int(exact[1]) * 60 + int(exact[2])]) if int(exact[2]) < 60 else ()
    periods = _periods(here, words)
    named = periods.get(fold(plain)) or periods.get(_without(fold(plain).split(), _clock(here, words)), frozenset())
    moments = [first for first, end in named if end == first + 1]
    if moments:
        return _times(moments)
    if len(plain) > _LONGEST or _NO_TIME.search(plain):
        return ()
    match = _FIGURES.fullmatch(plain)
    return _times(_figures(match, here, words) if match else _in_words(fold(plain), here, words))


def tells_time(text: str, here: Calendar, words: FormWords, *, parts: bool) -> bool:
    """Tell whether a text shows to be a time of day: `17:30`, `5 pm`, `14 Uhr`; with `parts` "evening" as well."""
    folded = fold(text)
    periods = _periods(here, words)
    if not any(map(str.isdecimal, folded)):
        return parts and (folded in periods or _without(folded.split(), _clock(here, words)) in periods)
    signs = here.hour_signs | {name for name, spans in periods.items() if parts or spans in (AM, PM)}
    said = f" {' '.join(re.sub(r'[0-9]+', ' ', folded).split())} "
    shown = ":" in text or any(f" {sign} " in said for sign in signs)
    return shown and bool(read_time(text, here, words))


def _figures(match: re.Match[str], here: Calendar, words: FormWords) -> list[int]:
    hour, minute, between = int(match["hour"]), int(match["minute"] or 0), match["between"]
    said = _around(fold(match["before"]), fold(match["after"]), here, words)
    if said is None or hour > 24 or minute > 59 or not _joins(between, match["hour"], here):
        return []
    if said.minutes is not None:
        return _added(hour, said) if between is None and 1 <= hour <= 12 else []
    total = hour * 60 + minute
    if hour > 12 or hour == 0:
        # Only a clock of 24 hours has them, so a part of the day beside them has to agree: "22 in the morning" is none.
        return [total] if said.spans is None or _fits(total, said.spans) else []
    counts_on = here.clock_of_24 or (match["hour"].startswith("0") and bool(match["minute"]))
    return [total] if said.spans is None and counts_on else _by_day(total, said.spans)


def _joins(between: str | None, hour: str, here: Calendar) -> bool:
    """Tell whether what stands between hour and minutes may: `1730`, `17:30`, `17 h 30`, `17 Uhr 30`."""
    if not between:
        return between is None or len(hour) == 2
    return between.strip() in (":", ".") or fold(between) in here.hour_signs


def _in_words(folded: str, here: Calendar, words: FormWords) -> list[int]:
    hours, parts = words.numbers("hours"), folded.split()
    for place, part in reversed([*enumerate(parts)]):
        if part not in hours:
            continue
        said = _around(" ".join(parts[:place]), " ".join(parts[place + 1 :]), here, words)
        # "That one" is no time, and "at one" is.
        if said is not None and (len(parts) == 1 or said.clock or said.spans or said.minutes is not None):
            return _added(hours[part], said)
    return []


def _around(before: str, after: str, here: Calendar, words: FormWords) -> _Said | None:
    """Read what is said around an hour; None where there are other words as well."""
    clock = _clock(here, words)
    dropped = clock | {*words.answers.fillers}
    front, back = before.split(), after.split()
    heard = any(part in clock for part in front + back)
    while back and back[0] in clock:
        back = back[1:]
    minutes = None
    for phrase, number in words.numbers("minutes").items():
        parts = phrase.split()
        if front[-len(parts) :] == parts:
            minutes, front = number, front[: -len(parts)]
            break
        if back[: len(parts)] == parts:
            minutes, back = number, back[len(parts) :]
            break
    rest = _without(front + back, dropped)
    if not rest:
        return _Said(minutes, None, heard)
    periods = _periods(here, words)
    spans = periods.get(" ".join(front + back)) or periods.get(rest) or _spoken_period(rest, dropped, periods)
    return _Said(minutes, spans, heard) if spans else None


def _periods(here: Calendar, words: FormWords) -> Mapping[str, Spans]:
    """The parts of the day of CLDR, and those of the store beside them."""
    own = words.spans("parts")
    return {**here.periods, **{name: spans | here.periods.get(name, frozenset()) for name, spans in own.items()}}


def _clock(here: Calendar, words: FormWords) -> frozenset[str]:
    return here.hour_signs | {fold(word) for word in words.said["clock"]}


def _without(parts: list[str], dropped: set[str] | frozenset[str]) -> str:
    return " ".join(part for part in parts if part not in dropped)


def _spoken_period(rest: str, dropped: set[str] | frozenset[str], periods: Mapping[str, Spans]) -> Spans | None:
    # "In the evening" is the name of it, and "the" was left out of what was said.
    return next((spans for name, spans in periods.items() if _without(name.split(), dropped) == rest), None)


def _added(hour: int, said: _Said) -> list[int]:
    return _by_day((hour * 60 + (said.minutes or 0)) % (_DAY // 2), said.spans)


def _by_day(minute: int, spans: Spans | None) -> list[int]:
    """The minutes of the day that a time of a clock of twelve hours can be, given the parts of the day."""
    if spans is not None and spans <= _NOON | _MIDNIGHT:
        return [each for each in (minute % 720, minute % 720 + 720) if _beyond(each, spans) == 0 and minute <= 720]
    early, late = minute % 720, minute % 720 + 720
    # In doubt by day: people book things between seven and seven.
    both = [early, late] if early >= 420 else [late, early]
    if spans is None:
        return both
    within = [each for each in both if _beyond(each, spans) == 0]
    if len(within) == 1 or (within and minute < 720):
        return within
    near = [each for each in both if _fits(each, spans)]
    return near if len(near) == 1 else both


def _fits(minute: int, spans: Spans) -> bool:
    """Tell whether people say a part of the day with a time. It reaches further than CLDR's, but never past noon."""
    if spans in (AM, PM) or spans <= _NOON | _MIDNIGHT:
        return _beyond(minute, spans) == 0
    return any(
        _outside(minute, *span) <= _MARGIN and (minute < 720 or span[1] > 720 or span[0] >= span[1]) for span in spans
    )


def _beyond(minute: int, spans: Spans) -> int:
    """How many minutes a time lies outside of all parts of the day; 0 within one."""
    return min(_outside(minute, first, end) for first, end in spans)


def _outside(minute: int, first: int, end: int) -> int:
    if (minute - first) % _DAY < (end - first) % _DAY or end - first == _DAY:
        return 0
    return min((first - minute) % _DAY, (minute - end) % _DAY + 1)


def _times(minutes: list[int]) -> tuple[time, ...]:
    return tuple(time(minute // 60, minute % 60) for minute in minutes if 0 <= minute < _DAY)
