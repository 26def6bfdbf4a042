"""The relay's keys in Redis, and its calls: bounded in time and number, with one error for all that goes wrong.

All of one conversation are in one slot of a cluster, with the index of due work.

    haptik:{relay-<n>}:link:<id>       hash: the members of the link, each as JSON
    haptik:{relay-<n>}:work:<id>       hash: counters, pauses, what was told once
    haptik:{relay-<n>}:order:<id>      sorted set: what waits for the user, by `message.id`
    haptik:{relay-<n>}:said:<id>       hash: the contents of that; `<member>!` for what was begun
    haptik:{relay-<n>}:words:<id>      list: what waits for the agent, oldest first
    haptik:{relay-<n>}:seen:<id>       sorted set: events and words that have come already, by when
    haptik:{relay-<n>}:inbox:<id>      list: messages for a channel that cannot push
    haptik:{relay-<n>}:ledger:<id>     list: what became of the last entries
    haptik:{relay-<n>}:lease-user:<id>, lease-agent:<id>    which process works on that queue
    haptik:{relay-<n>}:due-user, due-agent, timers          sorted sets: id -> when to look (ms)
    haptik:{relay-<n>}:chat:<business>:<n|a>:<name>         string: the id of the chat of a user_name or auth_id

    haptik:relay:present               string: a process takes the platform's events; expires
    haptik:relay:webhook               string: a webhook has worked within a week; expires

`n` is one of `SHARDS`, taken from the id (or from the name, for the last one).
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger
from haptik_actions._namespace import ROOT
from haptik_actions._redis_health import Rest
from haptik_actions.errors import RelayAway

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["SHARDS", "WAKE", "Board", "chat_key", "keys_of", "shard_keys"]

logger = get_logger(__name__)

SHARDS = 16
WAKE = f"{ROOT}relay:wake"
"""The channel on which processes tell one another what has come: `<user|agent>:<id>:<milliseconds to wait>`, and
`:<token>` where the sender looks at it itself."""

_OF_CONVERSATION = ("link", "work", "order", "said", "words", "seen", "inbox", "ledger", "lease-user", "lease-agent")
_OF_SHARD = ("due-user", "due-agent", "timers")

T = TypeVar("T")

_REST_SECONDS = 0.5
_CALLS = 50
"""Calls at once: less than a pool of connections of any redis-py allows."""


class Board:
    """The Redis (or cluster) that `client` is connected to.

    One that does not answer within `patience` seconds is left alone for half a second, so that it holds up few callers.
    `clock` gives Unix seconds in place of the clock of Redis, for tests.
    """

    def __init__(self, client: Redis, *, patience: float, clock: Callable[[], float] | None = None) -> None:
        self.redis: Any = client
        self._patience, self._clock = patience, clock
        self._scripts: JsonObject = {}
        self._gate = asyncio.Semaphore(_CALLS)
        self._rest = Rest(_REST_SECONDS)
        self.is_away = False

    def now(self) -> float:
        """Return Unix seconds."""
        return time.time() if self._clock is None else self._clock()

    def now_ms(self) -> int:
        """Return what scripts take for the time: 0 for the clock of Redis."""
        return 0 if self._clock is None else round(self._clock() * 1000)

    async def on(self, script: str, id_: str, *args: Any) -> Any:
        """Run a script on the keys of a conversation.

        Raises:
            RelayAway: Redis does not answer.
        """
        return await self.run(script, keys_of(id_), [id_, self.now_ms(), *args])

    async def on_quietly(self, script: str, id_: str, token: str, *args: Any) -> Any:
        """Do the same for the process that calls itself `token` on the channel of wakes, and looks by itself at what it
        enqueues: its own wakes say from whom they come."""
        return await self.run(script, keys_of(id_), [id_, f"{self.now_ms()}:{token}", *args])

    async def run(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script. An argument that is a function is called when Redis is asked, which a queue may put off.

        Raises:
            RelayAway: Redis does not answer.
        """
        prepared = self._scripts.get(script)
        if prepared is None:
            prepared = self._scripts[script] = self.redis.register_script(script)
        return await self.ask(lambda: prepared(keys=keys, args=[arg() if callable(arg) else arg for arg in args]))

    async def members(self, key: str) -> Any:
        """Return a hash; raises as `run`, like those below."""
        return await self.ask(lambda: self.redis.hgetall(key))

    async def members_beside(self, key: str, other: str) -> tuple[Any, bool]:
        """Return a hash, and whether there is another key, in one round trip."""

        async def both() -> list[Any]:
            async with self.redis.pipeline(transaction=False) as pipeline:
                pipeline.hgetall(key)
                pipeline.exists(other)
                found: list[Any] = await pipeline.execute()
                return found

        members, exists = await self.ask(both)
        return members, bool(exists)

    async def get(self, key: str) -> bytes | None:
        """Return a string."""
        found: bytes | None = await self.ask(lambda: self.redis.get(key))
        return found

    async def set(self, key: str, value: str, seconds: int, *, is_new: bool = False) -> bool:
        """Write a string that expires; with `is_new` only where there is none. Return whether it was written."""
        return bool(await self.ask(lambda: self.redis.set(key, value, ex=seconds, nx=is_new)))

    async def rows(self, key: str) -> list[bytes]:
        """Return a list."""
        found: list[bytes] = await self.ask(lambda: self.redis.lrange(key, 0, -1))
        return found

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call of Redis returns.

        Raises:
            RelayAway: Redis does not answer.
        """
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as RedisTimeout

        async with self._gate:
            if self._rest.is_owed and self._rest.is_on:
                raise RelayAway("Redis has just failed to answer; it is asked again in half a second.")
            try:
                async with deadline(self._patience):
                    answer = await call()
            except (RedisError, OSError, DeadlinePassed) as error:
                if isinstance(error, (RedisTimeout, DeadlinePassed)):
                    self._rest.begin()
                self._say(away=True, why=f"{type(error).__name__}: {error}")
                raise RelayAway(f"Redis does not answer ({type(error).__name__}).") from error
        self._say(away=False)
        return answer

    def _say(self, *, away: bool, why: str = "") -> None:
        # Once per outage: workers ask several times a second.
        if away and not self.is_away:
            logger.warning("The relay's Redis does not answer (%s). What comes meanwhile is kept or sent again.", why)
        if self.is_away and not away:
            logger.info("The relay's Redis answers again.")
        self.is_away = away


def keys_of(id_: str) -> list[str]:
    """Return the keys of a conversation in the order that the scripts want, then those of its shard."""
    shard = _shard(id_)
    return [*(f"{_tag(shard)}:{kind}:{id_}" for kind in _OF_CONVERSATION), *shard_keys(shard)]


def shard_keys(shard: int) -> list[str]:
    """Return the keys of a shard: what is due for users, for agents, and timers."""
    return [f"{_tag(shard)}:{kind}" for kind in _OF_SHARD]


def chat_key(business_id: int, kind: str, name: str) -> str:
    """Return the key that leads from a user_name (`n`) or an auth_id (`a`) to the id of its conversation."""
    chat = f"{business_id}:{kind}:{name}"
    return f"{_tag(_shard(chat))}:chat:{chat}"


def _shard(name: str) -> int:
    return zlib.crc32(name.encode(errors="surrogatepass")) % SHARDS


def _tag(shard: int) -> str:
    return f"{ROOT}{{relay-{shard}}}"
