"""JSON lines, YAML and a folder of Markdown as sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from haptik_actions._yaml import YamlProblem, load_bounded, read_rasa_yaml
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import ANSWERS, COLUMNS, QUESTIONS, Found, Row

__all__ = ["JsonLinesSource", "MarkdownSource", "Tell", "YamlSource", "as_json", "joined"]

Tell: TypeAlias = Callable[[str, str, str], None]
"""Called with the code, the message and the column of a finding."""

_NAMES = {"name": "node_name", "questions": "question", "answers": "answer"}


def cells_of(entry: object, tell: Tell) -> list[str] | None:
    """Return the cells of a mapping with the columns as keys (`name`, `questions`, `answers` too), or None.

    A text is a cell as in CSV, delimiters included; in a list each item is one question or bot say, and a delimiter in
    it is a mistake. A bot say may be an HSL object itself.
    """
    if not isinstance(entry, Mapping):
        tell("bad_record", f"An object with node_name, question and answer is wanted, not {_kind(entry)}.", "")
        return None
    values: dict[str, Any] = {}
    for key, value in entry.items():
        column = _NAMES.get(str(key), str(key))
        if column not in COLUMNS:
            tell("unknown_column", f"{column!r} is no column of the platform.{nearest(column, COLUMNS)}", column)
        elif column in values:
            tell("repeated_column", f"{column!r} is given twice.", column)
        else:
            values[column] = value
    return [_cell(column, values.get(column), tell) for column in COLUMNS]


def joined(column: str, parts: list[str], tell: Tell) -> str:
    """Join questions or bot says to a cell, and say which of them holds the delimiter."""
    delimiter = QUESTIONS if column == "question" else ANSWERS
    for index, part in enumerate(parts):
        if delimiter in part:
            tell("delimiter_in_text", f"Entry {index + 1} holds {delimiter!r}: {part[:60]!r}.", column)
    # A backslash before the delimiter reads as a try to escape it.
    return delimiter.join(f"{part} " if part.endswith("\\") else part for part in parts)


def as_json(element: Mapping[str, object]) -> str:
    """Return an HSL object as JSON in which no delimiter stands."""
    return msgspec.json.encode(element).decode().replace(ANSWERS, "\\u003cm>")


def _cell(column: str, value: object, tell: Tell) -> str:
    if isinstance(value, list) and column in ("question", "answer"):
        return joined(column, [_part(column, part, tell) for part in value], tell)
    return _part(column, value, tell)


def _part(column: str, value: object, tell: Tell) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping) and column == "answer":
        try:
            return as_json(value)
        except (TypeError, msgspec.EncodeError) as error:
            tell("bad_record", f"The HSL object holds what JSON cannot: {error}.", column)
            return ""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        tell("bad_record", f"A text is wanted, not {_kind(value)}. Put it between quotes.", column)
        return ""
    return str(value)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"\A\s*#[ \t]+([^\r\n]*)(?:\r?\n|\Z)")
_BREAK = re.compile(r"^[ \t]*---[ \t]*$", re.MULTILINE)
_HSL_BLOCK = re.compile(r"\A```(?:hsl|json)[ \t]*\n(.*)\n```\Z", re.DOTALL)


class _Entries:
    """What the sources have in common: they know the file and line of the entry that was given last."""

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self._path = Path(path)
        self._at = (self.name, 0)

    def locate(self) -> tuple[str, int]:
        """See `Source`."""
        return self._at

    def _tell(self, found: Found, row: int, code: str, message: str, column: str = "") -> None:
        file, line = self._at
        found(Finding(code=code, message=message, file=file, row=row, line=line, column=column))


class JsonLinesSource(_Entries):
    """A file with one JSON object per line, in UTF-8: `{"node_name": …, "question": […], "answer": […]}`."""

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`. The row is the line."""
        try:
            with self._path.open("rb") as file:
                for row, line in enumerate(file, start=1):
                    self._at = (self.name, row)
                    cells = self._entry(line, partial(self._tell, found, row)) if line.strip() else None
                    if cells is not None:
                        yield row, cells
        except OSError as error:
            raise ConfigurationError(f"{self.name} cannot be read: {error.strerror}.") from error

    @staticmethod
    def _entry(line: bytes, tell: Tell) -> list[str] | None:
        try:
            return cells_of(msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf")), tell)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            tell("bad_record", f"This is not JSON in UTF-8: {error}.", "")
            return None


class YamlSource(_Entries):
    """A YAML file with a list of nodes, at the top or under `nodes`. It is read as a whole."""

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`. The row is the entry's place in the list, from 1."""
        try:
            content = read_rasa_yaml(self._path)
        except ConfigurationError as error:
            self._tell(found, 0, "broken_file", str(error))
            return
        entries = content.get("nodes") if isinstance(content, Mapping) else content
        if not isinstance(entries, list):
            self._tell(found, 0, "bad_record", "A list of nodes is wanted, at the top or under `nodes`.")
            return
        for row, entry in enumerate(entries, start=1):
            cells = cells_of(entry, partial(self._tell, found, row))
            if cells is not None:
                yield row, cells


class MarkdownSource(_Entries):
    """A folder of Markdown files, one node each: front matter with `questions`, the body as the answer.

    The node has the file's path below the folder as its name, without the suffix, or `name` of the front matter. Where
    no questions are given, the first heading is the question. A line `---` begins the next bot say; one that is a
    fenced block of `hsl` or `json` is an HSL object. Files whose name begins with `_` or `.`, and README.md, are passed
    over.
    """

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`. The row is the file's place in the order of the paths, from 1."""
        for row, path in enumerate(self._files(), start=1):
            self._at = (str(path), 0)
            tell = partial(self._tell, found, row)
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                tell("undecodable", f"The byte at {error.start} is not UTF-8.")
                continue
            except OSError as error:
                raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
            cells = self._node(path, text, tell)
            if cells is not None:
                yield row, cells

    def _files(self) -> list[Path]:
        def counts(path: Path) -> bool:
            inside = path.relative_to(self._path).parts
            return not any(part.startswith(("_", ".")) for part in inside) and path.stem.lower() != "readme"

        return sorted(path for path in self._path.rglob("*.md") if counts(path))

    def _node(self, path: Path, text: str, tell: Tell) -> list[str] | None:
        front, body = _split(text, tell)
        if front is None:
            return None
        heading = _HEADING.match(body)
        title = heading[1].rstrip(" \t#") or heading[1].strip() if heading else ""
        entry = {"name": path.relative_to(self._path).with_suffix("").as_posix(), **front}
        if heading and title and "questions" not in entry and "question" not in entry:
            entry["questions"] = [title]
            body = body[heading.end() :]
        if "answer" in entry or "answers" in entry:
            tell("bad_record", "The answer is the text below the front matter, not a part of it.", "answer")
            return None
        cells = cells_of(entry, tell)
        if cells is not None:
            cells[2] = joined("answer", [_bot_say(part) for part in _BREAK.split(body) if part.strip()], tell)
        return cells


def _split(text: str, tell: Tell) -> tuple[dict[str, Any] | None, str]:
    found = _FRONT_MATTER.match(text)
    if found is None:
        return {}, text.removeprefix("\ufeff")
    try:
        front = load_bounded(found[1])
    except YamlProblem as problem:
        tell("bad_record", f"The front matter cannot be read: {problem.words}.", "")
        return None, ""
    if front is None:
        front = {}
    if not isinstance(front, dict):
        tell("bad_record", "The front matter is not YAML with `key: value` lines. Check quotes and colons.", "")
        return None, ""
    return {str(key): value for key, value in front.items()}, text[found.end() :]


def _bot_say(part: str) -> str:
    block = _HSL_BLOCK.match(part.strip().replace("\r\n", "\n"))
    if block is None:
        return part.strip()
    try:
        element = msgspec.json.decode(block[1])
    except (msgspec.DecodeError, RecursionError):
        # The lint says what is wrong with it.
        return block[1].strip()
    return as_json(element) if isinstance(element, dict) else block[1].strip()
