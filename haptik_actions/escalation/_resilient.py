"""An outbox that goes on without Redis while Redis is down."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions.escalation._outbox import Entry, HandOff, MemoryOutbox, Outbox, Terms, Ticket

__all__ = ["ResilientOutbox"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS = 1.0
_REST_SECONDS = 1.0


class ResilientOutbox:
    """Writes to `shared`, and to this process's memory where `shared` does not answer within a second.

    After a failure `shared` is left alone for a second, so that a Redis that hangs holds up few callers. What stands in
    memory is delivered from there. What `shared` could not be told is told by time: its lease ends, and another try
    follows, which the platform takes as the same chat.
    """

    def __init__(self, shared: Outbox, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._shared, self._timer = shared, timer
        self._memory = MemoryOutbox()
        self._in_memory: set[str] = set()
        self._rest_until = float("-inf")
        self._is_down = False

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """See `Outbox`."""
        ticket = await self._ask(lambda: self._shared.open(handoff, terms))
        if ticket is not None:
            return ticket
        logger.warning(
            "Hand-off %s is kept in this process: Redis does not answer. A restart would lose it.", handoff.id
        )
        self._in_memory.add(handoff.chat)
        return await self._memory.open(handoff, terms)

    async def confirm(self, handoff: HandOff, *, episode: float) -> None:
        """See `Outbox`."""
        await self._tell(handoff.chat, lambda outbox: outbox.confirm(handoff, episode=episode))
        self._in_memory.discard(handoff.chat)

    async def refuse(self, handoff: HandOff) -> None:
        """See `Outbox`."""
        await self._tell(handoff.chat, lambda outbox: outbox.refuse(handoff))
        self._in_memory.discard(handoff.chat)

    async def later(self, entry: Entry, seconds: float) -> None:
        """See `Outbox`."""
        await self._tell(entry.handoff.chat, lambda outbox: outbox.later(entry, seconds))

    async def bury(self, entry: Entry) -> None:
        """See `Outbox`."""
        await self._tell(entry.handoff.chat, lambda outbox: outbox.bury(entry))

    async def claim(self, most: int) -> list[Entry]:
        """See `Outbox`."""
        return [*await self._memory.claim(most), *(await self._ask(lambda: self._shared.claim(most)) or [])]

    async def entries(self) -> list[Entry]:
        """See `Outbox`."""
        return [*await self._memory.entries(), *(await self._ask(self._shared.entries) or [])]

    async def revive(self, chat: str) -> bool:
        """See `Outbox`."""
        return await self._memory.revive(chat) or bool(await self._ask(lambda: self._shared.revive(chat)))

    async def drop(self, chat: str) -> bool:
        """See `Outbox`."""
        return await self._memory.drop(chat) or bool(await self._ask(lambda: self._shared.drop(chat)))

    async def end_episode(self, chat: str) -> None:
        """See `Outbox`."""
        await self._memory.end_episode(chat)
        await self._ask(lambda: self._shared.end_episode(chat))

    async def aclose(self) -> None:
        """Close the connections of `shared`."""
        await self._shared.aclose()

    async def _tell(self, chat: str, what: Callable[[Outbox], Awaitable[None]]) -> None:
        if chat in self._in_memory:
            await what(self._memory)
        else:
            await self._ask(lambda: what(self._shared))

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T | None:
        if self._timer() < self._rest_until:
            return None
        from redis.exceptions import RedisError

        try:
            async with deadline(_SECONDS):
                answer = await call()
        except (RedisError, OSError, DeadlinePassed) as error:
            self._rest_until = self._timer() + _REST_SECONDS
            # Once per outage: the worker asks every second.
            if not self._is_down:
                logger.warning("The outbox on Redis does not answer: %s.", type(error).__name__)
            self._is_down = True
            return None
        if self._is_down:
            self._is_down = False
            logger.info("The outbox on Redis answers again.")
        return answer
