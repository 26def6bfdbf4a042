"""Messages as CSV, for spreadsheets, and as YAML, for people and for version control.

CSV has the columns `key`, `locale`, `origin` and `value`; of these only `origin` may be missing. YAML is locale -> key
-> text, or the lists and objects of a structured message.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from haptik_actions._csv import NUL, CsvRecords, detect_encoding
from haptik_actions._yaml import load_yaml
from haptik_actions.errors import ConfigurationError
from haptik_actions.messages._names import Place, checked

__all__ = ["FORMATS", "ImportedRow", "doubt", "read", "write"]

_COLUMNS = ("key", "locale", "origin", "value")
# What a spreadsheet would run as a formula gets an apostrophe in front, which reading takes away again. Excel in
# Chinese, Japanese and Korean takes the full-width signs for the others; a line break before a sign hides it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
# Control characters, the separators that YAML takes for a line's end, what an editor may change, and what is read as an
# escape or a variable where it stands without double quotes.
_UNUSUAL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]|[ \t]\n|\\\\[uU]|\\${")

_MOST_ROWS = 200_000
# YAML is read a hundred times slower than CSV.
_MOST_BYTES = {"csv": 32_000_000, "yaml": 8_000_000}

Exported = tuple[Place, str | None, str | None]
"""Where, what was edited there, what its default is."""


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One message of a file; `problem` says why it cannot be one of the store's."""

    key: str
    locale: str
    value: str
    problem: str | None = None


def write(format: str, messages: Iterable[Exported]) -> bytes:
    """Return messages as a file of that format.

    Raises:
        ConfigurationError: there is no such format.
    """
    written: bytes = _of(_WRITERS, format)(messages)
    return written


def read(format: str, data: bytes) -> list[ImportedRow]:
    """Return the messages of a file. Empty values are left out: they say nothing about their message.

    Raises:
        ConfigurationError: there is no such format, or the file is not of it; names the line.
    """
    if len(data) > _MOST_BYTES[format if format in _MOST_BYTES else "csv"]:
        most = _MOST_BYTES[format] // 1_000_000
        raise ConfigurationError(f"The file has more than {most} MB. Export and import a locale at a time, or as CSV.")
    rows = [row for row in _of(_READERS, format)(data) if row.value.strip() or row.problem]
    if len(rows) > _MOST_ROWS:
        raise ConfigurationError(f"The file has {len(rows):,} messages. At most {_MOST_ROWS:,} are imported at once.")
    seen: dict[tuple[str, str], int] = {}
    for at, row in enumerate(rows):
        first = seen.setdefault((row.locale, row.key), at)
        if first != at:
            rows[at] = ImportedRow(row.key, row.locale, row.value, "this message stands in the file twice")
    return rows


def doubt(format: str, data: bytes) -> str:
    """Return a sentence on what had to be guessed to read the file; empty where nothing had to be."""
    if format != "csv" or not detect_encoding(io.BytesIO(data)).guessed:
        return ""
    return "The file is not UTF-8 and does not say what it is; it was read as Windows-1252. Look at its accents."


def _of(kinds: dict[str, Callable[..., Any]], format: str) -> Callable[..., Any]:
    if format not in kinds:
        raise ConfigurationError(f"{format!r} is no format of messages. There are: {', '.join(sorted(kinds))}.")
    return kinds[format]


def _row(key: str, locale: str, value: str) -> ImportedRow:
    try:
        place = checked(key.strip(), locale.strip())
    except ConfigurationError as error:
        return ImportedRow(key, locale, value, str(error))
    return ImportedRow(place.key, place.locale, value)


def _write_csv(messages: Iterable[Exported]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for place, live, default in messages:
        # Python 3.10 cannot write a NUL into CSV, and no spreadsheet can read one.
        value = (live if live is not None else default or "").replace("\0", "\ufffd")
        origin = "edited" if live is not None else "default"
        writer.writerow((_guarded(place.key), _guarded(place.locale), origin, _guarded(value)))
    # With a byte order mark, without which spreadsheets take the text for that of a single-byte alphabet.
    return out.getvalue().encode("utf-8-sig", "replace")


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    cell = cell.replace(NUL, "\0")
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _read_csv(data: bytes) -> list[ImportedRow]:
    encoding = detect_encoding(io.BytesIO(data))
    try:
        text = data.decode(encoding.codec)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"Line {line} of the file is not {encoding.shown}.") from None
    records = CsvRecords(io.StringIO(text, newline=""), has_nul=encoding.has_nul, strict=False)
    try:
        columns = [name.strip().lower() for name in next(records.reader, [])]
        missing = {"key", "locale", "value"} - set(columns)
        if missing:
            raise ConfigurationError(f"The first line of the file names no column {', '.join(sorted(missing))}.")
        places = [columns.index(name) for name in ("key", "locale", "value")]
        return [_csv_row(cells, places, records.line) for cells in records.reader if any(cells)]
    except csv.Error as error:
        raise ConfigurationError(f"Line {records.line} of the file is not CSV: {error}.") from None


def _csv_row(cells: Sequence[str], places: Sequence[int], line: int) -> ImportedRow:
    if len(cells) <= max(places):
        return ImportedRow(cells[0].replace(NUL, "\0"), "", "", f"line {line} has too few cells")
    key, locale, value = (_unguarded(cells[place]) for place in places)
    return _row(key, locale, value)


def _write_yaml(messages: Iterable[Exported]) -> bytes:
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    # A class of our own: representers are added to classes, and the library's is everybody's.
    kind: Any = type("Representer", (SafeRepresenter,), {})
    kind.add_representer(str, _represent)
    by_locale: dict[str, dict[str, Any]] = {}
    for place, live, default in messages:
        value = live if live is not None else default or ""
        by_locale.setdefault(place.locale, {})[place.key] = _as_yaml(value)
    out = io.BytesIO()
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.Representer = kind
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 4096
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump(by_locale, out)
    return out.getvalue()


def _represent(representer: Any, text: str) -> Any:
    style = '"' if _UNUSUAL.search(text) else "|" if "\n" in text and text == text.strip() else None
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _as_yaml(value: str) -> Any:
    """A structured message becomes lists and objects; a text stays one."""
    if value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        decoded = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
    # Read back, it has to give the same value.
    return decoded if isinstance(decoded, (dict, list)) and _from_yaml(decoded) == value else value


def _from_yaml(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _read_yaml(data: bytes) -> list[ImportedRow]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The file is not UTF-8, beginning with byte {error.start + 1}.") from None
    # Whoever may import a file need not know the environment of the process that reads it.
    content = load_yaml(text, "The file", None)
    if not isinstance(content, dict) or not all(isinstance(messages, dict) for messages in content.values()):
        raise ConfigurationError("The file is not locale -> key -> message, such as `en: {utter_greet: Hello}`.")
    return [
        _yaml_row(str(key), str(locale), value)
        for locale, messages in content.items()
        for key, value in messages.items()
        if value is not None
    ]


def _yaml_row(key: str, locale: str, value: object) -> ImportedRow:
    if not isinstance(value, (str, dict, list)):
        return ImportedRow(
            key, locale, str(value), "a message is a text, a list or an object; quote numbers and yes/no"
        )
    try:
        return _row(key, locale, _from_yaml(value))
    except TypeError:
        return ImportedRow(key, locale, "", "it holds a value that JSON does not have, such as a date; quote it")


_WRITERS: dict[str, Callable[..., bytes]] = {"csv": _write_csv, "yaml": _write_yaml}
_READERS: dict[str, Callable[..., list[ImportedRow]]] = {"csv": _read_csv, "yaml": _read_yaml}
FORMATS = tuple(sorted(_WRITERS))
"""The names of the file formats in which copy is exported and imported."""
