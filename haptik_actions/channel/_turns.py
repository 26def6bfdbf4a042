"""Turns that have to be answered before they are over. Knows neither Rasa nor Sanic.

Haptik waits 30 seconds for an answer. A turn that takes longer goes on after the answer, and so does one whose client
has gone: Rasa saves a conversation only at the end of its turn. What it says then waits, in Redis where there is one,
and comes first in the next answer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

from cachetools import TTLCache
from redis.asyncio import Redis
from redis.exceptions import RedisError

from haptik_actions._log import get_logger
from haptik_actions._namespace import ROOT

__all__ = ["LateWords", "MemoryLateWords", "RedisLateWords", "Spoken", "Turns"]

logger = get_logger(__name__)

T = TypeVar("T")
_KEPT_SECONDS = 24 * 3600
_MOST_CONVERSATIONS = 10_000
_MOST_STRINGS = 100
_AVOIDED_SECONDS = 5.0


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

    def _start(self, work: Coroutine[object, object, object]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("A turn failed with %s.", type(task.exception()).__name__)


class LateWords(Protocol):
    """Strings of `response` per conversation, first in, first out. At most a hundred each, for a day."""

    async def put(self, conversation: str, strings: Sequence[str]) -> None:
        """Add strings behind those that wait."""

    async def take(self, conversation: str) -> list[str]:
        """Return what waits, and forget it."""

    def key(self, conversation: str) -> str | None:
        """Return the key of Redis that exists where something waits; None where to look there is not enough."""


class MemoryLateWords:
    """In this process: a restart loses them, and another process does not see them."""

    def __init__(self) -> None:
        self._waiting: TTLCache[str, list[str]] = TTLCache(_MOST_CONVERSATIONS, _KEPT_SECONDS)

    async def put(self, conversation: str, strings: Sequence[str]) -> None:
        """Add strings behind those that wait."""
        if strings:
            self._waiting[conversation] = [*self._waiting.get(conversation, []), *strings][-_MOST_STRINGS:]

    async def take(self, conversation: str) -> list[str]:
        """Return what waits, and forget it."""
        waiting: list[str] = self._waiting.pop(conversation, [])
        return waiting

    def key(self, conversation: str) -> str | None:
        """Return None: what waits is not in Redis."""
        return None

    def has(self, conversation: str) -> bool:
        """Tell whether something waits."""
        return conversation in self._waiting


class RedisLateWords:
    """In Redis, for every process that answers; in this process as long as Redis does not answer.

    Keys: `haptik:late:<conversation>`, a list. After a failure Redis is left alone for five seconds, so that it costs
    the users of other turns no time.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis, self._memory = redis, MemoryLateWords()
        self._avoided_until = 0.0
        # What is being put is not missed by who takes: the next turn may end before Redis has answered.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def put(self, conversation: str, strings: Sequence[str]) -> None:
        """Add strings behind those that wait."""
        if not strings:
            return
        async with self._lock(conversation):
            if self._is_avoided() or not await self._push(conversation, strings):
                await self._memory.put(conversation, strings)

    async def take(self, conversation: str) -> list[str]:
        """Return what waits, and forget it."""
        async with self._lock(conversation):
            stored = [] if self._is_avoided() else await self._pop(conversation)
            return stored + await self._memory.take(conversation)

    def key(self, conversation: str) -> str | None:
        """Return the key, or None while this process has or writes something itself."""
        is_busy = conversation in self._locks or self._memory.has(conversation)
        return None if is_busy or self._is_avoided() else _key(conversation)

    async def _push(self, conversation: str, strings: Sequence[str]) -> bool:
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(_key(conversation), *[string.encode("utf-8", "surrogatepass") for string in strings])
                pipe.ltrim(_key(conversation), -_MOST_STRINGS, -1)
                pipe.expire(_key(conversation), _KEPT_SECONDS)
                await pipe.execute()
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            self._avoid(error)
            return False
        return True

    async def _pop(self, conversation: str) -> list[str]:
        try:
            # Nearly every turn finds nothing: one cheap look instead of a transaction.
            if not await self._redis.exists(_key(conversation)):
                return []
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.lrange(_key(conversation), 0, -1)
                pipe.delete(_key(conversation))
                stored, _ = await pipe.execute()
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            self._avoid(error)
            return []
        return [item.decode("utf-8", "surrogatepass") for item in stored]

    def _lock(self, conversation: str) -> asyncio.Lock:
        return self._locks.setdefault(conversation, asyncio.Lock())

    def _is_avoided(self) -> bool:
        return time.monotonic() < self._avoided_until

    def _avoid(self, error: Exception) -> None:
        self._avoided_until = time.monotonic() + _AVOIDED_SECONDS
        logger.warning("Redis does not answer (%s); late words stay in this process.", type(error).__name__)


def _key(conversation: str) -> str:
    return f"{ROOT}late:{conversation}"
