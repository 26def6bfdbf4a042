"""The editor's form: what a browser sends of it, and what its buttons that change its shape do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import msgspec

from haptik_actions.studio._buttons import ButtonRow, Kind
from haptik_actions.studio._conditions import CONDITION_KINDS, ConditionRow
from haptik_actions.studio._fields import MOST_ROWS, STYLES, Fields, Style, VariationFields
from haptik_actions.studio._plural import Around, CaseRow, split_text, without_number
from haptik_actions.studio._visit import Visit

__all__ = ["read_fields", "reshape"]

_Row = TypeVar("_Row")


class _Rows(NamedTuple):
    """One list of rows of a variation: how its ids begin, which field of a row comes first, and what a new row is."""

    attribute: Literal["buttons", "conditions", "cases"]
    letter: str
    first: str
    new: Any


class _Form(dict[str, str]):
    """The texts of a form by name; a field that is not there is empty."""

    def __missing__(self, name: str) -> str:
        return ""


_BUTTONS = _Rows("buttons", "b", "label", ButtonRow())
_CONDITIONS = _Rows("conditions", "c", "name", ConditionRow())
_CASES = _Rows("cases", "p", "key", CaseRow())


def read_fields(visit: Visit) -> Fields:
    """Return the message as it stands in the form."""
    form = _Form(visit.fields())
    count = max(1, _number(form["variations"], MOST_ROWS))
    variations = tuple(_variation(form, f"v{index}") for index in range(count))
    return Fields(variations=variations, rest=_rest(form["rest"]))


def reshape(fields: Fields, command: str) -> tuple[Fields, str]:
    """Do what a button of the form says, such as `add-button:0`; return the fields and the id to go on at.

    What is no command leaves the fields as they are.
    """
    name, *places = command.split(":")
    change = _CHANGES.get(name)
    numbers = [_number(place, MOST_ROWS) for place in places if _is_number(place)]
    if change is None or not len(numbers) == len(places) == change[0]:
        return fields, ""
    if numbers and numbers[0] >= len(fields.variations):
        return fields, ""
    return change[1](fields, *numbers)


def _variation(form: _Form, name: str) -> VariationFields:
    style: Style = next((style for style in STYLES if style == form[f"{name}.style"]), "quick_replies")
    return VariationFields(
        text=form[f"{name}.text"],
        around=_around(form, name) if f"{name}.number" in form else None,
        cases=_read(form, name, _CASES, _case),
        style=style,
        buttons=_read(form, name, _BUTTONS, _button),
        image=form[f"{name}.image"].strip(),
        channel=form[f"{name}.channel"],
        conditions=_read(form, name, _CONDITIONS, _condition),
        json=form.get(f"{name}.json"),
        origin=_origin(form[f"{name}.origin"]),
    )


def _read(form: _Form, name: str, rows: _Rows, row: Callable[[_Form, str], _Row]) -> tuple[_Row, ...]:
    count = _number(form[f"{name}.{rows.attribute}"], MOST_ROWS)
    return tuple(row(form, f"{name}.{rows.letter}{index}") for index in range(count))


def _button(form: _Form, name: str) -> ButtonRow:
    kinds: tuple[Kind, ...] = get_args(Kind)
    return ButtonRow(
        label=form[f"{name}.label"].strip(),
        kind=next((kind for kind in kinds if kind == form[f"{name}.kind"]), "reply"),
        value=form[f"{name}.value"].strip(),
        origin=_origin(form[f"{name}.origin"]),
    )


def _around(form: _Form, name: str) -> Around:
    return Around(
        name=form[f"{name}.number"].strip(),
        before=form[f"{name}.before"],
        after=form[f"{name}.after"],
        source=form[f"{name}.source"],
    )


def _case(form: _Form, name: str) -> CaseRow:
    is_exact = bool(form[f"{name}.exact"])
    return CaseRow(key=form[f"{name}.key"].strip(), is_exact=is_exact, text=form[f"{name}.text"])


def _condition(form: _Form, name: str) -> ConditionRow:
    return ConditionRow(
        name=form[f"{name}.name"].strip(),
        kind=next((kind for kind in CONDITION_KINDS if kind == form[f"{name}.kind"]), "text"),
        value=form[f"{name}.value"].strip(),
        origin=_origin(form[f"{name}.origin"]),
    )


def _origin(text: str) -> Mapping[str, Any]:
    found = _json(text)
    return found if isinstance(found, dict) else {}


def _rest(text: str) -> tuple[Mapping[str, Any], ...]:
    found = _json(text)
    return tuple(each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def _number(text: str, most: int) -> int:
    return min(int(text), most) if _is_number(text) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _add(kind: _Rows, fields: Fields, at: int) -> tuple[Fields, str]:
    rows = getattr(fields.variations[at], kind.attribute)
    return _with_rows(kind, fields, at, (*rows, kind.new)[:MOST_ROWS]), _id(kind, at, min(len(rows), MOST_ROWS - 1))


def _remove(kind: _Rows, fields: Fields, at: int, row: int) -> tuple[Fields, str]:
    rows = getattr(fields.variations[at], kind.attribute)
    left = rows[:row] + rows[row + 1 :]
    focus = _id(kind, at, min(row, len(left) - 1)) if left else f"v{at}-add-{kind.letter}"
    return _with_rows(kind, fields, at, left), focus


def _raise(kind: _Rows, fields: Fields, at: int, row: int) -> tuple[Fields, str]:
    rows = list(getattr(fields.variations[at], kind.attribute))
    if 0 < row < len(rows):
        rows[row - 1], rows[row] = rows[row], rows[row - 1]
    return _with_rows(kind, fields, at, tuple(rows)), _id(kind, at, max(0, row - 1))


def _id(kind: _Rows, at: int, row: int) -> str:
    return f"v{at}-{kind.letter}{row}-{kind.first}"


def _add_variation(fields: Fields) -> tuple[Fields, str]:
    ways = fields.variations
    added = (*ways, VariationFields(style=ways[0].style))[:MOST_ROWS]
    return replace(fields, variations=added), f"v{len(added) - 1}-text"


def _remove_variation(fields: Fields, at: int) -> tuple[Fields, str]:
    ways = fields.variations
    left = ways[:at] + ways[at + 1 :]
    return replace(fields, variations=left or ways), f"v{max(0, at - 1)}-text"


def _as_cases(fields: Fields, at: int) -> tuple[Fields, str]:
    variation = fields.variations[at]
    if variation.around is not None or not variation.is_splittable:
        return fields, f"v{at}-text"
    shown = variation.by_number()
    if shown.around is None:
        around, cases = split_text(variation.text)
        shown = replace(variation, around=around, cases=cases)
    return _with_variation(fields, at, shown), f"v{at}-number"


def _as_text(fields: Fields, at: int) -> tuple[Fields, str]:
    variation = fields.variations[at]
    around, cases = variation.around, variation.cases
    is_split = any(row.is_said and row.selector != "other" for row in cases)
    if around is None or any(variation.case_problems) or (around.problem and is_split):
        # A row that is none yet would be lost: it says itself what is missing.
        return fields, f"v{at}-number"
    text = without_number(around, cases) if around.problem else variation.said
    return _with_variation(fields, at, replace(variation, text=text, around=None, cases=())), f"v{at}-text"


def _as_json(fields: Fields, at: int) -> tuple[Fields, str]:
    try:
        response = fields.variations[at].response()
    except ValueError:
        # A row that is none yet would be lost: it says itself what is missing.
        return fields, f"v{at}-text"
    hsl = response.get("hsl") if set(response) == {"hsl"} else None
    shown = msgspec.json.format(msgspec.json.encode(hsl or response), indent=2).decode()
    return _with_variation(fields, at, replace(fields.variations[at], json=shown)), f"v{at}-json"


def _as_form(fields: Fields, at: int) -> tuple[Fields, str]:
    variation = fields.variations[at]
    try:
        read = VariationFields.of(variation.response(), new_style=variation.style)
    except ValueError:
        read = variation
    return _with_variation(fields, at, read), f"v{at}-text" if read.json is None else f"v{at}-json"


def _with_rows(kind: _Rows, fields: Fields, at: int, rows: tuple[Any, ...]) -> Fields:
    changed: dict[str, Any] = {kind.attribute: rows}
    return _with_variation(fields, at, replace(fields.variations[at], **changed))


def _with_variation(fields: Fields, at: int, variation: VariationFields) -> Fields:
    ways = fields.variations
    return replace(fields, variations=(*ways[:at], variation, *ways[at + 1 :]))


_CHANGES: Mapping[str, tuple[int, Callable[..., tuple[Fields, str]]]] = {
    "add-button": (1, partial(_add, _BUTTONS)),
    "remove-button": (2, partial(_remove, _BUTTONS)),
    "raise-button": (2, partial(_raise, _BUTTONS)),
    "add-condition": (1, partial(_add, _CONDITIONS)),
    "remove-condition": (2, partial(_remove, _CONDITIONS)),
    "add-case": (1, partial(_add, _CASES)),
    "remove-case": (2, partial(_remove, _CASES)),
    "as-cases": (1, _as_cases),
    "as-text": (1, _as_text),
    "add-variation": (0, _add_variation),
    "remove-variation": (1, _remove_variation),
    "as-json": (1, _as_json),
    "as-form": (1, _as_form),
}
"""Command -> how many numbers it takes, and what it does."""
