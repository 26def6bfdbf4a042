"""XLSX as a source. Needs openpyxl (extra `faq`)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._header import Header
from haptik_actions.faq._source import Found, Row

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
        workbook = self._open()
        try:
            yield from self._rows(self._chosen(workbook), found)
        finally:
            workbook.close()

    def locate(self) -> tuple[str, int]:
        """See `Source`."""
        return self.name, 0

    def _open(self) -> Any:
        from openpyxl.utils.exceptions import InvalidFileException

        try:
            return self._openpyxl.load_workbook(self._path, read_only=True, data_only=False)
        except (BadZipFile, InvalidFileException, KeyError, ValueError) as error:
            raise ConfigurationError(f"{self.name} is not an XLSX workbook that can be read: {error}.") from error
        except OSError as error:
            raise ConfigurationError(f"{self.name} cannot be read: {error.strerror or error}.") from error

    def _chosen(self, workbook: Any) -> Any:
        if self._sheet is None:
            return workbook.worksheets[0]
        if self._sheet not in workbook.sheetnames:
            sheets = ", ".join(workbook.sheetnames)
            raise ConfigurationError(f"{self.name} has no sheet {self._sheet!r}. It has: {sheets}.")
        return workbook[self._sheet]

    def _rows(self, sheet: Any, found: Found) -> Iterator[Row]:
        header: Header | None = None
        for row, values in enumerate(sheet.iter_rows(values_only=True), start=1):
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
