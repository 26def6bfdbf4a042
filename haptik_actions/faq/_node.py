"""An FAQ node, the row of the platform's CSV that it is, and what a source of such rows is.

Source: Haptik's documentation, Webhooks, "FAQ Node Creation APIs for KMS": the columns, `|` between user says, `<m>`
between bot says. A bot say is plain text, or an HSL object as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import msgspec

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding

__all__ = ["ANSWERS", "COLUMNS", "QUESTIONS", "REQUIRED", "FaqNode", "Found", "Row", "Source"]

REQUIRED = ("node_name", "question", "answer")
COLUMNS = (*REQUIRED, "quick_replies", "link_text", "link_button", "link_url")
"""Every column that the platform takes, in the order in which they are written."""

QUESTIONS = "|"
ANSWERS = "<m>"


class FaqNode(msgspec.Struct, frozen=True, kw_only=True):
    """A node: the `questions` (user says) that it is detected by, and its `answers` (bot says), said one by one.

    An answer is text, or an HSL object as JSON; `haptik_actions.hsl` builds and checks these. The other four are the
    optional columns as they stand in the file.
    """

    name: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    quick_replies: str = ""
    link_text: str = ""
    link_button: str = ""
    link_url: str = ""

    @classmethod
    def from_cells(cls, cells: Sequence[str]) -> FaqNode:
        """Return the node that seven cells in the order of `COLUMNS` describe; spaces around a part do not count."""
        name, question, answer, quick_replies, link_text, link_button, link_url = (cell.strip() for cell in cells)
        return cls(
            name=name,
            questions=_parts(question, QUESTIONS),
            answers=_parts(answer, ANSWERS),
            quick_replies=quick_replies,
            link_text=link_text,
            link_button=link_button,
            link_url=link_url,
        )

    def to_cells(self) -> list[str]:
        """Return the seven cells.

        Raises:
            ConfigurationError: a part is empty, or holds the delimiter of its column, so that it would be read back as
                two; names the part.
        """
        return [
            self.name.strip(),
            _joined("question", self.questions, QUESTIONS),
            _joined("answer", self.answers, ANSWERS),
            *(text.strip() for text in (self.quick_replies, self.link_text, self.link_button, self.link_url)),
        ]


def _parts(cell: str, delimiter: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(delimiter))


def _joined(column: str, parts: Iterable[str], delimiter: str) -> str:
    stripped = [part.strip() for part in parts]
    for index, part in enumerate(stripped):
        if not part or delimiter in part:
            what = f"holds {delimiter!r}, which the platform reads as the end of it" if part else "is empty"
            raise ConfigurationError(f"{column}[{index}] {what}. Reword it.")
    if not stripped:
        raise ConfigurationError(f"{column} has no part. Give at least one.")
    return delimiter.join(stripped)


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
