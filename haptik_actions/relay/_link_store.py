"""The relay's memory on Redis: links, and what people may look at."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from cachetools import TTLCache

from haptik_actions.relay._board import Board, chat_key, keys_of
from haptik_actions.relay._host import LedgerRow
from haptik_actions.relay._link import Link, conversation_id, is_conversation_id, members_of, read_link, to_json
from haptik_actions.relay._presence import Relayed
from haptik_actions.relay._scripts import ASKED, PREPARE, RESTORE, UPDATE, WITHDRAW
from haptik_actions.relay._scripts_out import COLLECT

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RelayStore"]

_SECONDS = 1.0
_MOST_NAMES = 10_000
_LEARNT_SECONDS = 60.0
_INDEX_SECONDS = 14 * 24 * 3600
_ALWAYS = (
    *("id", "channel", "sender_id", "business_id", "state", "closing", "paused", "receipt", "teams", "countdown"),
    *("moved", "opened_at", "agent", "conversation_no", "assign_within", "form", "after_agent"),
)
_WHERE_GIVEN = ("user_name", "auth_id", "locale", "return_address")


class RelayStore:
    """Links, queues, inbox and ledger on the Redis (or cluster) that `client` is connected to.

    All of it expires after a week in which nobody used it. Redis has `patience` seconds to answer. `clock` gives Unix
    seconds in place of the clock of Redis, for tests. Every method raises:
        RelayAway: Redis does not answer.
    """

    def __init__(self, client: Redis, *, patience: float = 2.0, clock: Callable[[], float] | None = None) -> None:
        self.board = Board(client, patience=patience, clock=clock)
        self._known: TTLCache[str, tuple[str | None, str | None]] = TTLCache(_MOST_NAMES, _LEARNT_SECONDS)
        self._relayed = Relayed(self.board)

    @classmethod
    def from_url(cls, url: str, *, clock: Callable[[], float] | None = None) -> RelayStore:
        """Return a store on the Redis at `url`.

        Raises:
            ConfigurationError: the URL is not one of Redis.
        """
        from haptik_actions._redis import connect

        return cls(connect(url, seconds=_SECONDS), clock=clock)

    async def prepare(self, link: Link) -> Link:
        """Begin an episode before Haptik is called, so that an event that comes at once finds its chat.

        `link.receipt` names the episode: state `bot`, no agent, moved as `link.moved` says. `opened_at` is filled in
        where it is 0. Where Haptik has the chat already (`asked` or `agent`, and not closing), nothing is changed. What
        is known of the conversation and not given in `link` stays: user_name, auth_id, locale, return_address, token.
        Returns the link as it stands then; its `receipt` tells whose episode is running.
        """
        link = msgspec.structs.replace(
            link, state="bot", closing=False, paused=False, agent=None, opened_at=link.opened_at or self.board.now()
        )
        given = [name for name in _WHERE_GIVEN if getattr(link, name)]
        always = members_of(link, *_ALWAYS, *given)
        token = link.token or secrets.token_urlsafe(24)
        stands = await self._link_of(PREPARE, link.id, len(always) // 2, *always, "token", to_json(token))
        assert stands is not None
        await self.index(stands)
        return stands

    async def asked(self, id_: str, receipt: str, *, paused: bool, prepared: Link | None = None) -> Link | None:
        """Haptik has confirmed the hand-off. Returns the link; None where the episode is another one by now.

        An agent who was faster is not forgotten. `assign_within` counts from `opened_at`. `prepared` is what `prepare`
        returned; without it the link is read first.
        """
        link = prepared or await self.link(id_)
        if link is None:
            return None
        at = "" if link.assign_within is None else round((link.opened_at + link.assign_within) * 1000)
        return await self._link_of(ASKED, id_, to_json(receipt), to_json(paused), at)

    async def restore(self, link: Link) -> Link | None:
        """Write down a link that Redis has lost, as it stood. Returns the link that stands there then."""
        known = [name for name in Link.__struct_fields__ if getattr(link, name) is not None]
        waits = link.state == "asked" and not link.closing and link.assign_within is not None
        at = round((link.opened_at + (link.assign_within or 0)) * 1000) if waits else ""
        stands = await self._link_of(RESTORE, link.id, at, *members_of(link, *known))
        await self.index(link)
        return stands

    async def withdraw(self, id_: str, receipt: str) -> None:
        """The hand-off failed for good: the bot keeps the conversation."""
        await self.board.on(WITHDRAW, id_, to_json(receipt))

    async def update(self, id_: str, **members: object) -> Link | None:
        """Set members of a link that exists, such as `return_address` or `locale`; None where there is none."""
        pairs = [word for name, value in members.items() for word in (name, to_json(value))]
        link = await self._link_of(UPDATE, id_, *pairs)
        if link is not None and not members.keys().isdisjoint({"user_name", "auth_id", "business_id"}):
            await self.index(link)
        return link

    async def link(self, id_: str) -> Link | None:
        """Return a link by its id, None where there is none."""
        return read_link(id_, await self.board.members(keys_of(id_)[0]))

    async def find(self, channel: str, sender_id: str) -> Link | None:
        """Return the link of a conversation, None where it was never handed over."""
        return await self.link(conversation_id(channel, sender_id))

    async def find_beside(self, channel: str, sender_id: str, key: str) -> tuple[Link | None, bool]:
        """Return the link of a conversation, and whether Redis has a key of somebody else's; both in one round trip."""
        id_ = conversation_id(channel, sender_id)
        members, exists = await self.board.members_beside(keys_of(id_)[0], key)
        return read_link(id_, members), exists

    async def find_chat(
        self, business_id: int, user_name: str | None = None, auth_id: str | None = None
    ) -> Link | None:
        """Return the link of a chat, None where nobody here handed it over."""
        for id_ in await self.ids_of(business_id, user_name, auth_id):
            link = await self.link(id_)
            if link is not None and link.business_id == business_id:
                return link
        return None

    async def ids_of(self, business_id: int, user_name: str | None, auth_id: str | None) -> list[str]:
        """Return the ids under which a chat may be known, the likeliest first."""
        found = [auth_id] if auth_id is not None and is_conversation_id(auth_id) else []
        for kind, name in (("n", user_name), ("a", auth_id)):
            if name is not None and not found:
                known = await self.board.get(chat_key(business_id, kind, name))
                found += [known.decode()] if known else []
        return found

    async def index(self, link: Link) -> None:
        """Let the chat be found by what Haptik calls its user."""
        for kind, name in (("n", link.user_name), ("a", link.auth_id)):
            if name is not None and name != link.id:
                await self.board.set(chat_key(link.business_id, kind, name), link.id, _INDEX_SECONDS)

    async def reindex(self, link: Link) -> bool:
        """Write down again how the chat is found, where Redis has forgotten; return whether it had.

        What leads to another conversation by now stays: the user is handed over from there.
        """
        lost = False
        for kind, name in (("n", link.user_name), ("a", link.auth_id)):
            if name is not None and name != link.id:
                key = chat_key(link.business_id, kind, name)
                if await self.board.get(key) is None:
                    lost = await self.board.set(key, link.id, _INDEX_SECONDS, is_new=True) or lost
        return lost

    async def is_relayed(self) -> bool:
        """Tell whether a process takes the platform's events, so that agents' words reach users. Five seconds old."""
        return await self._relayed.now()

    async def note_webhook(self) -> None:
        """Note that an event of the platform has come, for those who ask whether ends of chats are told."""
        await self._relayed.note_webhook()

    async def tells_of_ends(self) -> bool:
        """Tell whether anybody here hears of the end of a chat. Without a webhook nobody does."""
        return await self._relayed.tells_of_ends()

    async def ledger(self, id_: str) -> list[LedgerRow]:
        """Return what became of the last entries of a conversation (500 at most), oldest first."""
        rows = await self.board.rows(keys_of(id_)[7])
        return [msgspec.msgpack.decode(row, type=LedgerRow) for row in rows]

    async def inbox(self, id_: str, after: int | None) -> list[tuple[int, float, bytes]]:
        """Return number, time and content of messages of the inbox, in order, and count them as collected.

        Those with a number above `after`, or with None those that nobody has collected yet. `Relay.collect` reads them.
        """
        rows = await self.board.on(COLLECT, id_, "" if after is None else max(0, after))
        return [(int(row[:12]), int(row[12:25]) / 1000, row[25:]) for row in rows]

    async def learn(self, id_: str, user_name: str | None, auth_id: str | None) -> None:
        """Let the chat be found by the names that an event has told; looked at once a minute."""
        if self._known.get(id_) == (user_name, auth_id):
            return
        link = await self.link(id_)
        if link is not None:
            await self.index(link)
            self._known[id_] = (user_name, auth_id)

    async def aclose(self) -> None:
        """Close the connections."""
        from haptik_actions._redis import disconnect

        await disconnect(self.board.redis)

    async def _link_of(self, script: str, id_: str, *args: object) -> Link | None:
        return read_link(id_, await self.board.on(script, id_, *args))
