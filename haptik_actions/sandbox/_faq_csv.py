"""Reads FAQ nodes from an uploaded CSV file.

Source: Haptik's documentation, Webhooks, "FAQ Node Creation APIs for KMS": the columns, `|` between user says, `<m>`
between bot says. Which row counts as bad, and in which words, is decided here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import msgspec

__all__ = ["BadRow", "FaqNode", "node_of", "read_nodes"]

_REQUIRED = ("node_name", "question", "answer")
_OPTIONAL = ("quick_replies", "link_text", "link_button", "link_url")
_BETWEEN_QUESTIONS = "|"
_BETWEEN_ANSWERS = "<m>"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqNode:
    """An FAQ node of a domain's bot.

    `user_says` are the questions that it is detected by; each of `bot_says` is text or an HSL object; `extras` holds
    the optional columns that are not empty. A node that is not `active` stays where it is and answers nobody.
    """

    node_name: str
    user_says: tuple[str, ...]
    bot_says: tuple[str | dict[str, Any], ...]
    extras: dict[str, str] = field(default_factory=dict)
    active: bool = True


class BadRow(Exception):
    """A row from which no node can be made; its text is what the platform says of it."""


def read_nodes(content: bytes) -> list[FaqNode | BadRow] | None:
    """Return a node per row, up to and with the first bad row; None where the file is no such CSV at all.

    Rows count from 1 below the header. A file without rows gives an empty list.
    """
    try:
        rows = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        columns = next(rows, [])
    except (UnicodeDecodeError, csv.Error):
        return None
    is_known = set(columns) <= {*_REQUIRED, *_OPTIONAL} and len(set(columns)) == len(columns)
    return list(_nodes(columns, rows)) if is_known and set(_REQUIRED) <= set(columns) else None


def _nodes(columns: list[str], rows: Iterator[list[str]]) -> Iterator[FaqNode | BadRow]:
    seen: set[str] = set()
    try:
        for cells in filter(None, rows):
            node = node_of(_named(columns, cells))
            if node.node_name in seen:
                raise BadRow(f"node_name {node.node_name!r} stands twice")
            seen.add(node.node_name)
            yield node
    except (BadRow, csv.Error) as bad:
        yield BadRow(f"Error in row {len(seen) + 1}: {bad}")


def _named(columns: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(columns):
        raise BadRow(f"{len(cells)} cells, the header has {len(columns)}")
    return dict(zip(columns, cells, strict=True))


def node_of(row: Mapping[str, str]) -> FaqNode:
    """Return the node that a row describes, or raise `BadRow`."""
    for column in _REQUIRED:
        if not row[column].strip():
            raise BadRow(f"{column} is empty")
    return FaqNode(
        node_name=row["node_name"].strip(),
        user_says=tuple(_parts(row, "question", _BETWEEN_QUESTIONS)),
        bot_says=tuple(map(_bot_say, _parts(row, "answer", _BETWEEN_ANSWERS))),
        extras={name: row[name] for name in _OPTIONAL if row.get(name)},
    )


def _parts(row: Mapping[str, str], column: str, between: str) -> Iterator[str]:
    for part in row[column].split(between):
        if not part.strip():
            raise BadRow(f"{column} has an empty part beside {between!r}")
        yield part.strip()


def _bot_say(text: str) -> str | dict[str, Any]:
    if not text.startswith("{"):
        return text
    try:
        element: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise BadRow("answer begins like an HSL object and is no JSON") from None
    if not isinstance(element.get("type"), str):
        raise BadRow("answer is a JSON object without a type, and so no HSL object")
    return element
