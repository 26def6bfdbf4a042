"""From what a person names to a source, and waiting until it has changed (needs watchfiles, extra `faq`).

One of the sources is a Rasa project: its retrieval intents `faq/…`, and the responses `utter_faq/…` that answer them.

Source of the format: Rasa's documentation, "Training Data Format" and "Retrieval Intents" (3.x): examples are lines
beginning with `- `, entities are annotated as `[text](entity)` or `[text]{"entity": …}`, and a retrieval intent
`faq/hours` is answered by the response `utter_faq/hours`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haptik_actions._yaml import read_rasa_yaml
from haptik_actions.errors import ConfigurationError, InvalidElement
from haptik_actions.faq._findings import Finding
from haptik_actions.faq._node import Found, Row, Source
from haptik_actions.faq._spreadsheets import CsvSource, XlsxSource
from haptik_actions.faq._text_sources import JsonLinesSource, MarkdownSource, Tell, YamlSource, as_json, joined
from haptik_actions.hsl import Actionable, Text

if TYPE_CHECKING:
    from watchfiles import Change

__all__ = ["FORMATS", "RasaSource", "open_source", "watch"]

# No bracket stands inside one of its kind: each of many would be looked to the end from.
_ENTITY = re.compile(r"\[([^\[\]]+)\](?:\([^()\[\]]*\)|\{[^{}\[\]]*\}|\[\{[^\[\]]*\}\])")
# A slot that Rasa would fill; JSON's own braces hold quotes.
_PLACEHOLDER = re.compile(r"\{([^\n{}\":]+)\}")
_FILES = ("*.yml", "*.yaml")
_MOST_NAMED = 20


class RasaSource:
    """The retrieval intents below `prefix` in the folder of a Rasa project; the node is called what follows it.

    Examples are read from `data/`, responses from `domain.yml`, `domain/` and `data/`. Buttons become quick replies;
    a `custom` response that is an HSL object stays one. A node has one answer: the first variation that is under no
    condition, for no channel, and not blank.
    """

    def __init__(self, path: str | Path, *, prefix: str = "faq") -> None:
        self.name = str(path)
        self._path, self._prefix = Path(path), f"{prefix.rstrip('/')}/"
        self._at = self.name
        self._others: set[str] = set()

    def rows(self, found: Found) -> Iterator[Row]:
        """See `Source`. The row is the intent's place, from 1, in the order of the files."""
        examples, responses = self._read(found)
        for row, (intent, (file, questions)) in enumerate(examples.items(), start=1):
            self._at = file
            tell = partial(self._tell, found, row)
            variations = responses.get(f"utter_{intent}")
            answer = _answer(variations, tell) if variations else None
            if answer is None:
                tell("no_response", f"utter_{intent} is not in the domain, or says nothing to everybody.", "answer")
                continue
            name = intent.removeprefix(self._prefix)
            yield row, [name, joined("question", questions, tell), joined("answer", answer, tell), "", "", "", ""]
        self._at = self.name
        if not examples:
            self._tell(found, 0, "no_rows", self._no_intents())
        for response in responses:
            intent = response.removeprefix("utter_")
            if intent.startswith(self._prefix) and intent not in examples:
                self._tell(found, 0, "no_examples", f"{response} answers no intent that has examples.", "question")

    def locate(self) -> tuple[str, int]:
        """See `Source`."""
        return self._at, 0

    def _read(self, found: Found) -> tuple[dict[str, tuple[str, list[str]]], dict[str, Any]]:
        examples: dict[str, tuple[str, list[str]]] = {}
        responses: dict[str, Any] = {}
        for path in self._files():
            try:
                content = read_rasa_yaml(path)
            except ConfigurationError as error:
                self._at = str(path)
                self._tell(found, 0, "broken_file", str(error))
                continue
            if not isinstance(content, Mapping):
                continue
            for item in content.get("nlu") or ():
                intent = str(item.get("intent", "")) if isinstance(item, Mapping) else ""
                if intent.startswith(self._prefix):
                    _, known = examples.setdefault(intent, (str(path), []))
                    known += _examples(item.get("examples"))
                elif "/" in intent:
                    self._others.add(intent.partition("/")[0])
            more = content.get("responses")
            responses.update(more if isinstance(more, Mapping) else {})
        return examples, responses

    def _no_intents(self) -> str:
        none = f"The project has no retrieval intents `{self._prefix}…`"
        if not self._others:
            return f"{none}, and none with another prefix."
        known = ", ".join(f"`{prefix}/…`" for prefix in sorted(self._others)[:_MOST_NAMED])
        return f"{none}. It has {known}: name the prefix with --intents."

    def _files(self) -> list[Path]:
        files = [path for name in ("domain.yml", "domain.yaml") if (path := self._path / name).is_file()]
        for folder in ("domain", "data"):
            files += sorted(path for pattern in _FILES for path in (self._path / folder).rglob(pattern))
        if not files:
            raise ConfigurationError(f"{self.name} is no Rasa project: it has neither domain.yml, domain/ nor data/.")
        return files

    def _tell(self, found: Found, row: int, code: str, message: str, column: str = "") -> None:
        found(Finding(code=code, message=message, file=self._at, row=row, column=column))


def _examples(examples: Any) -> list[str]:
    if isinstance(examples, str):
        lines = [line.strip()[1:] for line in examples.splitlines() if line.strip().startswith("-")]
    else:
        lines = [str(item.get("text", "") if isinstance(item, Mapping) else item) for item in examples or ()]
    return [_ENTITY.sub(r"\1", line).strip() for line in lines if line.strip()]


def _answer(variations: object, tell: Tell) -> list[str] | None:
    """What is said to everybody: the first variation under no condition and, where there is one, for no channel."""
    known = [item for item in variations if isinstance(item, Mapping)] if isinstance(variations, list) else []
    for_all = sorted((item for item in known if not item.get("condition")), key=lambda item: bool(item.get("channel")))
    for variation in for_all:
        says = _bot_says(variation, tell)
        if says:
            if len(known) > 1:
                tell("variations_left_out", f"One of {len(known)} is taken.", "answer")
            for name in _placeholders(says):
                tell("placeholder", f"{{{name}}} stands in it.", "answer")
            return says
    return None


def _placeholders(says: list[str]) -> list[str]:
    return sorted({found[1] for part in says for found in _PLACEHOLDER.finditer(part)})


def _bot_says(variation: Mapping[str, object], tell: Tell) -> list[str]:
    text, buttons, custom = (variation.get(key) for key in ("text", "buttons", "custom"))
    text = "" if text is None else str(text).strip()
    says: list[str] = []
    if text and buttons:
        says.append(_with_quick_replies(text, buttons, tell))
    elif text:
        says.append(text)
    if isinstance(custom, Mapping):
        says.append(as_json(custom))
    return says + [str(variation[key]) for key in ("image", "attachment") if variation.get(key)]


def _with_quick_replies(text: str, buttons: Any, tell: Tell) -> str:
    titles = [str(button["title"]) for button in buttons if isinstance(button, Mapping) and button.get("title")]
    try:
        return as_json(Text(text, [Actionable.reply(title) for title in titles]).to_hsl())
    except InvalidElement as error:
        tell("invalid_hsl", f"The buttons cannot be quick replies: {error}.", "answer")
        return text


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
