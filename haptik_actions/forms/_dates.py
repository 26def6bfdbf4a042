"""Days that a person writes. What can be two days is both of them: the user says which, nobody guesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from haptik_actions.forms._figures import DateReading, Frame, in_figures
from haptik_actions.forms._grammar import Grammar
from haptik_actions.forms._lexer import Token, plain_text, tokens_of
from haptik_actions.forms._lexicon import Lexicon, lexicon_of
from haptik_actions.forms._locale import Calendar
from haptik_actions.forms._times import tells_time
from haptik_actions.forms._words import FormWords

__all__ = ["DateReading", "read_date"]

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
