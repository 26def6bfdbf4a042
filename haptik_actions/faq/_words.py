"""Which row the platform's words about a failed task point at. They are not documented, so this is a reading."""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from haptik_actions.faq._node_set import NodeSet

__all__ = ["Place", "pointed_at"]

_NUMBERED = re.compile(r"\b(?:row|line|node)\s*(?:(?:no\.?|number|#)\s*)?(?::\s*)?(\d+)", re.IGNORECASE)


class Place(NamedTuple):
    """A row of the upload, counted from 1 below the header, and the node in it."""

    row: int
    name: str


def pointed_at(words: str, nodes: NodeSet) -> Place | None:
    """Return the row that the words name, by a node's name between quotes or else by a number after "row"."""
    # A quote that opens cannot stand inside, or each of many would be looked to the end from.
    quoted = set(re.findall(r"""['"`“‘]([^'"`“‘”’]+)['"`”’]""", words))
    rows = enumerate((cells[0] for cells in nodes.rows()), start=1)
    named = next((Place(row, name) for row, name in rows if name in quoted), None) if quoted else None
    numbered = _NUMBERED.search(words)
    if named is None and numbered and 1 <= int(numbered[1]) <= nodes.count:
        row = int(numbered[1])
        return Place(row, next(islice(nodes.rows(), row - 1, None))[0])
    return named
