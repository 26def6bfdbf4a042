"""XLSX as a source. Needs openpyxl (extra `faq`).

A workbook is a ZIP archive of XML, and 400 KB of it can stand for gigabytes. The archive says how large each part is,
and reading a part stops there, so what it says can be relied on, and is asked first. Sheets are read row by row; the
other parts, the table of all texts among them, are held in memory.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._csv import Header
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import Found, Row

__all__ = ["XlsxSource"]

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
