"""What one answer changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from haptik_actions.forms._outcome import Invalid, Value
from haptik_actions.forms._question import Say
from haptik_actions.forms._read import SKIPPED
from haptik_actions.forms._spec import FieldSpec, FormSpec
from haptik_actions.forms._state import State

__all__ = ["Turn", "asking", "complaint", "skipped_value"]


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
