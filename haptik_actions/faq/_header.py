"""The first row of a table: which column stands where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

from haptik_actions.config import nearest
from haptik_actions.faq._node import COLUMNS, REQUIRED

__all__ = ["Header"]

_ALIASES = {"name": "node_name", "node": "node_name", "questions": "question", "answers": "answer"}


class Header:
    """The header `cells`. Upper case, spaces and hyphens do not count; nothing is guessed beyond that.

    `tell` is called with the code, the message and the column of each thing that is wrong. `is_usable` is false where
    rows below cannot be read.
    """

    def __init__(self, cells: Sequence[str], tell: Callable[[str, str, str], None]) -> None:
        names = [_plain(cell) for cell in cells]
        while names and not names[-1]:
            names.pop()
        self.is_usable = all([_check_each(names, tell), _check_required(names, tell)])
        self.width = len(names)
        self._in_order = tuple(names) == COLUMNS
        # The position after the last cell is that of the empty one which `arrange` adds.
        self._pick = itemgetter(*(names.index(column) if column in names else self.width for column in COLUMNS))

    def arrange(self, cells: list[str]) -> Sequence[str]:
        """Return the seven cells of a row that has exactly `width`."""
        return cells if self._in_order else self._pick([*cells, ""])

    def fit(self, cells: list[str]) -> list[str] | None:
        """Return the cells filled up or cut to `width`; None where one that would be cut off is not empty."""
        if any(cell.strip() for cell in cells[self.width :]):
            return None
        return [*cells[: self.width], *[""] * (self.width - len(cells))]


def _plain(cell: str) -> str:
    return "_".join(cell.strip().strip("\ufeff").casefold().replace("-", " ").replace("_", " ").split())


def _check_each(names: Sequence[str], tell: Callable[[str, str, str], None]) -> bool:
    usable, seen = True, set[str]()
    for name in names:
        if name in seen:
            tell("repeated_column", f"{name!r} stands in the header twice.", name)
            usable = False
        elif name not in COLUMNS:
            hint = f" Did you mean {_ALIASES[name]!r}?" if name in _ALIASES else nearest(name, COLUMNS)
            tell("unknown_column", f"{name!r} is no column of the platform.{hint}", name)
        seen.add(name)
    return usable


def _check_required(names: Sequence[str], tell: Callable[[str, str, str], None]) -> bool:
    missing = [column for column in REQUIRED if column not in names]
    for column in missing:
        tell("missing_column", f"{column!r} is not in the header ({', '.join(names) or 'which is empty'}).", column)
    return not missing
