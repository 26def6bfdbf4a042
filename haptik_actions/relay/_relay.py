"""The relay itself: what the host calls, and the workers behind it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from haptik_actions.client import HaptikClient
from haptik_actions.messages import MessageStore
from haptik_actions.relay._host import Host
from haptik_actions.relay._link import Link
from haptik_actions.relay._store import RelayStore
from haptik_actions.relay._values import FromUser, InboxMessage

__all__ = ["Relay", "Written"]

Written: TypeAlias = Literal["queued", "kept", "left", "waits", "full"]
"""What became of the user's words. `queued`: they stand in Redis. `kept`: in this process, until Redis answers.
`left`: they were the wish to go back to the bot, which has been granted. `waits`: they were the answer "I'll wait".
`full`: there is no room any more, and the user is told that."""


class Relay:
    """Carries words between users and agents.

    Every conversation has two queues in Redis. Any process that runs a relay on that Redis works on them, one process
    at a time per queue.

    Args:
        store: The links and queues.
        client: Calls Haptik; None where this process cannot (then another one sends what users write).
        messages: The relay's own sentences.
        host: Reaches users.
        secret: The secret of the platform's webhook; None: every event is refused.
        hold_back: Seconds that an event waits for an earlier one that is still on its way.
    """

    def __init__(
        self,
        store: RelayStore,
        client: HaptikClient | None,
        messages: MessageStore,
        host: Host,
        *,
        secret: str | None = None,
        hold_back: float = 0.3,
    ) -> None:
        self._store, self._client, self._messages, self._host = store, client, messages, host

    def start(self) -> None:
        """Begin to work in the running event loop; once is enough."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Finish what is under way, for five seconds at most, and stop. Does not close store, client or messages."""
        raise NotImplementedError

    async def holds(self, channel: str, sender_id: str) -> Link | None:
        """Return the link where what the user writes goes to the agent now, None where the bot has it.

        One read of Redis. Where Redis does not answer, what was read last counts.

        Raises:
            RelayAway: Redis does not answer, and nothing is known of this conversation.
        """
        raise NotImplementedError

    async def write(self, link: Link, words: FromUser) -> Written:
        """Take what the user wrote, for the agent. Never raises for Redis or Haptik being away; calls neither the host
        nor Haptik before it returns, so it may be called inside the conversation's lock."""
        raise NotImplementedError

    async def take(self, body: bytes, signature: str | None) -> int:
        """Take an event of the platform's webhook and its header `X-Hub-Signature`; return the HTTP status.

        200: stored, a duplicate, or of a chat that nobody here handed over. 400: no JSON object. 401: the signature
        is wrong. 413: larger than 1 MB. 503: Redis does not answer, the platform sends it again.
        """
        raise NotImplementedError

    async def leave(self, link: Link) -> None:
        """Give the user back to the bot, as they asked by a word or a button. The agent is told.

        Raises:
            RelayAway: Redis does not answer.
        """
        raise NotImplementedError

    async def collect(self, link: Link, after: int | None = None) -> list[InboxMessage]:
        """Return messages for a channel that cannot push, in order.

        `after` is a cursor: the number of the last message that the user's client has. None means all that was not
        returned yet, for the answer to the user's next message. What is returned counts as returned in both ways.

        Raises:
            RelayAway: Redis does not answer.
        """
        raise NotImplementedError

    async def user_is_here(self, who: Link | str) -> None:
        """The user (a link or its id) can be reached from this process now: look at what waits for them."""
        raise NotImplementedError
