"""Assertions on the journal; a miss shows the nearest request and what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from haptik_actions.sandbox._endpoints import Endpoint, check_endpoint
from haptik_actions.sandbox._journal import TEXT_LIMIT, JournalEntry

__all__ = ["called"]

_ABSENT = object()


def called(
    entries: Sequence[JournalEntry], endpoint: Endpoint, fields: Mapping[str, Any], times: int | None
) -> list[JournalEntry]:
    """Return the requests to `endpoint` that carried `fields`: `times` many, at least one when None.

    Raises `AssertionError` where they are more or fewer, `ConfigurationError` for an API that does not exist.
    """
    check_endpoint(endpoint)
    candidates = [entry for entry in entries if entry.endpoint == endpoint]
    found = [entry for entry in candidates if not _differences(entry, fields)]
    if len(found) != times and (times is not None or not found):
        raise AssertionError(_miss(entries, candidates, found, endpoint, fields, times))
    return found


def _differences(entry: JournalEntry, fields: Mapping[str, Any]) -> list[str]:
    return [name for name, expected in fields.items() if not _is_same(entry, name, expected)]


def _is_same(entry: JournalEntry, name: str, expected: Any) -> bool:
    actual = entry.fields.get(name, _ABSENT)
    if name in entry.query:
        # Parameters of an address are strings, so a number is compared as text.
        return bool(actual == str(expected))
    return bool(actual == expected) or (isinstance(expected, str) and actual == expected[:TEXT_LIMIT])


def _miss(
    entries: Sequence[JournalEntry],
    candidates: Sequence[JournalEntry],
    found: Sequence[JournalEntry],
    endpoint: Endpoint,
    fields: Mapping[str, Any],
    times: int | None,
) -> str:
    wanted = "at least one request" if times is None else f"{times} request{'' if times == 1 else 's'}"
    title = f"Expected {wanted} to {_call(endpoint, fields)}; there were {len(found)}."
    lines = [f"  {_line(entries, entry)}" for entry in found]
    others = [entry for entry in candidates if entry not in found]
    if others and len(found) < (times or 1):
        lines += _nearest(entries, others, fields)
    return "\n".join([title, *(lines or [f"  {_other_calls(entries)}"])])


def _nearest(entries: Sequence[JournalEntry], others: Sequence[JournalEntry], fields: Mapping[str, Any]) -> list[str]:
    # Of equally near requests take the last: the test has just caused it.
    nearest = min(reversed(others), key=lambda entry: len(_differences(entry, fields)))
    lines = [f"  The nearest of {len(others)} is {_line(entries, nearest)}"]
    for name in _differences(nearest, fields):
        actual = nearest.fields.get(name, _ABSENT)
        lines.append(f"    {name}: expected {fields[name]!r}, was {'not sent' if actual is _ABSENT else repr(actual)}")
    return lines


def _line(entries: Sequence[JournalEntry], entry: JournalEntry) -> str:
    number = next(index for index, other in enumerate(entries, start=1) if other is entry)
    fault = f", fault {entry.fault}" if entry.fault else ""
    return f"request {number}: {_call(entry.endpoint or entry.path, entry.fields)}, answered {entry.status}{fault}"


def _call(endpoint: str, fields: Mapping[str, Any]) -> str:
    return f"{endpoint}({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


def _other_calls(entries: Sequence[JournalEntry]) -> str:
    if not entries:
        return "No request reached the sandbox."
    counts = Counter(entry.endpoint or entry.path for entry in entries)
    return f"What was called: {', '.join(f'{name} ({count})' for name, count in counts.items())}."
