"""A text that depends on a number, as rows of a form: one for each case of the language, and for exact numbers.

What stands before and after is the text around it. A group that reads the same as before is written as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from haptik_actions.messages import Template, plural_examples

__all__ = [
    "Around",
    "CaseRow",
    "case_problems",
    "in_language",
    "read_plural",
    "split_text",
    "without_number",
    "write_plural",
]

_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")
_APOSTROPHE = "Write ’ instead of ' here: before a brace, # or the end it hides what follows."
_BRACE = "Braces stand around a placeholder alone, such as {name}. Take the others out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """The name of the number, and the text around the group; `source` is the group as it was read."""

    name: str = ""
    before: str = ""
    after: str = ""
    source: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with the name, and what to do; empty where nothing is."""
        return "" if _is_read(self.name, "x") else "Name the number that this depends on, such as count."


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """What is said for some numbers: `key` is a category of the language (`one`), or an exact number (`0`)."""

    key: str = ""
    is_exact: bool = True
    text: str = ""

    @property
    def selector(self) -> str:
        """The case as ICU writes it."""
        return f"={self.key}" if self.is_exact else self.key

    @property
    def is_said(self) -> bool:
        """Whether it is a case: a category that is left empty is said as `other`."""
        return self.is_exact or bool(self.text) or self.key == "other"


def read_plural(text: str, most: int) -> tuple[Around, tuple[CaseRow, ...]] | None:
    """Read a text with one plural group of at most so many cases; None where rows would not show all of it."""
    found = [group for group in Template.parse(text).groups if group.plural]
    if len(found) != 1 or text.count(found[0].text) != 1:
        return None
    name, cases = found[0].plural or ("", {})
    rows = tuple(
        CaseRow(key=selector.removeprefix("="), is_exact=selector.startswith("="), text=said)
        for selector, said in cases.items()
    )
    if any(case_problems(rows)) or not all(row.is_said for row in rows) or len(rows) > most:
        return None
    before, _, after = text.partition(found[0].text)
    return Around(name=name, before=before, after=after, source=found[0].text), rows


def split_text(text: str) -> tuple[Around, tuple[CaseRow, ...]]:
    """Make a text without a group one that depends on a number: all of it is said for every number as yet."""
    names = Template.parse(text).names
    return Around(name=min(names) if len(names) == 1 else ""), (CaseRow(key="other", is_exact=False, text=text),)


def write_plural(around: Around, cases: Sequence[CaseRow]) -> str:
    """Return the text as ICU writes it."""
    said = {row.selector: row.text for row in cases if row.is_said}
    groups = Template.parse(around.source).groups
    written = " ".join(f"{selector} {{{text}}}" for selector, text in said.items())
    group = f"{{{around.name}, plural, {written}}}"
    is_same = len(groups) == 1 and groups[0].plural == (around.name, said)
    return f"{around.before}{around.source if is_same else group}{around.after}"


def without_number(around: Around, cases: Iterable[CaseRow]) -> str:
    """Return the text as all other numbers have it: what is left while nobody has named the number."""
    other = next((row.text for row in cases if row.selector == "other"), "")
    return f"{around.before}{other}{around.after}"


def in_language(cases: Iterable[CaseRow], locale: str) -> tuple[CaseRow, ...]:
    """Return the rows with one for each category of the language, `other` the last of them; then the exact numbers."""
    rows = tuple(cases)
    given = {row.key: row for row in rows if not row.is_exact}
    keys = [*plural_examples(locale), *given]
    ordered = [*(key for key in dict.fromkeys(keys) if key != "other"), "other"]
    categories = (given.get(key, CaseRow(key=key, is_exact=False)) for key in ordered)
    return (*categories, *(row for row in rows if row.is_exact))


def case_problems(cases: Sequence[CaseRow]) -> tuple[str, ...]:
    """Return for each row what is wrong with it, and what to do; empty where nothing is."""
    seen: set[str] = set()
    found = []
    for row in cases:
        found.append("There is a row for this number already." if row.selector in seen else _problem(row))
        seen.add(row.selector)
    return tuple(found)


def _problem(row: CaseRow) -> str:
    if row.is_exact and not _NUMBER.fullmatch(row.key):
        return "Write a whole number, such as 0, or remove this row."
    if row.selector == "other" and not row.text.strip():
        return "Write what is said for all other numbers."
    if _is_read("n", row.text):
        return ""
    return _APOSTROPHE if _is_read("n", row.text.replace("'", "’")) else _BRACE


def _is_read(name: str, text: str) -> bool:
    """Whether a group of these parts gives just them back."""
    whole = f"{{{name}, plural, other {{{text}}}}}"
    groups = Template.parse(whole).groups
    return len(groups) == 1 and groups[0].text == whole and groups[0].plural == (name, {"other": text})
