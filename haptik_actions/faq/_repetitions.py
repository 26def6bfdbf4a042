"""Names and questions that more than one row claims.

The first reading keeps only hashes, eight bytes a key: a million rows of questions fit into 40 MB. The few that come
twice are looked up in a second reading, which has the texts; so two texts with one hash are never taken for the same.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Sequence

from haptik_actions.faq._findings import Finding, Findings
from haptik_actions.faq._node import QUESTIONS, Source

__all__ = ["Claims", "find_repetitions", "folded"]

_AT_ONCE = 1 << 18


class Claims:
    """Collects the hashes of keys."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self.add_all = self._hashes.extend

    def add(self, key_hash: int) -> None:
        """Note one key by its hash."""
        self._hashes.append(key_hash)

    def repeated(self) -> set[int]:
        """Return the hashes that came more than once."""
        # In turns, so that the set of what was seen stays small: Python's integers take eight times the array.
        turns = len(self._hashes) // _AT_ONCE + 1
        repeated: set[int] = set()
        for turn in range(turns):
            repeated.update(_twice(self._hashes if turns == 1 else (h for h in self._hashes if h % turns == turn)))
        return repeated


def _twice(hashes: Iterable[int]) -> set[int]:
    seen: set[int] = set()
    twice: set[int] = set()
    for key_hash in hashes:
        (twice if key_hash in seen else seen).add(key_hash)
    return twice


_PIECE = 2000


def folded(text: str) -> str:
    """Return the text as it is compared: case, the form of accents and the number of spaces do not count."""
    if not text.isascii():
        # In pieces: putting thousands of accents of one letter in order takes the square of their number.
        pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        text = "".join(unicodedata.normalize("NFC", piece) for piece in pieces)
    return " ".join(text.casefold().split())


def find_repetitions(source: Source, findings: Findings, *, names: set[int], questions: set[int]) -> None:
    """Say which rows repeat a name or a question, and which row had it first; the sets hold hashes of folded texts."""
    if names or questions:
        second = _SecondReading(source, findings, names, questions)
        for row, cells in source.rows(lambda finding: None):
            second.row(row, cells)


class _SecondReading:
    def __init__(self, source: Source, findings: Findings, names: set[int], questions: set[int]) -> None:
        self._source, self._findings = source, findings
        self._names, self._questions = names, questions
        self._named: dict[str, tuple[int, str]] = {}
        self._asked: dict[str, tuple[int, str]] = {}

    def row(self, row: int, cells: Sequence[str]) -> None:
        name = cells[0].strip()
        if name and hash(folded(name)) in self._names:
            self._name(row, name)
        for part in folded(cells[1]).split(QUESTIONS):
            key = part.strip()
            if key and hash(key) in self._questions:
                self._question(row, name, key)

    def _name(self, row: int, name: str) -> None:
        first, spelt = self._named.setdefault(folded(name), (row, name))
        if first != row:
            is_same = spelt == name
            message = f"{name!r} is the name in row {first}, too." if is_same else f"{spelt!r} is in row {first}."
            self._add("duplicate_name" if is_same else "similar_name", row, "node_name", message)

    def _question(self, row: int, name: str, key: str) -> None:
        first, owner = self._asked.get(key, (0, ""))
        if not first:
            self._asked[key] = (row, name)
        elif first == row:
            self._add("question_repeated", row, "question", f"{key!r} stands there twice.")
        elif owner != name:
            self._add("question_claimed", row, "question", f"{key!r} is also in row {first} (node {owner!r}).")

    def _add(self, code: str, row: int, column: str, message: str) -> None:
        file, line = self._source.locate()
        self._findings.add(Finding(code=code, message=message, file=file, row=row, line=line, column=column))
