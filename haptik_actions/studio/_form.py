"""The editor's form: what a browser sends of it, and what its buttons that change its shape do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

import msgspec

from haptik_actions.studio._buttons import ButtonRow, Kind
from haptik_actions.studio._fields import STYLES, Fields, Style, VariationFields
from haptik_actions.studio._visit import Visit

__all__ = ["read_fields", "reshape"]

# More than any channel shows; a form that says otherwise is none of ours.
_MOST = 50


def read_fields(visit: Visit) -> Fields:
    """Return the message as it stands in the form."""
    count = max(1, _number(visit.field("variations"), _MOST))
    return Fields(variations=tuple(_variation(visit, f"v{index}") for index in range(count)))


def reshape(fields: Fields, command: str) -> tuple[Fields, str]:
    """Do what a button of the form says, such as `add-button:0`; return the fields and the id to go on at.

    What is no command leaves the fields as they are.
    """
    name, *places = command.split(":")
    change = _CHANGES.get(name)
    numbers = [_number(place, _MOST) for place in places if _is_number(place)]
    if change is None or not len(numbers) == len(places) == change[0]:
        return fields, ""
    if numbers and numbers[0] >= len(fields.variations):
        return fields, ""
    return change[1](fields, *numbers)


def _variation(visit: Visit, name: str) -> VariationFields:
    style: Style = next((style for style in STYLES if style == visit.field(f"{name}.style")), "quick_replies")
    count = _number(visit.field(f"{name}.buttons"), _MOST)
    return VariationFields(
        text=visit.field(f"{name}.text"),
        style=style,
        buttons=tuple(_button(visit, f"{name}.b{index}") for index in range(count)),
        image=visit.field(f"{name}.image").strip(),
        channel=visit.field(f"{name}.channel"),
        json=visit.field(f"{name}.json") if f"{name}.json" in visit.form else None,
        origin=_origin(visit.field(f"{name}.origin")),
    )


def _button(visit: Visit, name: str) -> ButtonRow:
    kinds: tuple[Kind, ...] = get_args(Kind)
    return ButtonRow(
        label=visit.field(f"{name}.label").strip(),
        kind=next((kind for kind in kinds if kind == visit.field(f"{name}.kind")), "reply"),
        value=visit.field(f"{name}.value").strip(),
        origin=_origin(visit.field(f"{name}.origin")),
    )


def _origin(text: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(text) if text else {}
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(text: str, most: int) -> int:
    return min(int(text), most) if _is_number(text) else 0


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _add_button(fields: Fields, at: int) -> tuple[Fields, str]:
    rows = fields.variations[at].buttons
    return _with_buttons(fields, at, (*rows, ButtonRow())[:_MOST]), f"v{at}-b{len(rows)}-label"


def _remove_button(fields: Fields, at: int, row: int) -> tuple[Fields, str]:
    rows = fields.variations[at].buttons
    left = rows[:row] + rows[row + 1 :]
    focus = f"v{at}-b{min(row, len(left) - 1)}-label" if left else f"v{at}-add"
    return _with_buttons(fields, at, left), focus


def _raise_button(fields: Fields, at: int, row: int) -> tuple[Fields, str]:
    rows = list(fields.variations[at].buttons)
    if 0 < row < len(rows):
        rows[row - 1], rows[row] = rows[row], rows[row - 1]
    return _with_buttons(fields, at, tuple(rows)), f"v{at}-b{max(0, row - 1)}-label"


def _add_variation(fields: Fields) -> tuple[Fields, str]:
    ways = fields.variations
    added = (*ways, VariationFields(style=ways[0].style))[:_MOST]
    return replace(fields, variations=added), f"v{len(added) - 1}-text"


def _remove_variation(fields: Fields, at: int) -> tuple[Fields, str]:
    ways = fields.variations
    left = ways[:at] + ways[at + 1 :]
    return replace(fields, variations=left or ways), f"v{max(0, at - 1)}-text"


def _as_json(fields: Fields, at: int) -> tuple[Fields, str]:
    response = fields.variations[at].response()
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


def _with_buttons(fields: Fields, at: int, rows: tuple[ButtonRow, ...]) -> Fields:
    return _with_variation(fields, at, replace(fields.variations[at], buttons=rows))


def _with_variation(fields: Fields, at: int, variation: VariationFields) -> Fields:
    ways = fields.variations
    return replace(fields, variations=(*ways[:at], variation, *ways[at + 1 :]))


_CHANGES: Mapping[str, tuple[int, Callable[..., tuple[Fields, str]]]] = {
    "add-button": (1, _add_button),
    "remove-button": (2, _remove_button),
    "raise-button": (2, _raise_button),
    "add-variation": (0, _add_variation),
    "remove-variation": (1, _remove_variation),
    "as-json": (1, _as_json),
    "as-form": (1, _as_form),
}
"""Command -> how many numbers it takes, and what it does."""
