"""What this process remembers because Redis may have lost it, or was away.

`Names`: an event that names its user by nothing but Haptik's `user_name` or `auth_id` finds its chat by the index in
Redis. A Redis that evicts keys may lose that entry and keep the link. Whoever has seen link or event since knows both.

`Backlog`: what users wrote while Redis was away, in order. It is written when Redis is back.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterator

import msgspec
from cachetools import LRUCache, TTLCache

from haptik_actions.errors import RelayAway
from haptik_actions.relay._host import FromUser
from haptik_actions.relay._link import Link
from haptik_actions.relay._link_store import RelayStore
from haptik_actions.relay._platform_events import PlatformEvent

__all__ = ["Backlog", "Kept", "Names"]

_MOST = 20_000
_LOOK_SECONDS = 10.0
_MOST_KEPT = 10_000
_MOST_BYTES = 64_000_000


class Names:
    """Names of the users whose chats passed through this process, the last 20,000."""

    def __init__(self, store: RelayStore) -> None:
        self._store = store
        self._ids: LRUCache[tuple[int, str, str], str] = LRUCache(_MOST)
        self._looked: TTLCache[str, bool] = TTLCache(_MOST, _LOOK_SECONDS)

    def note(self, id_: str, business_id: int, user_name: str | None, auth_id: str | None) -> None:
        """Remember how Haptik calls the user of a conversation."""
        for key in _keys(business_id, user_name, auth_id):
            self._ids[key] = id_

    async def ids_of(self, event: PlatformEvent) -> list[str]:
        """Return the ids of conversations that an event may be about, the likeliest first.

        Raises:
            RelayAway: Redis does not answer.
        """
        names = (event.business_id, event.user_name, event.auth_id)
        found = await self._store.ids_of(*names)
        return found or list(dict.fromkeys(self._ids[key] for key in _keys(*names) if key in self._ids))

    async def keep_up(self, link: Link) -> None:
        """Let Redis know again how the chat is found, where it has forgotten; every ten seconds at most."""
        self.note(link.id, link.business_id, link.user_name, link.auth_id)
        if link.id in self._looked:
            return
        self._looked[link.id] = True
        try:
            await self._store.reindex(link)
        except RelayAway:
            del self._looked[link.id]


def _keys(business_id: int, user_name: str | None, auth_id: str | None) -> Iterator[tuple[int, str, str]]:
    for kind, name in (("n", user_name), ("a", auth_id)):
        if name is not None:
            yield business_id, kind, name


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
        if self._count >= _MOST_KEPT or self._bytes + size > _MOST_BYTES:
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
