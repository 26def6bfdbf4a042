"""CSV: read whatever encoding, delimiter and line ends a spreadsheet wrote, and written as the platform wants it.

What is uploaded is UTF-8 without a mark, with commas and CRLF, and with quotes where they are needed.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from haptik_actions._encoding import Encoding, detect_encoding
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import COLUMNS, REQUIRED, FaqNode, Found, Row

__all__ = ["NUL", "CsvSource", "Header", "read_csv", "write_csv"]

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


NUL = "\udc00"
"""What stands for NUL, which csv refuses on Python 3.10: a surrogate that no decoding gives."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_UNCLOSED = ("unexpected end of data", "field larger than field limit")


class CsvSource:
    """The CSV file at `path`. `encoding` and `delimiter` override what is found out; `name` is how it is shown.

    A file whose quotes do not match is read up to there; a cell longer than 131,072 characters counts as such.
    """

    def __init__(
        self, path: str | Path, *, encoding: str | None = None, delimiter: str | None = None, name: str | None = None
    ) -> None:
        self.name = name or str(path)
        self._path, self._delimiter = Path(path), delimiter
        self._encoding = _known(encoding) if encoding else None
        self._row, self._line = 0, 0
        self._reader_line: Callable[[], int] = lambda: 0

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`."""
        try:
            with self._path.open("rb") as raw:
                encoding = self._decide_encoding(raw, found)
                raw.seek(0)
                # A stray byte is said with its row; UTF-16 knows no such bytes, and ends at the first.
                errors = "strict" if encoding.codec.startswith(("utf-16", "utf-32")) else "surrogateescape"
                text = io.TextIOWrapper(raw, encoding.codec, errors=errors, newline="")
                yield from self._readable(text, encoding, found)
        except OSError as error:
            raise ConfigurationError(f"{self.name} cannot be read: {error.strerror or error}.") from error

    def locate(self) -> tuple[str, int]:
        """See `Source`."""
        return self.name, self._reader_line()

    def _readable(self, text: TextIO, encoding: Encoding, found: Found) -> Iterator[Row]:
        self._row, self._line = 0, 0
        try:
            yield from self._records(text, encoding, found)
        except csv.Error as error:
            unclosed = str(error).startswith(_UNCLOSED)
            what = "a quote is opened and never closed" if unclosed else f"{error}"
            message, line = f"From line {self._line + 1} on: {what}.", self._line + 1
            found(Finding(code="broken_csv", message=message, file=self.name, row=self._row + 1, line=line))
        except UnicodeError:
            message = f"Soon after row {self._row}: the file is not {encoding.shown} to its end."
            self._tell(found, "undecodable", message, row=self._row)

    def _decide_encoding(self, raw: BinaryIO, found: Found) -> Encoding:
        encoding = detect_encoding(raw)
        if self._encoding:
            return Encoding(self._encoding, self._encoding, has_nul=encoding.has_nul)
        if encoding.guessed:
            self._tell(found, "encoding_guessed", "The file is not UTF-8; it was read as Windows-1252.")
        elif not encoding.is_plain:
            self._tell(found, "converted", f"The file is {encoding.shown}.")
        return encoding

    def _records(self, text: TextIO, encoding: Encoding, found: Found) -> Iterator[Row]:
        first = text.readline()
        named = _SEPARATOR_LINE.fullmatch(first)
        head = text.readline() if named else first
        delimiter = self._delimiter or (named and named[1]) or _delimiter_of(head)
        if delimiter != ",":
            self._tell(found, "converted", f"Cells are separated by {_DELIMITERS.get(delimiter, repr(delimiter))}.")
        lines = _lines(head, text, escape_nul=encoding.has_nul)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        before = 1 if named else 0
        self._reader_line = lambda: reader.line_num + before
        header = self._header(reader, found)
        if header is not None and header.is_usable:
            yield from self._below(reader, header, found, before)

    def _header(self, reader: Iterator[list[str]], found: Found) -> Header | None:
        for cells in reader:
            self._row += 1
            self._line = self._reader_line()
            if any(map(str.strip, cells)):
                return Header(cells, partial(self._tell_header, found))
        for column in REQUIRED:
            self._tell(found, "missing_column", f"{column!r} is missing: the file is empty.", column=column)
        return None

    def _below(self, reader: Any, header: Header, found: Found, before: int) -> Iterator[Row]:
        # Runs once per row of files with a million: what is usual is decided first.
        width, arrange = header.width, header.arrange
        row = self._row
        for cells in reader:
            row += 1
            if len(cells) == width:
                yield row, arrange(cells)
            elif cells:
                fitted = header.fit(cells)
                if fitted is None:
                    message = f"The row has {len(cells)} cells, the header {width}."
                    self._tell(found, "extra_cells", message, row)
                else:
                    yield row, arrange(fitted)
            self._row, self._line = row, reader.line_num + before

    def _tell_header(self, found: Found, code: str, message: str, column: str) -> None:
        self._tell(found, code, message, self._row, column)

    def _tell(self, found: Found, code: str, message: str, row: int = 0, column: str = "") -> None:
        line = self._reader_line() if row else 0
        found(Finding(code=code, message=message, file=self.name, row=row, line=line, column=column))


def _lines(head: str, text: TextIO, *, escape_nul: bool) -> Iterator[str]:
    def all_lines() -> Iterator[str]:
        yield head
        yield from text

    lines: Iterable[str] = all_lines() if head else ()
    return iter(line.replace("\0", NUL) for line in lines) if escape_nul else iter(lines)


def _delimiter_of(head: str) -> str:
    """The delimiter between the names of the header; a comma where none stands there."""
    bare = re.sub(r'"[^"]*"', "", head)
    return max(_DELIMITERS, key=bare.count)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ConfigurationError(f"encoding: {encoding!r} is not known. Write for example utf-8 or cp1250.") from None


def write_csv(nodes: Iterable[FaqNode], path: str | os.PathLike[str]) -> int:
    """Write the nodes to a file as they are uploaded, and return how many there were.

    Raises:
        ConfigurationError: see `FaqNode.to_cells`.
        OSError: the file cannot be written.
    """
    count = 0
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for count, node in enumerate(nodes, start=1):  # noqa: B007
            writer.writerow(node.to_cells())
    return count


def read_csv(path: str | os.PathLike[str], *, findings: list[Finding] | None = None) -> Iterator[FaqNode]:
    """Yield the nodes of a CSV file as they stand there; `findings` is given what is wrong with the file's format.

    Nothing else is checked: `haptik_actions.faq.lint` does that.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    found: list[Finding] = [] if findings is None else findings
    for _, cells in CsvSource(Path(path)).rows(found.append):
        if any(map(str.strip, cells)):
            yield FaqNode.from_cells(cells)
