"""FAQ nodes in the files of spreadsheets: CSV and XLSX as sources, and CSV written as the platform wants it.

What is uploaded is CSV in UTF-8 without a mark, with commas and CRLF, and with quotes where they are needed.

XLSX needs openpyxl (extra `faq`). A workbook is a ZIP archive of XML, and 400 KB of it can stand for gigabytes. The
archive says how large each part is, and reading a part stops there, so what it says can be relied on, and is asked
first. Sheets are read row by row; the other parts, the table of all texts among them, are held in memory.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from haptik_actions._csv import DELIMITERS, CsvRecords, Encoding, detect_encoding
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import COLUMNS, REQUIRED, FaqNode, Found, Row

__all__ = ["CsvSource", "Header", "XlsxSource", "read_csv", "write_csv"]

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
        records = CsvRecords(text, delimiter=self._delimiter, has_nul=encoding.has_nul, strict=True)
        if records.delimiter != ",":
            shown = DELIMITERS.get(records.delimiter, repr(records.delimiter))
            self._tell(found, "converted", f"Cells are separated by {shown}.")
        self._reader_line = lambda: records.line
        header = self._header(records.reader, found)
        if header is not None and header.is_usable:
            yield from self._below(records, header, found)

    def _header(self, reader: Iterator[list[str]], found: Found) -> Header | None:
        for cells in reader:
            self._row += 1
            self._line = self._reader_line()
            if any(map(str.strip, cells)):
                return Header(cells, partial(self._tell_header, found))
        for column in REQUIRED:
            self._tell(found, "missing_column", f"{column!r} is missing: the file is empty.", column=column)
        return None

    def _below(self, records: CsvRecords, header: Header, found: Found) -> Iterator[Row]:
        # Runs once per row of files with a million: what is usual is decided first.
        reader, before = records.reader, records.lines_before
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


MOST_ROWS = 1_048_576
"""Rows of a sheet; Microsoft's documentation of Excel."""

_MEGABYTE = 1_000_000
_MOST_HELD, _MOST_WHOLE = 128 * _MEGABYTE, 512 * _MEGABYTE
# XML of a spreadsheet shrinks to a tenth, or a thirtieth where texts repeat. Small files may do as they like.
_MOST_RATIO, _FREE_OF_RATIO = 100, 16 * _MEGABYTE


class BrokenWorkbook(Exception):
    """A workbook that is none, or is too large; its words go on from the file's name. `row` is 0 for the whole."""

    def __init__(self, words: str, row: int = 0) -> None:
        super().__init__(words)
        self.row = row


def check_size(path: Path) -> None:
    """Look at the archive's list of contents.

    Raises:
        BrokenWorkbook: it is no archive, or becomes too large.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            parts = ZipFile(file).infolist()
        # An offset of a damaged archive makes zipfile seek to where no file is, which is an OSError.
        except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise BrokenWorkbook(f"is not an XLSX workbook that can be read: {error}.") from None
    whole = sum(part.file_size for part in parts)
    held = sum(part.file_size for part in parts if not _is_sheet(part))
    packed = max(1, path.stat().st_size)
    if whole > _MOST_WHOLE or held > _MOST_HELD or (whole > _FREE_OF_RATIO and whole > _MOST_RATIO * packed):
        raise BrokenWorkbook(
            f"would be {whole // _MEGABYTE:,} MB once unpacked; at most {_MOST_WHOLE // _MEGABYTE} MB are read, "
            f"{_MOST_HELD // _MEGABYTE} MB of them texts, and {_MOST_RATIO} times the file. Save the sheet as CSV."
        )


def _is_sheet(part: ZipInfo) -> bool:
    return part.filename.startswith("xl/worksheets/")


class XlsxSource:
    """A sheet of an Excel workbook, the first where `sheet` is None. Numbers and dates become text as they are shown.

    A formula is a finding: what it shows is not in the file until a spreadsheet has worked it out.

    Raises:
        ConfigurationError: openpyxl is not installed.
    """

    def __init__(self, path: str | Path, *, sheet: str | None = None) -> None:
        self.name = str(path)
        self._path, self._sheet = Path(path), sheet
        try:
            import openpyxl
        except ImportError:
            raise ConfigurationError(
                f'{path}: reading XLSX needs the package openpyxl: pip install "haptik-actions[faq]"; or save the '
                "sheet as CSV."
            ) from None
        self._openpyxl = openpyxl

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`."""
        try:
            check_size(self._path)
            workbook = self._open()
            try:
                yield from self._rows(self._chosen(workbook), found)
            finally:
                workbook.close()
        except BrokenWorkbook as broken:
            self._tell(found, "broken_file", f"{self.name} {broken}", broken.row)
        except OSError as error:
            raise ConfigurationError(f"{self.name} cannot be read: {error.strerror or error}.") from error

    def locate(self) -> tuple[str, int]:
        """See `Source`."""
        return self.name, 0

    def _open(self) -> Any:
        try:
            return self._openpyxl.load_workbook(self._path, read_only=True, data_only=False)
        # openpyxl reads XML of any kind as if it were its own, and stops with whatever Python raises then.
        except Exception as error:  # noqa: BLE001
            raise BrokenWorkbook(f"is not an XLSX workbook that can be read: {_words(error)}.") from None

    def _chosen(self, workbook: Any) -> Any:
        if self._sheet is None and workbook.worksheets:
            return workbook.worksheets[0]
        if self._sheet is None:
            raise BrokenWorkbook("has no sheet with cells.")
        if self._sheet not in workbook.sheetnames:
            sheets = ", ".join(workbook.sheetnames)
            raise ConfigurationError(f"{self.name} has no sheet {self._sheet!r}. It has: {sheets}.")
        return workbook[self._sheet]

    def _rows(self, sheet: Any, found: Found) -> Iterator[Row]:
        header: Header | None = None
        for row, values in enumerate(_values(sheet), start=1):
            cells = [_text(value) for value in values]
            if not any(map(str.strip, cells)):
                continue
            if header is None:
                header = self._header(cells, row, found)
                if not header.is_usable:
                    return
                continue
            fitted = header.fit(cells)
            if fitted is None:
                self._tell(found, "extra_cells", "A cell right of the last column is filled.", row)
            else:
                yield row, header.arrange(fitted)
        if header is None:
            self._header([], 0, found)

    def _header(self, cells: Sequence[str], row: int, found: Found) -> Header:
        return Header(cells, lambda code, message, column: self._tell(found, code, message, row, column))

    def _tell(self, found: Found, code: str, message: str, row: int, column: str = "") -> None:
        found(Finding(code=code, message=message, file=self.name, row=row, column=column))


def _values(sheet: Any) -> Iterator[Sequence[Any]]:
    """The rows as they stand in the file: the size that it claims may be that of a million empty rows."""
    try:
        sheet.reset_dimensions()
    except AttributeError:
        raise BrokenWorkbook("has no sheet with cells.") from None
    rows = sheet.iter_rows(values_only=True)
    for row in range(1, MOST_ROWS + 2):
        try:
            values = next(rows, None)
        except Exception as error:  # noqa: BLE001
            raise BrokenWorkbook(f"cannot be read to its end: {_words(error)}.", row) from None
        if values is None:
            return
        yield values
    raise BrokenWorkbook(f"has more than {MOST_ROWS:,} rows, which no spreadsheet has.", MOST_ROWS)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200] if str(error) else type(error).__name__


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    return str(value)
