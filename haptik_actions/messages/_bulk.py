"""Many messages at once: the responses of a Rasa domain, the defaults of a locale, a file to import.

Of each variation of a response as much is taken over as a message can say. Source of a response's keys:
`rasa/shared/nlu/training_data/schemas/responses.yml` of Rasa 3.6.21 and of rasa-pro 3.21.0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haptik_actions._from_outside import without_halves
from haptik_actions._yaml import read_rasa_yaml
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError, InvalidMessage
from haptik_actions.messages._check import check_message
from haptik_actions.messages._editor import Editor
from haptik_actions.messages._entries import EntryReader
from haptik_actions.messages._entry import Entry, ImportPlan, Planned, Seeded
from haptik_actions.messages._exchange import ImportedRow
from haptik_actions.messages._index import Contents
from haptik_actions.messages._message import KEYS, Finding, Message, can_be_evaluated, predicate
from haptik_actions.messages._names import Place

__all__ = ["DomainCopy", "UsableResponses", "plan_rows", "put_defaults", "read_domain", "removed", "values_of"]

# `response_id` is an older name of `id`; `rephrase` and `rephrase_prompt` are Rasa Pro's, below metadata today.
_TOOLS_KEYS = frozenset({"rephrase", "rephrase_prompt", "response_id"})


def usable_variations(variations: object) -> tuple[list[Any], list[str]]:
    """Return what can be said of a list of variations, and a sentence for each thing that cannot."""
    if not isinstance(variations, Sequence) or isinstance(variations, str) or not variations:
        return [], []
    usable, problems = [], []
    for index, variation in enumerate(variations):
        where = f"Variation {index + 1}: " if len(variations) > 1 else ""
        read, notes = _readable_variation(without_halves(variation))
        problems += [f"{where}{note}" for note in notes]
        try:
            Message.from_responses([read])
        except InvalidMessage as error:
            what = error.findings[0]
            path = what.path.removeprefix("[0]").removeprefix(".")
            problems.append(f"{where}{f'{path}: ' if path else ''}{what.words}")
        else:
            usable.append(read)
    return usable, problems


def _readable_variation(variation: object) -> tuple[Any, list[str]]:
    """A variation with what the store can hold of it, and what that leaves out."""
    if not isinstance(variation, Mapping):
        return variation, []
    read = {key: value for key, value in variation.items() if value is not None and key not in _TOOLS_KEYS}
    problems = [f"`{key}` is not known here.{nearest(str(key), KEYS)}" for key in read if key not in KEYS]
    read = {key: value for key, value in read.items() if key in KEYS}
    if isinstance(read.get("text"), str) and not read["text"].strip() and len(read) > 1:
        del read["text"]
    problems += _label_buttons(read)
    problems += _read_condition(read)
    return read, problems


def _label_buttons(read: dict[str, Any]) -> Iterator[str]:
    """Leave out the buttons that nobody could read."""
    buttons = read.get("buttons")
    if not isinstance(buttons, list):
        return
    labelled = [button for button in buttons if not isinstance(button, Mapping) or _has_label(button)]
    if len(labelled) < len(buttons):
        yield "A button without a title is left out."
        read["buttons"] = labelled


def _has_label(button: Mapping[str, object]) -> bool:
    title = button.get("title")
    return isinstance(title, str) and bool(title.strip())


def _read_condition(read: dict[str, Any]) -> Iterator[str]:
    """Keep a condition that cannot be evaluated here as one that never holds."""
    condition = read.pop("condition", None)
    if not condition:
        return
    given = condition if isinstance(condition, list) else [condition]
    read["condition"] = [each if can_be_evaluated(each) else predicate(each) for each in given]
    if not all(map(can_be_evaluated, given)):
        yield "Its condition cannot be evaluated here and counts as not fulfilled."


# Settings and receipt of hand-offs: objects, which no user should read.
_OWN_SLOTS = frozenset({"haptik", "haptik_handoff"})


@dataclass(frozen=True, slots=True)
class Copied:
    """A domain's responses as messages.

    Attributes:
        values: Key -> message, as it stands in Redis.
        refused: Key -> what keeps the response from being a message.
        changed: Key -> what of the response is left out, or never said; the rest is among `values`.
    """

    values: dict[str, str]
    refused: dict[str, str]
    changed: dict[str, str]


@dataclass(frozen=True, slots=True)
class DomainCopy:
    """What a domain says: response name -> variations, and the names of its slots but for the two of this package."""

    responses: Mapping[str, Sequence[Any]]
    slots: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """Key -> message, for `MessageStore(defaults={locale: …})`; what is no message is left out."""
        return values_of(self.responses).values


def read_domain(path: Path) -> DomainCopy:
    """Read a domain file, or all of a folder, as Rasa does: of duplicates the first file's wins.

    Raises:
        ConfigurationError: the path does not exist or holds no domain, or a file cannot be read; names the file.
    """
    files = list(_files(path))
    if not files:
        raise ConfigurationError(f"{path} is no domain: neither a YAML file nor a folder with some.")
    responses: dict[str, Sequence[Any]] = {}
    slots: dict[str, None] = {}
    for file in files:
        content = read_rasa_yaml(file)
        if not isinstance(content, dict):
            continue
        for name, variations in _section(content, "responses", file).items():
            if not isinstance(variations, list):
                raise ConfigurationError(f"{file}: `responses.{name}` must be a list of variations.")
            responses.setdefault(str(name), variations)
        slots.update(dict.fromkeys(map(str, _section(content, "slots", file))))
    return DomainCopy(responses, tuple(name for name in slots if name not in _OWN_SLOTS))


def values_of(responses: Mapping[str, Sequence[Any]]) -> Copied:
    """Return a domain's responses as messages. A variation that cannot be one is left out, and the others stay."""
    values, refused, changed = {}, {}, {}
    for key, variations in responses.items():
        read, problems = usable_variations(variations)
        try:
            value = Message.from_responses(read).dump()
            Message.parse(value)
        except (InvalidMessage, TypeError, ValueError) as error:
            refused[key] = " ".join(problems) or str(error)
            continue
        values[key] = value
        if problems:
            changed[key] = " ".join(problems)
    return Copied(values, refused, changed)


class UsableResponses(Mapping[str, str]):
    """Key -> message of a domain's responses that say here all that they say in Rasa.

    Each is read when it is first asked for: a large domain would hold up the event loop.
    """

    def __init__(self, responses: Mapping[str, Sequence[Any]]) -> None:
        self._responses = responses
        self._read: dict[str, str | None] = {}

    def __getitem__(self, key: str) -> str:
        if key not in self._read:
            copied = values_of({key: self._responses[key]})
            self._read[key] = None if copied.changed else copied.values.get(key)
        value = self._read[key]
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._responses if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _section(content: Mapping[str, object], name: str, file: Path) -> Mapping[str, object]:
    section = content.get(name) or {}
    if not isinstance(section, Mapping):
        raise ConfigurationError(f"{file}: `{name}` must be a section.")
    return section


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from sorted(file for file in path.rglob("*") if file.suffix in (".yml", ".yaml") and file.is_file())


async def put_defaults(
    editor: Editor, contents: Contents, tag: str, values: Mapping[str, str], removes: Callable[[str], bool]
) -> tuple[Seeded, list[str]]:
    """Write `values` as defaults of the locale `tag`; return what was done and the Redis keys that changed.

    `removes` tells whether a default that is not in `values` goes.
    """
    before = await _before(editor, contents, tag)
    writes: dict[str, str | None] = {
        Place(tag, key).default: value for key, value in values.items() if before.get(key) != value
    }
    gone = _gone(before, values, removes)
    await editor.put(writes | {Place(tag, key).default: None for key in gone})
    changed = [key for key, value in values.items() if key in before and before[key] != value]
    done = Seeded(
        added=sum(key not in before for key in values),
        changed=len(changed),
        removed=len(gone),
        unchanged=len(values) - len(writes),
        kept_edited=tuple(sorted(key for key in changed if contents.live(Place(tag, key)) is not None)),
    )
    return done, [*writes, *(Place(tag, key).default for key in gone)]


async def removed(
    editor: Editor, contents: Contents, tag: str, values: Mapping[str, str], removes: Callable[[str], bool]
) -> tuple[str, ...]:
    """Return the keys whose defaults `put_defaults` would remove."""
    return tuple(_gone(await _before(editor, contents, tag), values, removes))


async def _before(editor: Editor, contents: Contents, tag: str) -> dict[str, str]:
    places = contents.places(tag)
    seeded = await editor.values([place.default for place in places])
    return {place.key: value for place, value in zip(places, seeded, strict=True) if value is not None}


def _gone(before: Mapping[str, str], values: Mapping[str, str], removes: Callable[[str], bool]) -> list[str]:
    return [key for key in before if key not in values and removes(key)]


# Handled before other tasks of the event loop get a turn.
_AT_A_TIME = 200


async def plan_rows(rows: Sequence[ImportedRow], reader: EntryReader) -> ImportPlan:
    """Return what each row would do.

    Raises:
        MessagesUnavailable: Redis does not answer.
    """
    places = [Place(row.locale, row.key) for row in rows if row.problem is None]
    entries = dict(zip(places, await reader.entries(places), strict=True))
    planned = []
    for at, row in enumerate(rows):
        if at % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        place = Place(row.locale, row.key)
        if row.problem is None:
            entry = entries[place]
            planned.append(_planned(row.value, entry, check_message(row.value, entry.context)))
        else:
            planned.append(_refused(row, row.problem))
    return ImportPlan(tuple(planned))


def _refused(row: ImportedRow, problem: str) -> Planned:
    findings = (Finding("error", "", problem, code="form"),)
    return Planned(key=row.key, locale=row.locale, old=None, new=row.value, state="refused", findings=findings)


def _planned(value: str, entry: Entry, findings: tuple[Finding, ...]) -> Planned:
    state: Any = "changed" if entry.origin != "missing" else "added"
    if _say_the_same(value, entry.value):
        state = "unchanged"
    elif any(finding.severity == "error" for finding in findings):
        state = "refused"
    return Planned(
        key=entry.key,
        locale=entry.locale,
        old=entry.value,
        new=value,
        state=state,
        findings=findings,
        expected=entry.revision,
        expected_draft=entry.draft.revision if entry.draft else "",
    )


def _say_the_same(new: str, old: str | None) -> bool:
    """Whether two values differ in nothing but how their JSON is laid out."""
    if old is None or new == old:
        return new == old
    try:
        return Message.parse(new) == Message.parse(old)
    except InvalidMessage:
        return False
