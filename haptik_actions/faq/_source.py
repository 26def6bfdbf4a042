"""What a source is: rows of seven cells, in the order of `COLUMNS`, from any format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias

from haptik_actions.faq._findings import Finding

__all__ = ["Found", "Row", "Source"]

Row: TypeAlias = tuple[int, Sequence[str]]
"""The row's number as people count it (see `Finding`), and its seven cells."""

Found: TypeAlias = Callable[[Finding], None]


class Source(Protocol):
    """Where nodes come from. `name` is shown to people."""

    name: str

    def rows(self, found: Found) -> Iterator[Row]:
        """Read from the beginning, row by row, and give to `found` what is wrong with the format.

        It may be called again. Cells are as they stand in the source; what the rows say is checked by the lint.

        Raises:
            ConfigurationError: the source cannot be read at all; names it.
        """

    def locate(self) -> tuple[str, int]:
        """Return the file and the last line of the row that was given last; 0 where lines mean nothing."""
