"""From an entry of JSON lines, YAML or Markdown to seven cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from haptik_actions.config import nearest
from haptik_actions.faq._node import ANSWERS, COLUMNS, QUESTIONS

__all__ = ["Tell", "as_json", "cells_of", "joined"]

Tell: TypeAlias = Callable[[str, str, str], None]
"""Called with the code, the message and the column of a finding."""

_NAMES = {"name": "node_name", "questions": "question", "answers": "answer"}


def cells_of(entry: Any, tell: Tell) -> list[str] | None:
    """Return the cells of a mapping with the columns as keys (`name`, `questions`, `answers` too), or None.

    A text is a cell as in CSV, delimiters included; in a list each item is one question or bot say, and a delimiter in
    it is a mistake. A bot say may be an HSL object itself.
    """
    if not isinstance(entry, Mapping):
        tell("bad_record", f"An object with node_name, question and answer is wanted, not {_kind(entry)}.", "")
        return None
    values: dict[str, Any] = {}
    for key, value in entry.items():
        column = _NAMES.get(str(key), str(key))
        if column not in COLUMNS:
            tell("unknown_column", f"{column!r} is no column of the platform.{nearest(column, COLUMNS)}", column)
        elif column in values:
            tell("repeated_column", f"{column!r} is given twice.", column)
        else:
            values[column] = value
    return [_cell(column, values.get(column), tell) for column in COLUMNS]


def joined(column: str, parts: list[str], tell: Tell) -> str:
    """Join questions or bot says to a cell, and say which of them holds the delimiter."""
    delimiter = QUESTIONS if column == "question" else ANSWERS
    for index, part in enumerate(parts):
        if delimiter in part:
            tell("delimiter_in_text", f"Entry {index + 1} holds {delimiter!r}: {part[:60]!r}.", column)
    # A backslash before the delimiter reads as a try to escape it.
    return delimiter.join(f"{part} " if part.endswith("\\") else part for part in parts)


def as_json(element: Mapping[str, Any]) -> str:
    """Return an HSL object as JSON in which no delimiter stands."""
    return msgspec.json.encode(element).decode().replace(ANSWERS, "\\u003cm>")


def _cell(column: str, value: Any, tell: Tell) -> str:
    if isinstance(value, list) and column in ("question", "answer"):
        return joined(column, [_part(column, part, tell) for part in value], tell)
    return _part(column, value, tell)


def _part(column: str, value: Any, tell: Tell) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping) and column == "answer":
        try:
            return as_json(value)
        except (TypeError, msgspec.EncodeError) as error:
            tell("bad_record", f"The HSL object holds what JSON cannot: {error}.", column)
            return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        tell("bad_record", f"A text is wanted, not {_kind(value)}. Put it between quotes.", column)
        return ""
    return str(value)


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
