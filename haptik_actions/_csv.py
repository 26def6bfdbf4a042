"""CSV as spreadsheets write it: encoding, delimiter and line ends are found out, without holding the file.

The delimiter is what stands most between the names of the header: a comma, a semicolon or a tab. Excel's first line
`sep=;` names one as well.

Of the encoding a byte-order mark decides. Without one the whole file is looked at once: UTF-8 where all of it is, or
most of what is not ASCII; UTF-16 where every other byte is NUL; otherwise Windows-1252, the code page of Excel's plain
"CSV" in the Americas and Western Europe, and then a finding says that this was a guess.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TextIO

__all__ = ["DELIMITERS", "NUL", "CsvRecords", "Encoding", "detect_encoding"]

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""What may stand between cells, and what people call it."""

NUL = "\udc00"
"""What stands for NUL, which csv refuses on Python 3.10: a surrogate that no decoding gives."""

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)


class CsvRecords:
    """The records of `text`, lists of cells, which `reader` yields; `delimiter` overrides what is found out.

    NUL comes as `NUL` where the text `has_nul`. With `strict` a quote that does not match is a `csv.Error`. A cell
    longer than 131,072 characters is one in any case. `lines_before` is how many lines stand above what `reader` reads.
    """

    def __init__(self, text: TextIO, *, delimiter: str | None = None, has_nul: bool = False, strict: bool) -> None:
        first = text.readline()
        named = _SEPARATOR_LINE.fullmatch(first)
        head = text.readline() if named else first
        self.lines_before = 1 if named else 0
        self.delimiter = delimiter or (named and named[1]) or _delimiter_of(head)
        self.reader = csv.reader(_lines(head, text, has_nul=has_nul), delimiter=self.delimiter, strict=strict)

    @property
    def line(self) -> int:
        """How many lines of the file have been read."""
        return self.reader.line_num + self.lines_before


def _lines(head: str, text: TextIO, *, has_nul: bool) -> Iterator[str]:
    def all_lines() -> Iterator[str]:
        yield head
        yield from text

    lines: Iterable[str] = all_lines() if head else ()
    return iter(line.replace("\0", NUL) for line in lines) if has_nul else iter(lines)


def _delimiter_of(head: str) -> str:
    """The delimiter between the names of the header; a comma where none stands there."""
    bare = re.sub(r'"[^"]*"', "", head)
    return max(DELIMITERS, key=bare.count)


_CHUNK = 1 << 18
_SAMPLE = 4096
_ESCAPED = re.compile("[\udc80-\udcff]")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 with a byte-order mark"),
    # Before UTF-16: its mark begins with that of UTF-16 LE.
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`codec` is Python's name, `shown` the people's; `guessed` where nothing in the file says so."""

    codec: str
    shown: str = "UTF-8"
    guessed: bool = False
    has_nul: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether the file is what the platform documents."""
        return self.codec in ("utf-8", "utf-8-sig")


def detect_encoding(file: BinaryIO) -> Encoding:
    """Read `file`, which stands at its beginning, and say what it is in."""
    first = file.read(_SAMPLE)
    for mark, codec, shown in _MARKS:
        if first.startswith(mark):
            return Encoding(codec, shown, has_nul=codec == "utf-8-sig" and _has_nul(first, file))
    wide = _unmarked_utf16(first)
    return wide or _narrow(first, file)


def _unmarked_utf16(first: bytes) -> Encoding | None:
    even, odd = first[::2].count(0), first[1::2].count(0)
    half = len(first) // 2
    # Text in a European script: nearly every second byte is NUL. A stray NUL in UTF-8 is far from that.
    if half and max(even, odd) > 0.4 * half and min(even, odd) < 0.1 * half:
        side = "le" if odd > even else "be"
        return Encoding(f"utf-16-{side}", f"UTF-16 ({side.upper()}) without a byte-order mark")
    return None


def _narrow(first: bytes, file: BinaryIO) -> Encoding:
    strict = codecs.getincrementaldecoder("utf-8")()
    has_nul = False
    try:
        for chunk in _chunks(first, file):
            has_nul = has_nul or b"\0" in chunk
            strict.decode(chunk)
        strict.decode(b"", final=True)
    except UnicodeDecodeError:
        return _not_quite_utf8(file)
    return Encoding("utf-8", has_nul=has_nul)


def _not_quite_utf8(file: BinaryIO) -> Encoding:
    """UTF-8 with some broken bytes where more of what is not ASCII can be read than cannot; else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    real = broken = 0
    has_nul = False
    file.seek(0)
    for chunk in _chunks(file.read(_CHUNK), file):
        has_nul = has_nul or b"\0" in chunk
        text = decoder.decode(chunk)
        lost = len(_ESCAPED.findall(text))
        broken += lost
        real += len(text) - len(text.encode("ascii", "ignore")) - lost
    if broken + len(decoder.decode(b"", final=True)) > real:
        return Encoding("cp1252", "Windows-1252", guessed=True, has_nul=has_nul)
    return Encoding("utf-8", has_nul=has_nul)


def _has_nul(first: bytes, file: BinaryIO) -> bool:
    return any(b"\0" in chunk for chunk in _chunks(first, file))


def _chunks(first: bytes, file: BinaryIO) -> Iterator[bytes]:
    chunk = first
    while chunk:
        yield chunk
        chunk = file.read(_CHUNK)
