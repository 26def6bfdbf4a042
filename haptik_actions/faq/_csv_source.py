"""CSV as a source: whatever encoding, delimiter and line ends a spreadsheet wrote, one row after the other."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from haptik_actions._encoding import Encoding, detect_encoding
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._header import Header
from haptik_actions.faq._node import REQUIRED
from haptik_actions.faq._source import Found, Row

__all__ = ["NUL", "CsvSource"]

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
