"""What users wrote while Redis was away: kept in this process, in order, and written when Redis is back."""

from __future__ import annotations

import secrets
from collections import deque

import msgspec

from haptik_actions.relay._values import FromUser

__all__ = ["Backlog", "Kept"]

_MOST = 10_000
_MOST_BYTES = 64_000_000


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What one user wrote. `name` is what the queue knows it by, so that it is not written twice."""

    id: str
    words: FromUser
    name: str


class Backlog:
    """Words by conversation. A restart of the process loses them."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[Kept]] = {}
        self._count = self._bytes = 0

    def __len__(self) -> int:
        return self._count

    def has(self, id_: str) -> bool:
        """Tell whether something of that conversation is kept: what comes now has to stand behind it."""
        return id_ in self._kept

    def add(self, id_: str, words: FromUser, name: str | None = None) -> bool:
        """Keep it; False where there is no room (10,000 messages or 64 MB in all)."""
        size = _size(words)
        if self._count >= _MOST or self._bytes + size > _MOST_BYTES:
            return False
        kept = Kept(id=id_, words=words, name=name or secrets.token_hex(12))
        self._kept.setdefault(id_, deque()).append(kept)
        self._count += 1
        self._bytes += size
        return True

    def oldest(self, passed_over: set[str]) -> Kept | None:
        """Return the first of some conversation that is not one of `passed_over`."""
        return next((kept[0] for id_, kept in self._kept.items() if id_ not in passed_over), None)

    def forget(self, kept: Kept) -> None:
        """Drop the first one of its conversation: it stands in Redis."""
        waiting = self._kept[kept.id]
        waiting.popleft()
        self._count -= 1
        self._bytes -= _size(kept.words)
        if not waiting:
            del self._kept[kept.id]


def _size(words: FromUser) -> int:
    return len(words.content) + 4 * len(words.text) + 200
