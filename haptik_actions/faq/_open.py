"""From what a person names to a source, and waiting until it has changed (needs watchfiles, extra `faq`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from haptik_actions.errors import ConfigurationError
from haptik_actions.faq._csv import CsvSource
from haptik_actions.faq._node import Source
from haptik_actions.faq._rasa_source import RasaSource
from haptik_actions.faq._text_sources import JsonLinesSource, MarkdownSource, YamlSource
from haptik_actions.faq._xlsx import XlsxSource

if TYPE_CHECKING:
    from watchfiles import Change

__all__ = ["FORMATS", "open_source", "watch"]

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


_LONGEST_BURST_SECONDS = 60


async def watch(path: str | Path, *, settle: float = 2.0) -> AsyncIterator[None]:
    """Yield at once, then for each burst of changes at or below `path` that `settle` seconds without one have followed.

    What changes while the caller works on one is not missed.

    A burst that does not end is cut after a minute. Programs that replace a file by another are seen, because its
    folder is watched; so is a file that is not there yet.

    Raises:
        ConfigurationError: watchfiles is not installed, or the folder does not exist.
    """
    try:
        from watchfiles import awatch
    except ImportError:
        raise ConfigurationError('Watching needs the package watchfiles: pip install "haptik-actions[faq]"') from None
    folder, counts = _what_counts(Path(path))
    bursts = awatch(folder, watch_filter=counts, step=round(settle * 1000), debounce=_LONGEST_BURST_SECONDS * 1000)
    # The watcher is set up by the first step of its generator, which has to come before the caller reads the source.
    burst = asyncio.ensure_future(bursts.__anext__())
    await asyncio.sleep(0)
    try:
        while True:
            yield
            await burst
            burst = asyncio.ensure_future(bursts.__anext__())
    finally:
        burst.cancel()


def _what_counts(path: Path) -> tuple[Path, Callable[[Change, str], bool]]:
    path = path.absolute()
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} does not exist.")

    def inside(_: Change, changed: str) -> bool:
        return not any(part.startswith(".") for part in Path(changed).relative_to(folder).parts)

    def itself(_: Change, changed: str) -> bool:
        return Path(changed) == path

    return folder, inside if folder == path else itself
