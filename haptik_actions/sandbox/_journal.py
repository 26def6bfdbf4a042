"""The requests that the platform received, without secrets."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

__all__ = ["Journal", "JournalEntry"]

_KEPT = 1_000
_TEXT_LIMIT = 4_000
_DEEPEST = 50
_HIDDEN = "[hidden]"
_SECRET_KEYS = frozenset({"authorization", "client_secret", "password", "secret", "token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One request to the platform and its answer. Headers are not kept.

    `at` is the sandbox's clock in seconds. `body` and `answer` are the decoded JSON; where they are no JSON, or nest
    deeper than 50, text of at most 4,000 characters; None when empty. `status` is 0 where the caller was gone before
    it got an answer.
    """

    at: float
    method: str
    path: str
    status: int
    body: Any = None
    answer: Any = None


class Journal:
    """The newest thousand requests. Known tokens are hidden wherever they stand."""

    def __init__(self, tokens: Iterable[str]) -> None:
        # The longest first: one token may begin with another.
        self._tokens = sorted(tokens, key=len, reverse=True)
        self._entries: deque[JournalEntry] = deque(maxlen=_KEPT)

    def add(self, *, at: float, method: str, path: str, status: int, body: bytes = b"", answer: bytes = b"") -> None:
        """Keep a request; `body` and `answer` are what went over the wire."""
        self._entries.append(
            JournalEntry(
                at=at,
                method=method,
                path=self._hide_text(path),
                status=status,
                body=self._readable(body),
                answer=self._readable(answer),
            )
        )

    def entries(self) -> list[JournalEntry]:
        """Return the kept requests, the oldest first."""
        return list(self._entries)

    def clear(self) -> None:
        """Forget all requests."""
        self._entries.clear()

    def _readable(self, raw: bytes) -> Any:
        if not raw:
            return None
        try:
            return self._hide(msgspec.json.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._hide_text(raw.decode("utf-8", "replace"))[:_TEXT_LIMIT]

    def _hide(self, value: Any, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            raise RecursionError
        if isinstance(value, str):
            return self._hide_text(value)
        if isinstance(value, list):
            return [self._hide(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {self._hide_text(key): self._hide_under(key, item, depth + 1) for key, item in value.items()}
        return value

    def _hide_under(self, key: str, value: Any, depth: int) -> Any:
        return _HIDDEN if key.lower().replace("-", "_") in _SECRET_KEYS else self._hide(value, depth)

    def _hide_text(self, text: str) -> str:
        for token in self._tokens:
            text = text.replace(token, _HIDDEN)
        return text
