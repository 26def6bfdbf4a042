"""The requests that the platform received, without secrets, and assertions on them.

An assertion that fails shows the nearest request and what differs.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl

import msgspec

from haptik_actions.errors import ConfigurationError

__all__ = ["Endpoint", "Journal", "JournalEntry", "called", "check_endpoint"]

Endpoint = Literal[
    "send_chat_to_agent",
    "get_chat_history",
    "create_faq_nodes",
    "faq_task",
    "create_user",
    "update_user",
    "log_message_from_user",
    "log_file_from_user",
    "log_feedback_from_user",
    "enable_webhook",
]
"""`get_chat_history` and `send_chat_to_agent` mean both of their versions."""


def check_endpoint(name: object) -> None:
    """Raise `ConfigurationError` for a name that no API has; it names the nearest one."""
    known = get_args(Endpoint)
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"endpoint: no API is called {name!r}.{hint} Known are {', '.join(known)}")


_KEPT = 1_000
TEXT_LIMIT = 4_000
_DEEPEST = 50
_HIDDEN = "[hidden]"
_SECRET_KEYS = frozenset({"authorization", "client_secret", "password", "secret", "token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One request to the platform and its answer. Headers are not kept.

    `at` is the sandbox's clock in seconds. `endpoint` is the API's name, None for a path that is no API. `query` holds
    the parameters of the address, of equal names the last. `body` and `answer` are the decoded JSON, `body` also the
    fields and files of a form; where they are neither, or nest deeper than 50, text of at most 4,000 characters; None
    when empty. `status` is 0 where the caller got no answer: it was gone before, or a `fault` of this kind struck.
    """

    at: float
    method: str
    path: str
    endpoint: str | None
    status: int
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    answer: Any = None
    fault: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """What the request asked with: `query` and, where it is an object or a form, `body`."""
        return {**self.query, **(self.body if isinstance(self.body, dict) else {})}


class Journal:
    """The newest thousand requests. Known tokens are hidden wherever they stand."""

    def __init__(self, tokens: Iterable[str]) -> None:
        # The longest token is hidden first, because one token may begin with another.
        self._tokens = sorted(tokens, key=len, reverse=True)
        self._entries: deque[JournalEntry] = deque(maxlen=_KEPT)

    def add(self, entry: JournalEntry, *, query: bytes, body: bytes | dict[str, str], answer: bytes) -> None:
        """Keep `entry` with what went over the wire; `body` is a form's fields and files by name where it is a form."""
        parameters = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
        kept = replace(
            entry,
            path=self._hide_text(entry.path),
            query=self.hide(parameters),
            body=self._cut(self.hide(body)) if isinstance(body, dict) else self._readable(body),
            answer=self._readable(answer),
        )
        self._entries.append(kept)

    def entries(self) -> list[JournalEntry]:
        """Return the kept requests, the oldest first."""
        return list(self._entries)

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    def hide(self, value: object, depth: int = 0) -> Any:
        """Return JSON without secrets: known tokens, and what stands below keys that name one."""
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(value, str):
            return self._hide_text(value)
        if isinstance(value, list):
            return [self.hide(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {self._hide_text(key): self._hide_under(key, item, depth + 1) for key, item in value.items()}
        return value

    def _readable(self, raw: bytes) -> Any:
        if not raw:
            return None
        try:
            return self.hide(msgspec.json.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._hide_text(raw.decode("utf-8", "replace"))[:TEXT_LIMIT]

    def _cut(self, form: dict[str, str]) -> dict[str, str]:
        return {name: text[:TEXT_LIMIT] for name, text in form.items()}

    def _hide_under(self, key: str, value: object, depth: int) -> Any:
        return _HIDDEN if key.lower().replace("-", "_") in _SECRET_KEYS else self.hide(value, depth)

    def _hide_text(self, text: str) -> str:
        for token in self._tokens:
            text = text.replace(token, _HIDDEN)
        return text


_ABSENT = object()


def called(
    entries: Sequence[JournalEntry], endpoint: Endpoint, fields: Mapping[str, object], times: int | None
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


def _differences(entry: JournalEntry, fields: Mapping[str, object]) -> list[str]:
    return [name for name, expected in fields.items() if not _is_same(entry, name, expected)]


def _is_same(entry: JournalEntry, name: str, expected: object) -> bool:
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
    fields: Mapping[str, object],
    times: int | None,
) -> str:
    wanted = "at least one request" if times is None else f"{times} request{'' if times == 1 else 's'}"
    title = f"Expected {wanted} to {_call(endpoint, fields)}; there were {len(found)}."
    lines = [f"  {_line(entries, entry)}" for entry in found]
    others = [entry for entry in candidates if entry not in found]
    if others and len(found) < (times or 1):
        lines += _nearest(entries, others, fields)
    return "\n".join([title, *(lines or [f"  {_other_calls(entries)}"])])


def _nearest(
    entries: Sequence[JournalEntry], others: Sequence[JournalEntry], fields: Mapping[str, object]
) -> list[str]:
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


def _call(endpoint: str, fields: Mapping[str, object]) -> str:
    return f"{endpoint}({', '.join(f'{name}={value!r}' for name, value in fields.items())})"


def _other_calls(entries: Sequence[JournalEntry]) -> str:
    if not entries:
        return "No request reached the sandbox."
    counts = Counter(entry.endpoint or entry.path for entry in entries)
    return f"What was called: {', '.join(f'{name} ({count})' for name, count in counts.items())}."
