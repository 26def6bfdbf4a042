"""What is wrong with a source, where, how bad it is, and what helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError

__all__ = ["CODES", "LEVELS", "Code", "Finding", "Findings", "Level", "Severity"]

Severity = Literal["error", "warning", "note"]
"""`error` keeps the source from being applied; `warning` does not; `note` tells what is done by itself."""

Level = Literal["error", "warning", "off"]
"""What a rule can be set to; `off` neither lists nor counts what it finds."""

LEVELS: tuple[Level, ...] = ("error", "warning", "off")
"""Every `Level`."""

_ORDER: Mapping[Severity, int] = {"error": 0, "warning": 1, "note": 2}


class Code(NamedTuple):
    """A kind of finding: what it means in one sentence, and what helps.

    `fixed` says why it cannot be anything but an error; empty where `Findings` may be told otherwise.
    """

    severity: Severity
    meaning: str
    remedy: str
    fixed: str = ""


_INACTIVE = "an upload makes every node inactive that is not in it"
_LOST_ROW = f"the rows concerned cannot be read, and {_INACTIVE}"
_COLUMNS = "the platform needs node_name, question and answer of each node"


CODES: Mapping[str, Code] = {
    # The file as a whole
    "no_rows": Code(
        "error",
        "There is no node in the source; applying it would make every FAQ node inactive.",
        "Check that this is the right file or the right prefix of intents, and that the export that wrote it worked.",
        _INACTIVE,
    ),
    "missing_column": Code(
        "error",
        "A column without which there is no node is not in the header.",
        "Write the header as node_name,question,answer, in the first row.",
        _COLUMNS,
    ),
    "repeated_column": Code("error", "The header names a column twice.", "Remove or rename one of the two.", _COLUMNS),
    "unknown_column": Code(
        "warning",
        "The platform has no such column; it is left out of the upload.",
        "Correct its name, or remove the column.",
    ),
    "broken_csv": Code(
        "error",
        "The quotes do not match, so that nobody can say where cells end; the rest of the file was not read.",
        'Put a cell that holds a quote, a delimiter or a line break between quotes, and write its own quotes as "".',
        _LOST_ROW,
    ),
    "broken_file": Code(
        "error",
        "The file is not what its format asks for, is nested too deep, refers to itself, or is too large unpacked.",
        "Export or save it anew in the program that it comes from; a large file is better CSV or JSON lines.",
        _LOST_ROW,
    ),
    "bad_record": Code(
        "error",
        "The entry is not a node: not the format it should be in, or of another shape.",
        "Compare it with the example of this format in docs/faq.md.",
        _LOST_ROW,
    ),
    "encoding_guessed": Code(
        "warning",
        "The file is not UTF-8 and does not say what it is; it was read as Windows-1252.",
        "Save it as UTF-8, or name its encoding with --encoding.",
    ),
    "converted": Code(
        "note",
        "The file is written in a form that the platform does not document; what is uploaded is UTF-8 with commas.",
        "Nothing has to be done.",
    ),
    "undecodable": Code(
        "error",
        "Bytes that are no text in the file's encoding.",
        "Save the file as UTF-8 in the program that it comes from, or name its encoding with --encoding.",
        _LOST_ROW,
    ),
    # A row
    "extra_cells": Code(
        "error",
        "The row has more cells than the header: most often a delimiter inside a text without quotes.",
        "Put the text between quotes.",
        _LOST_ROW,
    ),
    "empty_cell": Code(
        "error", "A node needs a name, a question and an answer.", "Fill the cell, or remove the row.", _COLUMNS
    ),
    "empty_part": Code(
        "error", "There is nothing between two delimiters, or beside one.", "Remove the delimiter that is too much."
    ),
    "duplicate_name": Code(
        "error",
        "Two rows have the same node_name; the second would replace the first.",
        "Rename one, or make one row of the two.",
        "the platform asks for unique names, and of two rows with the same name one is lost",
    ),
    "similar_name": Code(
        "warning",
        "Two names differ only in upper and lower case or in spaces.",
        "Make them one node, or rename one.",
    ),
    "question_claimed": Code(
        "error",
        "Two nodes are detected by the same question (case and spaces aside); which one answers is chance.",
        "Keep the question with one of them.",
    ),
    "question_repeated": Code("warning", "A node lists the same question twice.", "Remove one of the two."),
    "delimiter_in_text": Code(
        "error",
        "A text holds `|` or `<m>`, which the platform reads as the end of a question or of a bot say.",
        "Reword the text; inside an HSL object write `<m>` as \\u003cm>.",
    ),
    "odd_delimiter": Code(
        "error",
        "Something that looks like a delimiter and is none, so that users would read it.",
        "Write `|` between questions and `<m>` between bot says, exactly so.",
    ),
    "invalid_hsl": Code(
        "error",
        "A bot say begins like an HSL object and is not one that the platform can show.",
        "Correct it at the path that is named; `haptik-actions hsl lint` checks an element alone.",
    ),
    "formula": Code(
        "error",
        "A spreadsheet that opens the file runs this cell as a formula.",
        "Begin the text with another character, an apostrophe or a word.",
    ),
    "formula_sign": Code(
        "warning",
        "The cell begins with a sign that a spreadsheet takes for a formula: it shows an error or another value.",
        "Begin the text with a word, or with a dash (–) instead of a minus.",
    ),
    "cell_too_long": Code(
        "error",
        "The cell has more than 32,767 characters, which no spreadsheet can hold; it cuts the rest off.",
        "Shorten it, or look whether a quote is missing before it.",
    ),
    "too_long": Code(
        "warning",
        "A text is longer than users read or channels show (limits in docs/faq.md).",
        "Shorten it, or make several bot says of it with `<m>`.",
    ),
    "unsafe_link": Code(
        "error",
        "An address that a chat must not open: neither http nor https, or without a host.",
        "Write the whole address with https://.",
    ),
    "link_incomplete": Code(
        "warning", "Link columns are filled and there is no link_url, so there is no link.", "Add link_url."
    ),
    "control_character": Code(
        "error",
        "NUL or another control character, which no user should be sent.",
        "Delete the character; it often comes from copying out of a PDF or a word processor.",
        "NUL is among them, and no CSV file can carry it",
    ),
    "invisible_character": Code(
        "warning",
        "A character that cannot be seen and makes words differ that look the same, or turns the text's direction.",
        "Type the text anew.",
    ),
    "mojibake": Code(
        "warning",
        "Characters that appear when UTF-8 is read as something else (Ã©, â€™), or where such reading lost one (�).",
        "Export the source again as UTF-8; this text is damaged already.",
    ),
    # A Rasa project
    "no_response": Code(
        "error",
        "A retrieval intent has no response utter_<intent> in the domain that says something to everybody.",
        "Add the response, or a variation without a condition, or remove the intent.",
    ),
    "no_examples": Code(
        "error",
        "A response belongs to a retrieval intent without examples, so no question leads to it.",
        "Add examples to the intent in the NLU data.",
    ),
    "variations_left_out": Code(
        "warning",
        "The response has several variations; a node has one answer: the first for everybody that is not blank.",
        "Nothing, if that is the best; otherwise put the best first.",
    ),
    "placeholder": Code(
        "warning",
        "A placeholder that Rasa fills from a slot; the platform fills none, and users read the braces.",
        "Reword the answer without it.",
    ),
}
"""Every code. Which of them are errors is decided here alone."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found.

    `row` counts as a spreadsheet does: the header is row 1; in other sources the entries count from 1. 0 stands for the
    source as a whole. `line` is the line of `file` where the row ends; 0 where there are no lines. `level` is the
    severity where its code was set to one.
    """

    code: str
    message: str
    file: str = ""
    row: int = 0
    line: int = 0
    column: str = ""
    level: Severity | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.level or CODES[self.code].severity

    @property
    def remedy(self) -> str:
        """What helps."""
        return CODES[self.code].remedy


class Findings:
    """The first `keep` findings of each severity, and how many there are of each code.

    `levels` sets codes to another severity than their own, or off.

    Raises:
        ConfigurationError: there is no such code or level, or the code has to stay an error.
    """

    def __init__(self, keep: int = 1000, *, levels: Mapping[str, Level] | None = None) -> None:
        self._keep = keep
        self._levels = dict(levels or {})
        for code, level in self._levels.items():
            _check_level(code, level)
        self._kept: dict[Severity, list[Finding]] = {"error": [], "warning": [], "note": []}
        self.counts: Counter[str] = Counter()
        self.has_error = False

    def add(self, finding: Finding) -> None:
        """Take note of a finding, unless its code is off."""
        level = self._levels.get(finding.code)
        if level == "off":
            return
        if level is not None:
            finding = msgspec.structs.replace(finding, level=level)
        self.counts[finding.code] += 1
        kept = self._kept[finding.severity]
        self.has_error = self.has_error or finding.severity == "error"
        if len(kept) < self._keep:
            kept.append(finding)

    def listed(self) -> list[Finding]:
        """Return what was kept, by row; those of the source as a whole come first."""
        kept = [finding for severity in _ORDER for finding in self._kept[severity]]
        return sorted(kept, key=lambda finding: finding.row)

    def count(self, severity: Severity) -> int:
        """Return how many findings of that severity there are, kept or not."""
        return sum(number for code, number in self.counts.items() if self.severity_of(code) == severity)

    def severity_of(self, code: str) -> Severity:
        """Return how bad findings of that code, which is not off, are here."""
        level = self._levels.get(code)
        return CODES[code].severity if level is None or level == "off" else level


def _check_level(code: str, level: str) -> None:
    known = CODES.get(code)
    if known is None:
        hint = nearest(code, CODES)
        raise ConfigurationError(f"There is no rule {code!r}.{hint or ' docs/faq.md lists them all.'}")
    if level not in LEVELS:
        raise ConfigurationError(f"{code}: {level!r} is no level. Write one of {', '.join(LEVELS)}.")
    if known.fixed and level != "error":
        raise ConfigurationError(f"{code} has to stay an error: {known.fixed}.")
