"""Days that a person writes. What can be two days is both of them: the user says which, nobody guesses.

The grammar takes the whole of an answer or nothing: a word that is left over may say something else.

    answer   = {lead} day {lead}
    day      = name | weekday | length | calendar | figures
    name     = "tomorrow" | "day after tomorrow" | ...                  of CLDR, and of the store
    weekday  = ["next"] "Friday" | "Friday" "next"
    length   = ["in"] number unit {["and"] number unit} ["later"]       "in 3 days", "a week", "2 days ago"
    calendar = [weekday {lead}] a day, a month, a year, "of" between    "Friday, 13 August 2027", "Aug 3rd"
    figures  = [weekday {lead}] number mark number [mark number]        "Sat 3/4/2027"

Each rule takes a run of tokens and returns the days that it says, or None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from haptik_actions.forms._figures import DateReading, Frame, in_figures, on_weekday
from haptik_actions.forms._lexicon import Lexicon, Token, lexicon_of, meaning, plain_text, spoken, tokens_of
from haptik_actions.forms._locale import Calendar, FormWords
from haptik_actions.forms._spoken_days import CalendarDay, counted
from haptik_actions.forms._times import tells_time

__all__ = ["DateReading", "read_date"]

_QUIET = frozenset(".,()!?،、，。।")


class Grammar:
    """The rules for one answer, with the words of its language."""

    def __init__(self, text: str, here: Calendar, lexicon: Lexicon, words: FormWords, frame: Frame) -> None:
        self._text, self._here, self._lexicon, self._words, self._frame = text, here, lexicon, words, frame
        self._leads = spoken((*words.said["on"], *words.answers.fillers))
        own = {name: number - 1 for name, number in words.numbers("weekdays").items() if 1 <= number <= 7}
        self._weekdays = meaning((*here.weekdays.items(), *own.items()))

    def read(self, tokens: Sequence[Token]) -> DateReading | None:
        """Return the days that tokens of the text say; None where they are no day."""
        tokens = _without_marks(tokens)
        firsts, lasts = self._led(tokens), self._trailed(tokens)
        for first in firsts:
            for last in lasts:
                reading = self._day(_without_marks(tokens[first:last])) if first < last else None
                if reading is not None:
                    return reading
        return None

    def names_a_day(self, tokens: Sequence[Token]) -> bool:
        """Tell whether the tokens are the name of a day: "morgen" is one, and the morning too."""
        return self._lexicon.days.whole(tokens) is not None

    def _led(self, tokens: Sequence[Token]) -> list[int]:
        """Where a day can begin: at once, or behind words such as "on the"; the last of them may be "a" of "a week"."""
        places = [0]
        while (place := self._lead_at(tokens, places[-1])) is not None:
            places.append(place)
        return [*dict.fromkeys((0, *places[-2:]))]

    def _trailed(self, tokens: Sequence[Token]) -> list[int]:
        ends = [len(tokens)]
        while ends[-1] > 0 and (before := self._lead_before(tokens, ends[-1])) is not None:
            ends.append(before)
        return [*dict.fromkeys((ends[0], ends[-1]))]

    def _lead_at(self, tokens: Sequence[Token], place: int) -> int | None:
        found = self._leads.at(tokens, place) or self._lexicon.on.at(tokens, place)
        return found[1] if found else None

    def _lead_before(self, tokens: Sequence[Token], end: int) -> int | None:
        return next((first for first in range(max(0, end - 3), end) if self._lead_at(tokens, first) == end), None)

    def _day(self, run: Sequence[Token]) -> DateReading | None:
        if self._frame.whole_year:
            return self._dated(run)
        length = counted(run, self._lexicon, self._words, self._frame)
        return self._named(run) or self._weekday(run) or length or self._dated(run)

    def _named(self, run: Sequence[Token]) -> DateReading | None:
        text, today, past = " ".join(token.text for token in run), self._frame.today, self._frame.past
        if self._words.means("today", text):
            return DateReading((today,))
        away = self._lexicon.days.whole(run)
        either = away is not None and len(away) > 1
        # What the store calls tomorrow is, also where the language has one word for both: it is what the buttons say.
        if self._words.means("tomorrow", text) and not (either and past):
            return DateReading((today + timedelta(days=1),))
        if away is None:
            return None
        return DateReading(tuple(today + timedelta(days=number) for number in sorted(away, reverse=not past)))

    def _weekday(self, run: Sequence[Token]) -> DateReading | None:
        following = spoken(self._words.said["next"])
        before = following.at(run, 0)
        found = self._weekdays.at(run, before[1] if before else 0)
        if found is None:
            return None
        behind = following.at(run, found[1])
        if (behind[1] if behind else found[1]) != len(run) or (before and behind):
            return None
        today = self._frame.today
        ahead = today + timedelta(days=(found[0] - today.weekday() - 1) % 7 + 1)
        if self._frame.past:
            # Where days to come are none, the last Friday may be meant.
            return DateReading((ahead - timedelta(days=7 if ahead - today < timedelta(days=7) else 14),), sure=False)
        # Said on a Wednesday, next Friday is the one in two days for some and the one after it for others.
        return DateReading((ahead, ahead + timedelta(days=7)) if before or behind else (ahead,))

    def _dated(self, run: Sequence[Token]) -> DateReading | None:
        """Read a day of the calendar, with its day of the week or without."""
        found = self._weekdays.at(run, 0)
        named, first = (found[0], found[1]) if found else (None, 0)
        while found and first < len(run):
            behind = first + 1 if run[first].kind == "mark" and run[first].text in _QUIET else self._lead_at(run, first)
            if behind is None:
                break
            first = behind
        rest = _without_marks(run[first:])
        if not rest:
            return None
        calendar = CalendarDay(rest, self._here, self._lexicon, self._words, self._frame, self._weekdays)
        reading = calendar.read() or self._in_figures(rest)
        if reading is None and named is None:
            named, rest = self._ending_weekday(rest)
            reading = self._in_figures(rest) if rest else None
        return reading if reading is None or named is None else on_weekday(reading, named)

    def _ending_weekday(self, run: Sequence[Token]) -> tuple[int | None, Sequence[Token]]:
        for place in range(1, len(run)):
            found = self._weekdays.at(run, place)
            if found is not None and found[1] == len(run):
                return found[0], _without_marks(run[:place])
        return None, ()

    def _in_figures(self, run: Sequence[Token]) -> DateReading | None:
        signs, end = self._here.date_signs, len(run)
        while end > 1 and (run[end - 1].text in signs or run[end - 1].text == "."):
            end -= 1
        return in_figures(self._text[run[0].start : run[end - 1].end], self._here, self._frame)


def _without_marks(tokens: Sequence[Token]) -> Sequence[Token]:
    first, last = 0, len(tokens)
    while first < last and tokens[last - 1].kind == "mark" and tokens[last - 1].text in _QUIET:
        last -= 1
    while first < last and tokens[first].kind == "mark" and tokens[first].text in _QUIET:
        first += 1
    return tokens[first:last]


_LONGEST = 60
# A year further away than this is hardly what was meant.
_FAR = 120


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
    if len(text) > _LONGEST:
        return DateReading()
    plain = plain_text(text)
    if len(plain) > _LONGEST:
        return DateReading()
    frame = Frame(today=today, start=start, past=past, whole_year=whole_year)
    reading = in_figures(plain, here, frame) or _said(plain, here, words, frame)
    far = any(abs(day.year - today.year) > _FAR for day in reading.days)
    return DateReading(reading.days, sure=reading.sure and not far)


def _said(plain: str, here: Calendar, words: FormWords, frame: Frame) -> DateReading:
    tokens, lexicon = tokens_of(plain), lexicon_of(here.language)
    grammar = Grammar(plain, here, lexicon, words, frame)
    reading = grammar.read(tokens)
    if reading is not None:
        return reading
    # A time of day beside a day may stay.
    for body, clock, behind in _beside(tokens, lexicon):
        said = plain[clock[0].start : clock[-1].end]
        if not grammar.names_a_day(clock) and tells_time(said, here, words, parts=behind or not _has_number(clock)):
            reading = grammar.read(body)
            if reading is not None:
                return reading
    return DateReading()


def _beside(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[tuple[Sequence[Token], Sequence[Token], bool]]:
    """Cut the tokens in two, where a time could begin or end; a word such as "at" between them is left out."""
    for place in range(1, len(tokens)):
        at = lexicon.at.at(tokens, place)
        if at is None or at[1] < len(tokens):
            yield tokens[:place], tokens[at[1] if at else place :], True
    for place in range(len(tokens) - 1, 0, -1):
        yield tokens[place:], tokens[:place], False


def _has_number(tokens: Sequence[Token]) -> bool:
    return any(token.kind == "number" for token in tokens)
