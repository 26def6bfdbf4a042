"""The lint: every row of a source is looked at once, and what is wrong is said with its place.

A row of a file with a million of them may cost a few microseconds, ten times what `csv.reader` takes. So each check
begins with a question that costs next to nothing and is answered "no" for nearly every row.

Names and questions that more than one row claims are found in two readings. The first keeps only hashes, eight bytes a
key: a million rows of questions fit into 40 MB. The few that come twice are looked up in a second reading, which has
the texts; so two texts with one hash are never taken for the same.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from haptik_actions._sarif import Result, Rule, log
from haptik_actions.faq._cells import (
    FORMULA_SIGNS,
    answer_findings,
    character_findings,
    formula_finding,
    is_ordinary,
    link_problem,
)
from haptik_actions.faq._findings import CODES, Finding, Findings, Level
from haptik_actions.faq._node import ANSWERS, COLUMNS, QUESTIONS, REQUIRED, NodeSet, Packer, Source

__all__ = ["Claims", "Limits", "LintReport", "find_repetitions", "folded", "lint", "load", "sarif"]

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


CELL_LIMIT = 32_767
"""Characters that a cell of Excel, LibreOffice or Google Sheets holds; Microsoft's and LibreOffice's documentation."""

_ODD_QUESTION = re.compile(r"\\\||[｜¦]|<m>", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Lengths in characters above which a text is reported. The platform documents none.

    A `bot_say` of 2,000 is what Facebook Messenger shows in one message, the least of the large channels. The others
    are what people still read in a list, and ours.
    """

    name: int = 128
    question: int = 256
    bot_say: int = 2000


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found in `rows` rows that are not blank. `ok` where nothing keeps the source from being applied."""

    source: str
    rows: int
    findings: Findings

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.findings.has_error


def lint(
    source: Source, *, limits: Limits | None = None, keep: int = 1000, levels: Mapping[str, Level] | None = None
) -> LintReport:
    """Check a source; `keep` findings of each severity are kept with their words, all are counted.

    `levels` sets codes to another severity than that of `CODES`, or off. A source with duplicates is read twice.

    Raises:
        ConfigurationError: it cannot be read, or a level cannot be set.
    """
    findings = Findings(keep, levels=levels)
    rows = sum(1 for _ in _checked_rows(source, findings, limits or Limits()))
    return LintReport(source.name, rows, findings)


def load(
    source: Source, *, limits: Limits | None = None, keep: int = 1000, levels: Mapping[str, Level] | None = None
) -> tuple[LintReport, NodeSet | None]:
    """Check a source as `lint` does, and return its nodes as well, of the same reading; None where there is an error.

    Raises:
        ConfigurationError: it cannot be read, or a level cannot be set.
    """
    findings, packer = Findings(keep, levels=levels), Packer()
    rows = 0
    for cells in _checked_rows(source, findings, limits or Limits()):
        rows += 1
        if not findings.has_error:
            packer.add(cells)
    report = LintReport(source.name, rows, findings)
    return report, packer.finish() if report.ok else None


def _checked_rows(source: Source, findings: Findings, limits: Limits) -> Iterator[Sequence[str]]:
    """Yield the cells of each row that is not blank, with or without findings, and fill `findings` meanwhile."""
    check = _RowCheck(source, findings, limits)
    count = 0
    for row, cells in source.rows(findings.add):
        if check.row(row, cells):
            count += 1
            yield cells
    if not count and not findings.has_error:
        findings.add(Finding(code="no_rows", message="There are no rows below the header.", file=source.name))
    find_repetitions(source, findings, names=check.names.repeated(), questions=check.questions.repeated())


class _RowCheck:
    """Checks rows one by one and remembers the hashes of names and questions."""

    def __init__(self, source: Source, findings: Findings, limits: Limits) -> None:
        self._source, self._findings, self._limits = source, findings, limits
        self._row = 0
        self.names, self.questions = Claims(), Claims()

    def row(self, row: int, cells: Sequence[str]) -> bool:
        """Check a row; false where it is blank."""
        self._row = row
        name, question, answer = cells[0].strip(), cells[1].strip(), cells[2].strip()
        whole = "".join(cells)
        if not (name and question and answer) and not self._empty(cells):
            return False
        if not is_ordinary(whole):
            self._each(cells, character_findings)
        if name[:1] in FORMULA_SIGNS or question[:1] in FORMULA_SIGNS or answer[:1] in FORMULA_SIGNS:
            self._formulas(cells[:3])
        if len(whole) > CELL_LIMIT:
            self._oversized(cells)
        self.names.add(hash(folded(name)))
        self._question(question)
        self._answer(answer)
        if len(name) > self._limits.name:
            self.add("too_long", f"{len(name)} characters, more than {self._limits.name}.", "node_name")
        if cells[3] or cells[4] or cells[5] or cells[6]:
            self._optional(cells)
        return True

    def add(self, code: str, message: str, column: str) -> None:
        """Note a finding in the current row."""
        file, line = self._source.locate()
        self._findings.add(Finding(code=code, message=message, file=file, row=self._row, line=line, column=column))

    def _empty(self, cells: Sequence[str]) -> bool:
        if not any(map(str.strip, cells)):
            return False
        for column, cell in zip(REQUIRED, cells, strict=False):
            if not cell.strip():
                self.add("empty_cell", "It is empty.", column)
        return True

    def _each(self, cells: Sequence[str], check: Callable[[str], Iterator[tuple[str, str]]]) -> None:
        for column, cell in zip(COLUMNS, cells, strict=False):
            for code, message in check(cell):
                self.add(code, message, column)

    def _formulas(self, cells: Sequence[str]) -> None:
        for column, cell in zip(COLUMNS, cells, strict=False):
            if found := formula_finding(cell):
                self.add(*found, column)

    def _oversized(self, cells: Sequence[str]) -> None:
        for column, cell in zip(COLUMNS, cells, strict=False):
            if len(cell) > CELL_LIMIT:
                self.add("cell_too_long", f"{len(cell):,} characters.", column)

    def _question(self, question: str) -> None:
        keys = [part.strip() for part in folded(question).split(QUESTIONS)]
        self.questions.add_all(map(hash, keys))
        if question and not all(keys):
            self.add("empty_part", f"There is nothing beside a {QUESTIONS!r}.", "question")
        if len(question) > self._limits.question:
            longest = max(map(len, keys))
            if longest > self._limits.question:
                message = f"A question of {longest} characters, more than {self._limits.question}."
                self.add("too_long", message, "question")
        if "<" in question or "\\" in question or "｜" in question or "¦" in question:
            self._odd_question(question)

    def _odd_question(self, question: str) -> None:
        for found in _ODD_QUESTION.finditer(question):
            code = "delimiter_in_text" if found[0] in (r"\|", ANSWERS) else "odd_delimiter"
            self.add(code, f"{found[0]!r} stands in it.", "question")

    def _answer(self, answer: str) -> None:
        if "{" in answer or "<" in answer or len(answer) > self._limits.bot_say:
            for code, message in answer_findings(answer, self._limits.bot_say):
                self.add(code, message, "answer")
        elif ":" in answer and (problem := link_problem(answer, whole=False)):
            self.add("unsafe_link", problem, "answer")

    def _optional(self, cells: Sequence[str]) -> None:
        link_text, link_button, link_url = (cell.strip() for cell in cells[4:7])
        self._formulas_of_optional(cells)
        if link_url and (problem := link_problem(link_url, whole=True)):
            self.add("unsafe_link", problem, "link_url")
        if not link_url and (link_text or link_button):
            self.add("link_incomplete", "There is no address.", "link_url")

    def _formulas_of_optional(self, cells: Sequence[str]) -> None:
        for column, cell in zip(COLUMNS[3:], cells[3:], strict=False):
            if found := formula_finding(cell):
                self.add(*found, column)


def sarif(report: LintReport) -> dict[str, Any]:
    """Return the log of one run in SARIF 2.1.0: a rule per code that was found, a result per finding that was kept."""
    findings = report.findings
    rules = [
        Rule(
            id=f"faq/{code}",
            meaning=CODES[code].meaning,
            remedy=CODES[code].remedy,
            level=findings.severity_of(code),
        )
        for code in sorted(findings.counts)
    ]
    results = map(_result, findings.listed())
    return log("haptik-actions faq lint", rules, results, exit_code=0 if report.ok else 1)


def _result(finding: Finding) -> Result:
    where = f"Row {finding.row}, {finding.column}: " if finding.column and finding.row else ""
    return Result(
        rule=f"faq/{finding.code}",
        level=finding.severity,
        message=f"{where}{finding.message} {finding.remedy}",
        file=finding.file,
        line=finding.line,
        properties={"row": finding.row, "column": finding.column},
    )
