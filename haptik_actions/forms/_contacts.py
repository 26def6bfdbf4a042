"""A name and a phone number in one answer. What can be two numbers is asked about; other digits make it none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from haptik_actions.forms._lexer import plain_text
from haptik_actions.forms._outcome import Doubt, Invalid, Outcome, Valid

__all__ = ["digits_of", "read_contact"]

# Digits, and what stands between the digits of one number or of two.
_RUN = re.compile(r"[+(]*\d[\d\s().\-‐–/,;]*")
_BETWEEN_NUMBERS = re.compile(r"[/,;\n]")
_DATE = re.compile(r"(\d{1,2})[.\-/](\d{1,2})[.\-/](?:\d{4}|\d{2})")
_NAME_EDGES = " ,;:-–()/&+\n\t"
# A phone number has so many digits (E.164), and fewer than seven are none that can be called from elsewhere.
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
# A group as long as this is a whole number: what stands before or behind it may count something else.
_WHOLE_NUMBER = 10
_LONGEST_AREA_CODE = 5


class _Number(NamedTuple):
    """What one number can be, likeliest first; none where digits are no phone number."""

    readings: tuple[str, ...]
    start: int
    end: int


def read_contact(text: str) -> Outcome:
    """Read a name and a number, in any order; the name may be missing. A name has no digits."""
    plain = plain_text(text)
    runs = [*_RUN.finditer(plain)]
    numbers = [number for run in runs for number in _numbers(run[0], run.start())]
    glued = any(plain[run.start() - 1 : run.start()].isalpha() for run in runs)
    if not numbers or glued or not all(number.readings for number in numbers):
        return Invalid("haptik_form_error_contact")
    first, last = numbers[0], numbers[-1]
    if plain[first.end : last.start].strip(_NAME_EDGES) and any(map(str.isalpha, plain[first.end : last.start])):
        # Two people, each with a number.
        return Invalid("haptik_form_error_contact")
    name = " ".join((plain[: first.start] + " " + plain[last.end :]).split()).strip(_NAME_EDGES)
    phones = [*dict.fromkeys(reading for number in numbers for reading in number.readings)]
    contacts = [{"name": name, "phone": phone} for phone in phones]
    return Valid(contacts[0]) if len(contacts) == 1 else Doubt(tuple(contacts))


def digits_of(number: str) -> str:
    """Return a number's digits, and the plus before them."""
    return ("+" if number.startswith("+") else "") + "".join(filter(str.isdecimal, number))


def _numbers(run: str, start: int) -> list[_Number]:
    """Read the numbers of a run of digits: one, or several with a slash or a comma between them."""
    pieces = [piece.strip() for piece in _BETWEEN_NUMBERS.split(run)]
    pieces = [piece for piece in pieces if any(map(str.isdecimal, piece))]
    if len(pieces) == 2 and _is_area_code(pieces[0]):
        pieces = [" ".join(pieces)]
    return [_Number(_readings(piece), start, start + len(run.rstrip(_NAME_EDGES))) for piece in pieces]


def _is_area_code(piece: str) -> bool:
    digits = digits_of(piece.lstrip("("))
    return digits.startswith(("0", "+")) and len(digits) <= _LONGEST_AREA_CODE


def _readings(piece: str) -> tuple[str, ...]:
    number = digits_of(piece.lstrip("("))
    groups = piece.split()
    if not _FEWEST_DIGITS <= len(number.lstrip("+")) <= _MOST_DIGITS or any(map(_is_date, groups)):
        return ()
    whole = [group for group in groups if len(digits_of(group)) >= _WHOLE_NUMBER]
    if len(groups) > 1 and whole and not number.startswith(("+", "0")):
        # "91 9876543210" is one number, and "25 9876543210" may be an age and a number.
        return _distinct([number, *map(digits_of, whole)])
    return (number,)


def _distinct(numbers: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(numbers))


def _is_date(group: str) -> bool:
    match = _DATE.fullmatch(group)
    return match is not None and 1 <= int(match[1]) <= 31 and 1 <= int(match[2]) <= 31
