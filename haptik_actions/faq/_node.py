"""An FAQ node, the row of the platform's CSV that it is, what a source of such rows is, and a whole set of nodes.

Source: Haptik's documentation, Webhooks, "FAQ Node Creation APIs for KMS": the columns, `|` between user says, `<m>`
between bot says. A bot say is plain text, or an HSL object as JSON.

A set is small enough to keep: its rows compressed, and an index of hashes to compare it by. 100,000 nodes of a help
centre take about 12 MB, of which 1.6 MB are the index; a comparison unpacks nothing.
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, TypeAlias

import msgspec

from haptik_actions.errors import ConfigurationError, LedgerError
from haptik_actions.faq._findings import Finding

__all__ = [
    "ANSWERS",
    "COLUMNS",
    "QUESTIONS",
    "REQUIRED",
    "FaqNode",
    "Found",
    "NodeSet",
    "Packer",
    "Row",
    "Source",
    "name_hash",
]

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


_HASH_BYTES = 8


@dataclass(frozen=True, slots=True, repr=False)
class NodeSet:
    """`count` nodes with distinct names; `digest` names what they say, their order included.

    `names` are the hashes of the names in ascending order, `contents` that of the node beside each. `packed` is the
    gzipped CSV of all seven columns, without a header, in the order of the source; `columns` are those in use.
    """

    digest: str
    count: int
    columns: tuple[str, ...]
    names: array[int]
    contents: array[int]
    packed: bytes

    def find(self, hashed: int) -> int:
        """Return the position of the name with that hash in the index, or -1."""
        at = bisect_left(self.names, hashed)
        return at if at < len(self.names) and self.names[at] == hashed else -1

    def rows(self) -> Iterator[list[str]]:
        """Unpack the nodes one by one: seven cells each, in the order of the source.

        Raises:
            LedgerError: what was kept is damaged.
        """
        try:
            with gzip.open(io.BytesIO(self.packed), "rt", encoding="utf-8", newline="") as text:
                yield from csv.reader(text)
        except (OSError, EOFError, zlib.error, csv.Error) as error:
            raise LedgerError(f"The nodes that the ledger keeps are damaged: {error}.") from error

    def upload(self) -> bytes:
        """Return the CSV file that the platform is given: UTF-8, commas, CRLF, only the columns in use."""
        places = [COLUMNS.index(column) for column in self.columns]
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(self.columns)
        writer.writerows([cells[place] for place in places] for cells in self.rows())
        return buffer.getvalue().encode("utf-8")

    def to_parts(self) -> tuple[bytes, bytes]:
        """Return the set as two byte strings, to keep: the index, and the nodes."""
        names, contents = (_big_endian(part) for part in (self.names, self.contents))
        head = msgspec.json.encode({"digest": self.digest, "count": self.count, "columns": self.columns})
        return head + b"\n" + names.tobytes() + contents.tobytes(), self.packed

    @classmethod
    def from_parts(cls, index: bytes, packed: bytes) -> NodeSet:
        """Return the set that `to_parts` gave.

        Raises:
            ValueError: the parts are not what `to_parts` gave.
        """
        head, _, body = index.partition(b"\n")
        known = msgspec.json.decode(head, type=_Head)
        size = known.count * _HASH_BYTES
        if len(body) != 2 * size:
            raise ValueError("the index is cut short")
        names, contents = array("Q", body[:size]), array("Q", body[size:])
        return cls(known.digest, known.count, known.columns, _big_endian(names), _big_endian(contents), packed)


class _Head(msgspec.Struct, frozen=True):
    digest: str
    count: int
    columns: tuple[str, ...]


class Packer:
    """Makes a `NodeSet` of rows that come one by one; nothing but hashes and compressed rows is held."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._zipped = gzip.GzipFile(fileobj=self._buffer, mode="wb", compresslevel=1, mtime=0)
        self._text = io.TextIOWrapper(self._zipped, encoding="utf-8", newline="")
        self._writer = csv.writer(self._text)
        self._pairs = array("Q")
        self._whole = blake2b(digest_size=16)
        self._used = [False] * len(COLUMNS)

    def add(self, cells: Sequence[str]) -> None:
        """Add a node: seven cells. Spaces around parts are left out; the rest stays as it is."""
        tidy = _tidy(cells)
        self._writer.writerow(tidy)
        encoded = "\x1f".join(tidy).encode("utf-8")
        self._whole.update(encoded + b"\x1e")
        self._pairs.append(name_hash(tidy[0]))
        self._pairs.append(int.from_bytes(blake2b(encoded, digest_size=_HASH_BYTES).digest(), "big"))
        if tidy[3] or tidy[4] or tidy[5] or tidy[6]:
            self._used = [used or bool(cell) for used, cell in zip(self._used, tidy, strict=True)]

    def finish(self) -> NodeSet:
        """Return the set; nothing can be added any more."""
        self._text.close()
        names, contents = self._pairs[::2], self._pairs[1::2]
        order = sorted(range(len(names)), key=names.__getitem__)
        return NodeSet(
            digest=self._whole.hexdigest(),
            count=len(names),
            columns=tuple(c for c, used in zip(COLUMNS, self._used, strict=True) if used or c in REQUIRED),
            names=array("Q", map(names.__getitem__, order)),
            contents=array("Q", map(contents.__getitem__, order)),
            packed=self._buffer.getvalue(),
        )

    @classmethod
    def pack(cls, rows: Iterable[Sequence[str]]) -> NodeSet:
        """Return the set of those rows."""
        packer = cls()
        for cells in rows:
            packer.add(cells)
        return packer.finish()


def name_hash(name: str) -> int:
    """Return the hash by which a name is found in every index, on every machine."""
    return int.from_bytes(blake2b(name.encode("utf-8"), digest_size=_HASH_BYTES).digest(), "big")


def _tidy(cells: Sequence[str]) -> list[str]:
    tidy = [cell.strip() for cell in cells]
    tidy[1] = QUESTIONS.join([part.strip() for part in tidy[1].split(QUESTIONS)])
    tidy[2] = ANSWERS.join([part.strip() for part in tidy[2].split(ANSWERS)])
    return tidy


def _big_endian(numbers: array[int]) -> array[int]:
    """Swap the bytes where this machine is little-endian: what is kept may be read on another."""
    swapped = array("Q", numbers)
    if sys.byteorder == "little":
        swapped.byteswap()
    return swapped
