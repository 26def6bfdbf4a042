"""Whether anybody relays: users are promised "here" only while somebody brings the agent's words to where they are."""

from __future__ import annotations

import asyncio
import contextlib
import time

from haptik_actions._deadline import cancel_all
from haptik_actions._namespace import ROOT
from haptik_actions.errors import RelayAway
from haptik_actions.relay._board import Board

__all__ = ["Presence", "Relayed"]

_KEY = f"{ROOT}relay:present"
_LASTS_SECONDS = 30
_AGAIN_SECONDS = 10.0
_REMEMBERED_SECONDS = 5.0
_WEBHOOK_KEY = f"{ROOT}relay:webhook"
_WEBHOOK_SECONDS = 7 * 24 * 3600
_NOTED_SECONDS = 60.0


class Presence:
    """Writes a sign of life of this process, which takes the platform's events, into Redis."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the running event loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._show())

    async def aclose(self) -> None:
        """Stop; half a minute later nobody relays any more."""
        if self._task is not None:
            await cancel_all(self._task)
            self._task = None

    async def _show(self) -> None:
        while True:
            # That Redis is away is said by whoever needs an answer of it.
            with contextlib.suppress(RelayAway):
                await self._board.set(_KEY, "1", _LASTS_SECONDS)
            await asyncio.sleep(_AGAIN_SECONDS)


class Relayed:
    """Reads those signs; an answer is good for five seconds."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._known, self._until = False, float("-inf")
        self._noted_until = float("-inf")

    async def now(self) -> bool:
        """Tell whether any process relays.

        Raises:
            RelayAway: Redis does not answer.
        """
        if time.monotonic() >= self._until:
            self._known = await self._board.get(_KEY) is not None
            self._until = time.monotonic() + _REMEMBERED_SECONDS
        return self._known

    async def note_webhook(self) -> None:
        """Note that a webhook of the platform's events works; raises like `now`."""
        if time.monotonic() >= self._noted_until:
            await self._board.set(_WEBHOOK_KEY, "1", _WEBHOOK_SECONDS)
            self._noted_until = time.monotonic() + _NOTED_SECONDS

    async def tells_of_ends(self) -> bool:
        """Tell whether anybody will hear of the end of a chat: a relay, or a webhook that has worked within a week."""
        return await self.now() or await self._board.get(_WEBHOOK_KEY) is not None
