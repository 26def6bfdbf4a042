"""From what a person names to a source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._csv_source import CsvSource
from haptik_actions.faq._rasa_source import RasaSource
from haptik_actions.faq._source import Source
from haptik_actions.faq._text_sources import JsonLinesSource, MarkdownSource, YamlSource
from haptik_actions.faq._xlsx_source import XlsxSource

__all__ = ["FORMATS", "open_source"]

FORMATS = ("csv", "xlsx", "jsonl", "yaml", "markdown", "rasa")
"""The names of the formats of a source, as `--from` takes them."""

_RASA_FILES = ("domain", "domain/*", "data/nlu")

_SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "csv"),
    **dict.fromkeys((".xlsx", ".xlsm"), "xlsx"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
}


def open_source(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    prefix: str = "faq",
) -> Source:
    """Return the source at `path`; its `format`, one of `FORMATS`, is known by the suffix where None.

    A folder with a domain is a Rasa project, any other a folder of Markdown. `encoding` and `delimiter` are for CSV,
    `sheet` for XLSX, `prefix` for Rasa.

    Raises:
        ConfigurationError: there is nothing at that path, or its format is not known.
    """
    path = Path(path)
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist.")
    chosen = format or _format_of(path)
    if path.is_dir() != (chosen in ("markdown", "rasa")):
        raise ConfigurationError(f"{path} is {'a folder' if path.is_dir() else 'a file'}, which {chosen} is not.")
    if chosen == "csv":
        return CsvSource(path, encoding=encoding, delimiter=delimiter)
    if chosen == "xlsx":
        return XlsxSource(path, sheet=sheet)
    if chosen == "rasa":
        return RasaSource(path, prefix=prefix)
    simple: dict[str, Callable[[Path], Source]] = {
        "jsonl": JsonLinesSource,
        "yaml": YamlSource,
        "markdown": MarkdownSource,
    }
    return simple[chosen](path)


def _format_of(path: Path) -> str:
    if path.is_dir():
        # A folder of Markdown may well have a folder called `domain` or `data`.
        is_rasa = any(any(path.glob(f"{name}.{end}")) for name in _RASA_FILES for end in ("yml", "yaml"))
        return "rasa" if is_rasa else "markdown"
    known = _SUFFIXES.get(path.suffix.lower())
    if known is None:
        raise ConfigurationError(
            f"{path}: its suffix says no format. Name it with --from, one of {', '.join(FORMATS)}."
        )
    return known
