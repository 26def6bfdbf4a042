"""What Haptik calls the users of running chats, as this process remembers it: Redis may have thrown its own index away.

An event that names its user by nothing but Haptik's `user_name` or `auth_id` finds its chat by the index in Redis. A
Redis that evicts keys may lose that entry and keep the link. Whoever has seen link or event since knows both.
"""

from __future__ import annotations

from collections.abc import Iterator

from cachetools import LRUCache, TTLCache

from haptik_actions.errors import RelayAway
from haptik_actions.relay._events import PlatformEvent
from haptik_actions.relay._link import Link
from haptik_actions.relay._store import RelayStore

__all__ = ["Names"]

_MOST = 20_000
_LOOK_SECONDS = 10.0


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
