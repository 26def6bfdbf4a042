"""The requests that the platform received, without secrets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec

__all__ = ["TEXT_LIMIT", "Journal", "JournalEntry"]

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

    def hide(self, value: Any, depth: int = 0) -> Any:
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

    def _hide_under(self, key: str, value: Any, depth: int) -> Any:
        return _HIDDEN if key.lower().replace("-", "_") in _SECRET_KEYS else self.hide(value, depth)

    def _hide_text(self, text: str) -> str:
        for token in self._tokens:
            text = text.replace(token, _HIDDEN)
        return text
