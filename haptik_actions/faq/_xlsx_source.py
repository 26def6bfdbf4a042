"""XLSX as a source. Needs openpyxl (extra `faq`)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._header import Header
from haptik_actions.faq._source import Found, Row
from haptik_actions.faq._xlsx_size import MOST_ROWS, BrokenWorkbook, check_size

__all__ = ["XlsxSource"]


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
