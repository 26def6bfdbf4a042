"""Sends hand-offs to Haptik, and keeps trying those that Haptik could not take yet.

What waits lives in this process: a restart loses it. That is logged when something starts to wait.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from haptik_actions.client import HaptikClient
from haptik_actions.errors import HaptikError, RateLimited

__all__ = ["Delivery", "HandOff"]

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_MOST_WAITING = 10_000
_TRIES = 70
"""With pauses that double up to a minute this is a little over an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff:
    """All that the platform's call needs, and the receipt's id for the log."""

    id: str
    user_name: str
    business_id: int
    team: str
    countdown: int | None = None


class Delivery:
    """Hands chats over through `client`. `sleep` is `asyncio.sleep` or a test's own."""

    def __init__(self, client: HaptikClient, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._waiting: dict[tuple[str, int], asyncio.Task[None]] = {}

    @property
    def waiting(self) -> int:
        """How many chats wait for Haptik to take them."""
        return len(self._waiting)

    async def send(self, handoff: HandOff) -> None:
        """Hand over now: returning means that Haptik confirmed it.

        Raises:
            HaptikError: Haptik did not confirm it. Where the error is `temporary`, `send_later` may follow.
        """
        await self._client.send_chat_to_agent(
            user_name=handoff.user_name,
            business_id=handoff.business_id,
            team_name=handoff.team,
            countdown=handoff.countdown,
        )

    def send_later(self, handoff: HandOff, error: HaptikError) -> bool:
        """Keep trying in the background; False where too many wait already. One chat waits once."""
        chat = (handoff.user_name, handoff.business_id)
        if chat in self._waiting:
            return True
        if len(self._waiting) >= _MOST_WAITING:
            logger.error("Hand-off %s is lost: %d hand-offs wait for Haptik already.", handoff.id, _MOST_WAITING)
            return False
        logger.warning("Hand-off %s waits in this process until Haptik takes it; a restart would lose it.", handoff.id)
        task = asyncio.get_running_loop().create_task(self._keep_trying(handoff, error))
        self._waiting[chat] = task
        task.add_done_callback(lambda _: self._waiting.pop(chat, None))
        return True

    async def aclose(self) -> None:
        """Stop trying. What still waits is lost, and logged."""
        waiting = list(self._waiting.values())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _keep_trying(self, handoff: HandOff, error: HaptikError) -> None:
        try:
            for attempt in range(_TRIES):
                await self._sleep(_pause(attempt, error))
                try:
                    await self.send(handoff)
                except HaptikError as failed:
                    error = failed
                    if not error.temporary:
                        break
                else:
                    logger.info("Hand-off %s was delivered late, at try %d.", handoff.id, attempt + 2)
                    return
            logger.error("Hand-off %s is lost: %s %s", handoff.id, error, error.remedy)
        except asyncio.CancelledError:
            logger.error("Hand-off %s is lost: the action server stopped before Haptik took it.", handoff.id)
            raise


def _pause(attempt: int, error: HaptikError) -> float:
    """Seconds to wait: full jitter under a doubling ceiling, or what the platform asked for."""
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    ceiling: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempt, 10))
    return ceiling / 2 + random.uniform(0, ceiling / 2)
