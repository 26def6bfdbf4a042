"""The responses and slots of a Rasa domain, as the defaults of the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haptik_actions.config import read_yaml
from haptik_actions.errors import ConfigurationError, InvalidMessage
from haptik_actions.messages._value import Message

__all__ = ["DomainCopy", "read_domain", "values_of"]


# Settings and receipt of hand-offs: objects, which no user should read.
_OWN_SLOTS = frozenset({"haptik", "haptik_handoff"})


@dataclass(frozen=True, slots=True)
class DomainCopy:
    """What a domain says: response name -> variations, and the names of its slots but for the two of this package."""

    responses: Mapping[str, Sequence[Any]]
    slots: tuple[str, ...]

    @property
    def values(self) -> dict[str, str]:
        """Key -> message, for `MessageStore(defaults={locale: …})`; what is no message is left out."""
        return values_of(self.responses)[0]


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
        content = read_yaml(file)
        if not isinstance(content, dict):
            continue
        for name, variations in _section(content, "responses", file).items():
            if not isinstance(variations, list):
                raise ConfigurationError(f"{file}: `responses.{name}` must be a list of variations.")
            responses.setdefault(str(name), variations)
        slots.update(dict.fromkeys(map(str, _section(content, "slots", file))))
    return DomainCopy(responses, tuple(name for name in slots if name not in _OWN_SLOTS))


def values_of(responses: Mapping[str, Sequence[Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return key -> message as it stands in Redis, and key -> problem for what cannot be one."""
    values, refused = {}, {}
    for key, variations in responses.items():
        try:
            value = Message.from_responses([_clean(variation) for variation in variations]).dump()
            Message.parse(value)
            values[key] = value
        except InvalidMessage as error:
            refused[key] = str(error)
    return values, refused


def _clean(variation: Any) -> Any:
    """A response without the keys that only Rasa's own tools read, and without empty ones."""
    if not isinstance(variation, Mapping):
        return variation
    return {key: value for key, value in variation.items() if value is not None and key not in _TOOLS_KEYS}


# `response_id` is an older name of `id`; `rephrase` and `rephrase_prompt` are Rasa Pro's, below metadata today.
_TOOLS_KEYS = frozenset({"rephrase", "rephrase_prompt", "response_id"})


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
