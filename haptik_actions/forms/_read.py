"""Reading the answer to a field, whatever its type, and showing a value to the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import time

from haptik_actions.forms._days import as_date, read_birthday, read_day, read_days
from haptik_actions.forms._situation import Doubt, Invalid, Outcome, Situation, Valid, Value
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.forms._texts import read_address, read_choice, read_choices, read_contact, read_text
from haptik_actions.forms._times import read_time, written_time

__all__ = ["LONGEST_ANSWER", "SKIPPED", "read_answer", "show", "wire"]

SKIPPED = ""
"""The value of a field that the user skipped. Not None: Rasa would ask for it again."""

LONGEST_ANSWER = 2000
"""Characters of an answer to a field. What is longer is asked again before anything reads it."""

_DATES = ("date", "startdate", "enddate")
_SHOWN_DAYS = ("multidaypicker", "dob", *_DATES)


def read_answer(
    form: FormSpec,
    field: FieldSpec,
    text: str,
    values: Mapping[str, Value],
    situation: Situation,
    *,
    at: Callable[[str], str | None] = lambda number: None,
    titles: tuple[str, ...] = (),
) -> Outcome:
    """Read the answer to a field.

    Args:
        form: The form.
        field: Its field.
        text: What the user wrote, or the payload of a chip.
        values: The values so far, by slot.
        situation: The user and the moment.
        at: The option that a number stands for on the user's screen.
        titles: What a search has found.
    """
    if len(text) > LONGEST_ANSWER:
        return Invalid("haptik_form_error_too_long", {"longest": LONGEST_ANSWER})
    if not text.strip():
        return Invalid("haptik_form_error_required")
    if field.type == "picker":
        return read_choice(field.options, text)
    if field.type == "multiselectpicker":
        return read_choices(field, text, situation.words, at)
    if field.type in _DATES:
        return read_day(form, field, text, values, situation)
    if field.type == "dob":
        return read_birthday(field, text, situation)
    if field.type == "multidaypicker":
        return read_days(field, text, situation)
    if field.type == "time":
        return _time(text, situation)
    if field.type == "contactpicker":
        return read_contact(text)
    if field.type == "savedaddress":
        return read_address(text, situation)
    if field.type in ("search", "searcheditable"):
        return read_choice(titles, text)
    return read_text(field, text)


def show(field: FieldSpec | None, value: Value, situation: Situation) -> str:
    """Write a value as the user reads it."""
    if isinstance(value, list):
        return ", ".join(show(field, part, situation) for part in value)
    if isinstance(value, dict):
        return " ".join(filter(None, (str(value.get("name", "")), str(value.get("phone") or value.get("text") or ""))))
    if field is not None and field.type in _SHOWN_DAYS:
        day = as_date(value)
        return situation.calendar.show_date(day) if day else str(value)
    if field is not None and field.type == "time":
        # Others may have put anything into the slot.
        with contextlib.suppress(ValueError, TypeError):
            return situation.calendar.show_time(time.fromisoformat(value))
    return str(value)


def wire(field: FieldSpec, value: Value) -> str:
    """Write a value so that reading it gives the same one, whatever the language: the payload of a chip."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return " ".join(filter(None, (str(value.get("name", "")), str(value.get("phone") or value.get("text") or ""))))
    if field.type == "time":
        with contextlib.suppress(ValueError, TypeError):
            return written_time(time.fromisoformat(value))
    return str(value)


def _time(text: str, situation: Situation) -> Outcome:
    times = read_time(text, situation.calendar, situation.words)
    values = tuple(at.isoformat("minutes") for at in times)
    if not values:
        return Invalid("haptik_form_error_time")
    return Valid(values[0]) if len(values) == 1 else Doubt(values)
