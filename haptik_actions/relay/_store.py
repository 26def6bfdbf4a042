"""The relay's memory on Redis: links, queues, inbox and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haptik_actions.relay._link import Link
from haptik_actions.relay._values import InboxMessage, LedgerRow

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RelayStore"]


class RelayStore:
    """Links, queues, inbox and ledger on the Redis (or cluster) that `client` is connected to.

    Every method raises:
        RelayAway: Redis does not answer.
    """

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @classmethod
    def from_url(cls, url: str, **options: Any) -> RelayStore:
        """Return a store on the Redis at `url`.

        Raises:
            ConfigurationError: the URL is not one of Redis.
        """
        raise NotImplementedError

    async def prepare(self, link: Link) -> Link:
        """Begin an episode before Haptik is called, so that an event that comes at once finds its chat.

        A new `link.receipt` is a new episode: state `bot`, no agent, not moved unless `link.moved` says so. Where
        Haptik has the chat already (`asked` or `agent`, and not closing), nothing is changed. What is known of the
        conversation and not given in `link` stays: user_name, auth_id, locale, return_address, conversation_no, token.
        Returns the link as it stands then; its `receipt` tells whose episode is running.
        """
        raise NotImplementedError

    async def asked(self, id_: str, receipt: str, *, paused: bool) -> Link | None:
        """Haptik has confirmed the hand-off. Returns the link; None where the episode is another one by now.

        An agent who was faster is not forgotten. `assign_within` begins to count at `opened_at`.
        """
        raise NotImplementedError

    async def withdraw(self, id_: str, receipt: str) -> None:
        """The hand-off failed for good: the bot keeps the conversation."""
        raise NotImplementedError

    async def update(self, id_: str, **members: Any) -> Link | None:
        """Set members of a link that exists, such as `return_address` or `locale`; None where there is none."""
        raise NotImplementedError

    async def link(self, id_: str) -> Link | None:
        """Return a link by its id, None where there is none."""
        raise NotImplementedError

    async def find(self, channel: str, sender_id: str) -> Link | None:
        """Return the link of a conversation, None where it was never handed over."""
        raise NotImplementedError

    async def find_chat(
        self, business_id: int, user_name: str | None = None, auth_id: str | None = None
    ) -> Link | None:
        """Return the link of a chat, None where nobody here handed it over."""
        raise NotImplementedError

    async def ledger(self, id_: str) -> list[LedgerRow]:
        """Return what became of the last entries of a conversation (500 at most), oldest first."""
        raise NotImplementedError

    async def inbox(self, id_: str, after: int) -> list[InboxMessage]:
        """Return the messages of the inbox with a number above `after`, in order."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close the connections."""
        raise NotImplementedError
