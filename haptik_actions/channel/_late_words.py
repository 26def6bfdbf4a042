"""Where the words wait that were said after their turn had been answered, until the next answer takes them along."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol
from weakref import WeakValueDictionary

from cachetools import TTLCache
from redis.asyncio import Redis
from redis.exceptions import RedisError

from haptik_actions._log import get_logger
from haptik_actions._namespace import ROOT

__all__ = ["LateWords", "MemoryLateWords", "RedisLateWords"]

logger = get_logger(__name__)

_KEPT_SECONDS = 24 * 3600
_MOST_CONVERSATIONS = 10_000
_MOST_STRINGS = 100
_AVOIDED_SECONDS = 5.0


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
