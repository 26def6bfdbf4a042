"""The responses and slots of a Rasa domain, as the defaults of the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haptik_actions._rasa_yaml import read_rasa_yaml
from haptik_actions.errors import ConfigurationError, InvalidMessage
from haptik_actions.messages._responses import usable_variations
from haptik_actions.messages._value import Message

__all__ = ["Copied", "DomainCopy", "UsableResponses", "read_domain", "values_of"]


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


def _section(content: Mapping[str, Any], name: str, file: Path) -> Mapping[str, Any]:
    section = content.get(name) or {}
    if not isinstance(section, Mapping):
        raise ConfigurationError(f"{file}: `{name}` must be a section.")
    return section


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    yield from sorted(file for file in path.rglob("*") if file.suffix in (".yml", ".yaml") and file.is_file())
