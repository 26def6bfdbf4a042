"""Turns that have to be answered before they are over. Pure asyncio; knows neither Rasa nor Sanic.

Haptik waits 30 seconds for an answer. A turn that takes longer goes on behind the answer, and so does one whose client
has gone: Rasa saves a conversation only at the end of its turn. What it says then comes first in the next answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

from haptik_actions._log import get_logger
from haptik_actions.channel._late_words import LateWords

__all__ = ["Spoken", "Turns"]

logger = get_logger(__name__)

T = TypeVar("T")


class Spoken:
    """What one turn says: strings of `response`, each of them taken once.

    `is_late` says that the turn has been answered already, and `is_silent` that nothing was said from its start on.
    `is_first` says that nothing of earlier turns waits, as the turn has found out on its way.
    """

    def __init__(self) -> None:
        self._strings: list[str] = []
        self.is_silent, self.is_late, self.is_first = True, False, False

    def say(self, strings: Iterable[str]) -> None:
        """Add strings."""
        self._strings.extend(strings)
        self.is_silent = self.is_silent and not self._strings

    def take(self) -> list[str]:
        """Return what was said since the last call."""
        taken, self._strings = self._strings, []
        return taken


class Turns(Generic[T]):
    """Runs turns, and answers each of them within `seconds`."""

    def __init__(self, late: LateWords, *, seconds: float) -> None:
        self._late, self._seconds = late, seconds
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, conversation: str, turn: Callable[[Spoken], Awaitable[T]]) -> tuple[list[str], T | None]:
        """Run a turn; return the strings to answer with, late ones of earlier turns first, and the turn's result.

        The result is None where the turn goes on behind the answer. `turn` fills what it is given; where it raises, so
        does this.
        """
        spoken, earlier = Spoken(), None
        work = self._start(self._whole(conversation, spoken, turn))
        try:
            await asyncio.wait({work}, timeout=self._seconds)
            is_over = work.done()
            spoken.is_late = not is_over
            if is_over and spoken.is_first:
                return spoken.take(), work.result()
            earlier = self._start(self._late.take(conversation))
            words = [*await asyncio.shield(earlier), *spoken.take()]
        except asyncio.CancelledError:
            # The client has gone. The turn goes on, and its words wait for the user's next message.
            spoken.is_late = True
            self._start(self._keep(conversation, earlier, spoken if work.done() else Spoken()))
            raise
        return words, work.result() if is_over else None

    async def aclose(self, seconds: float) -> None:
        """Wait, for so many seconds, for the turns that go on behind their answers."""
        if self._running:
            _, left = await asyncio.wait(self._running, timeout=seconds)
            if left:
                logger.warning("%d turns are cut off by the end of this process.", len(left))

    async def _whole(self, conversation: str, spoken: Spoken, turn: Callable[[Spoken], Awaitable[T]]) -> T:
        try:
            return await turn(spoken)
        finally:
            if spoken.is_late:
                await self._late.put(conversation, spoken.take())

    async def _keep(self, conversation: str, earlier: asyncio.Task[list[str]] | None, spoken: Spoken) -> None:
        words = await earlier if earlier is not None else []
        await self._late.put(conversation, [*words, *spoken.take()])

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("A turn failed with %s.", type(task.exception()).__name__)
