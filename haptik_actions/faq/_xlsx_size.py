"""How large an XLSX workbook becomes once it is unpacked, asked before anything of it is.

A workbook is a ZIP archive of XML, and 400 KB of it can stand for gigabytes. The archive says how large each part is,
and reading a part stops there, so what it says can be relied on. Sheets are read row by row; the other parts, the table
of all texts among them, are held in memory.
"""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

__all__ = ["MOST_ROWS", "BrokenWorkbook", "check_size"]

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
