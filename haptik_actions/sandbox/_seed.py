"""Reads a `State` from a YAML file or a mapping. Errors name the source, the path of the value and the remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._faq_csv import FaqNode
from haptik_actions.sandbox._faults import Fault
from haptik_actions.sandbox._state import (
    Agent,
    Business,
    Domain,
    Habits,
    Node,
    Partner,
    SeedMessage,
    State,
    Team,
    User,
    Webhook,
)

__all__ = ["default_state", "load_state", "state_from_mapping"]

_DEFAULT = Path(__file__).with_name("default.yaml")

_ENTRIES: Mapping[str, type] = {
    "partners": Partner,
    "businesses": Business,
    "teams": Team,
    "users": User,
    "agents": Agent,
    "domains": Domain,
    "faults": Fault,
    "nodes": Node,
}

_EXAMPLES: Mapping[str, str] = {
    "partners": "{client_id: demo-client, token: demo-token}",
    "businesses": "{id: 1201, name: Demo shop, active: true}",
    "teams": "{name: support, active: true}",
    "users": "{user_name: asha, businesses: [1201], conversation_no: 7}",
    "agents": "{name: Priya, teams: [support], online: true}",
    "domains": "{name: demo_faq}",
    "faults": "{kind: status, code: 503, endpoint: send_chat_to_agent, times: 2}",
    "nodes": "{name: orders, url: 'http://127.0.0.1:5005/webhooks/haptik/webhook', secret: a-secret}",
}

# Lists within an entry, and the class of their own entries.
_INNER: Mapping[str, Mapping[str, type]] = {"users": {"messages": SeedMessage}, "domains": {"nodes": FaqNode}}


@cache
def default_state() -> State:
    """Return the packaged state, `default.yaml` beside this module."""
    return load_state(_DEFAULT)


def load_state(path: str | PathLike[str]) -> State:
    """Return the state that a YAML file describes; `ConfigurationError` where it cannot be read or does not fit."""
    return state_from_mapping(_read_yaml(path), source=fspath(path))


def state_from_mapping(raw: object, *, source: str) -> State:
    """Return the state that plain dicts and lists describe; `source` opens the message of every error."""
    for path, key, known in _unknown_keys(raw):
        raise ConfigurationError(f"{source}: {path}: unknown key {key!r}. {_nearest(key, known)}")
    try:
        return msgspec.convert(raw, State)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{source}: {_explain(error)}") from error


def _read_yaml(path: str | PathLike[str]) -> object:
    try:
        return YAML(typ="safe", pure=True).load(Path(path).read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{fspath(path)}: cannot be read ({error.strerror}). Check the path") from error
    # Before ruamel.yaml 0.17 the error for a repeated key is a warning and no YAMLError.
    except (YAMLError, DuplicateKeyError, ValueError, RecursionError) as error:
        place = _place(error)
    # Raised outside of the handler, so that the parser's error is not chained: it quotes the file, which holds tokens.
    raise ConfigurationError(f"{fspath(path)}: {place} Put texts with special signs in quotes")


def _place(error: Exception) -> str:
    problem = "a key stands twice" if isinstance(error, DuplicateKeyError) else "not valid YAML"
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}." if mark else f"{problem}."


def _unknown_keys(raw: object) -> Iterator[tuple[str, object, list[str]]]:
    if not isinstance(raw, dict):
        return
    yield from _unknown_in(raw, State, "top level")
    yield from _unknown_in(raw.get("webhook"), Webhook, "webhook")
    yield from _unknown_in(raw.get("habits"), Habits, "habits")
    for section, kind in _ENTRIES.items():
        for path, entry in _entries(raw, section, section):
            yield from _unknown_in(entry, kind, path)
            for inner, inner_kind in _INNER.get(section, {}).items():
                for inner_path, inner_entry in _entries(entry, inner, f"{path}.{inner}"):
                    yield from _unknown_in(inner_entry, inner_kind, inner_path)


def _entries(parent: object, key: str, path: str) -> Iterator[tuple[str, object]]:
    entries = parent.get(key) if isinstance(parent, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, (list, tuple)) else ()):
        yield f"{path}[{index}]", entry


def _unknown_in(entry: object, kind: Any, path: str) -> Iterator[tuple[str, object, list[str]]]:
    known = [field.name for field in fields(kind)]
    for key in entry if isinstance(entry, dict) else ():
        if key not in known:
            yield path, key, known


def _nearest(key: object, known: list[str]) -> str:
    near = get_close_matches(str(key), known, n=1)
    return (f"Did you mean {near[0]!r}? " if near else "") + f"Known keys: {', '.join(known)}"


def _explain(error: msgspec.ValidationError) -> str:
    what, _, where = str(error).partition(" - at ")
    path = where.strip("`").removeprefix("$").lstrip(".")
    if isinstance(error.__cause__, ConfigurationError):
        own = str(error.__cause__)
        # Some errors name the path of the value, others only its field.
        return own if own.startswith(path) else f"{path}: {own}"
    section = path.replace(".", "[").partition("[")[0]
    if section == "webhook":
        return f"{path}: {what}. Write webhook: {{url: 'http://127.0.0.1:5005/webhooks/haptik', secret: a-secret}}"
    if section == "habits":
        return f"{path}: {what}. Write habits: {{sentences: true, nobody_after: 300}}"
    if section == "default_team":
        return f"{path}: {what}. Write default_team: support"
    if section in _EXAMPLES:
        return f"{path}: {what}. Write an entry of {section} as - {_EXAMPLES[section]}"
    return f"top level: {what}. Write the sections {', '.join(_EXAMPLES)}, each with a list below it"
