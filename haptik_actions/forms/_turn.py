"""What one answer changes, and what values change that come another way: slots filled before, a form as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import msgspec

from haptik_actions.forms._question import Say, State
from haptik_actions.forms._read import SKIPPED, read_answer, wire
from haptik_actions.forms._situation import Invalid, Outcome, Situation, Valid, Value
from haptik_actions.forms._spec import FieldSpec, FormSpec

__all__ = ["Turn", "asking", "begin", "complaint", "fill", "skipped_value", "take"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """How it goes on after an answer.

    Attributes:
        values: The value of every slot of the form; None where it is to be asked for.
        state: What the state slot is to hold.
        says: What to tell the user before the next question.
        ask: The slot of the next question; None where the form has ended.
        ended: How it has ended.
    """

    values: Mapping[str, Value | None]
    state: State
    says: tuple[Say, ...] = ()
    ask: str | None = None
    ended: Literal["submitted", "cancelled"] | None = None


def asking(
    form: FormSpec, values: Mapping[str, Value | None], *says: Say, slot: str | None = None, state: State | None = None
) -> Turn:
    """Ask for `slot`, or for the first that has no value; the form is complete where there is none."""
    missing = slot or next((name for name in form.slots if values.get(name) is None), None)
    if missing is None:
        return _ending(form, values)
    return Turn(values=values, state=state or State(about=missing), says=says, ask=missing)


def _ending(form: FormSpec, values: Mapping[str, Value | None]) -> Turn:
    """End with all values. They are remembered, so that the next run does not take them for answers of its own."""
    return Turn(values=values, state=State(submitted=dict(values)), ended="submitted")


def complaint(field: FieldSpec | None, invalid: Invalid) -> Say:
    """The words for an answer that is none: the field's own message, or the general one."""
    own = field.rules.error if field is not None else None
    label = {"label": field.key} if field is not None else {}
    return Say(own or invalid.key, {**label, **invalid.values})


def skipped_value(field: FieldSpec) -> Value:
    """The value of a field that is left out."""
    return [] if field.type in ("multiselectpicker", "multidaypicker") else SKIPPED


# Characters of a form that was filled in as a whole. What is longer is read as an answer, and is too long for that.
_LONGEST_FORM = 100_000
_DOUBTFUL = Invalid("haptik_form_error_again")


def begin(form: FormSpec, given: Mapping[str, Value | None], slot: object, at: Situation) -> Turn:
    """Start asking. What the slots hold counts as answered where it can be read as an answer.

    `slot` is what the state slot holds: values that an earlier run ended with are not answers of this one.
    """
    earlier = State.read(slot, "").submitted or {}
    values: dict[str, Value | None] = dict.fromkeys(form.slots)
    for field in form.fields:
        value = given.get(field.slot)
        if value is not None and value != earlier.get(field.slot):
            values |= take(form, {field.slot: value}, values, at)
    heading = "\n".join(filter(None, (form.title and f"*{form.title}*", form.subtitle)))
    intro = [Say("haptik_form_heading", {"heading": heading})] if heading else []
    ways = {word: at.words.label(word) for word in ("back", "cancel")}
    return asking(form, values, *intro, Say("haptik_form_intro", {"count": len(form.fields), **ways}))


def take(
    form: FormSpec, unread: Mapping[str, object], values: Mapping[str, Value | None], at: Situation
) -> dict[str, Value | None]:
    """Read what others than the asking have put into slots: the value where it is one of the field, None where not."""
    taken: dict[str, Value | None] = {}
    for slot, value in unread.items():
        field = form.field_of(slot)
        outcome = _read(form, field, value, values, at) if field is not None else None
        taken[slot] = outcome.value if isinstance(outcome, Valid) else None
    return taken


def fill(form: FormSpec, text: str, values: Mapping[str, Value | None], at: Situation) -> Turn | None:
    """Take a form that was filled in as a whole: an object with the fields' keys. None where the text is none."""
    given = _object(text)
    known = [field for field in form.fields if field.key in given]
    if not known:
        return None
    filled, says = dict(values), []
    for field in known:
        outcome = _read(form, field, given[field.key], filled, at)
        filled[field.slot] = outcome.value if isinstance(outcome, Valid) else None
        if not isinstance(outcome, Valid):
            says.append(complaint(field, outcome if isinstance(outcome, Invalid) else _DOUBTFUL))
    return asking(form, filled, *says)


def _object(text: str) -> Mapping[str, object]:
    if len(text) > _LONGEST_FORM or not text.lstrip().startswith("{"):
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _read(
    form: FormSpec, field: FieldSpec, value: object, values: Mapping[str, Value | None], at: Situation
) -> Outcome:
    if value in ("", [], None):
        return Valid(skipped_value(field)) if field.rules.optional else Invalid("haptik_form_error_required")
    if isinstance(value, bool) or not isinstance(value, (str, int, float, list, dict)):
        return _DOUBTFUL
    try:
        text = wire(field, value)
    except (ValueError, RecursionError):
        # A whole number of thousands of digits, lists in lists in lists.
        return _DOUBTFUL
    # A title that nobody has searched for is taken at its word where any text would do.
    titles = (text,) if field.type == "searcheditable" else ()
    return read_answer(form, field, text, values, at, titles=titles)
