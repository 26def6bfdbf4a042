"""What the Redis at hand promises: whether it keeps data, whether it evicts, and what its account may do.

Managed services forbid CONFIG, some INFO as well. What they do not say is said to be unknown. `Rest` leaves a Redis
alone for a while that has failed to answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from haptik_actions._namespace import ROOT

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["COMMANDS", "Remark", "Rest", "eviction", "remarks_on"]

_PROBE = f"{ROOT}{{outbox}}:probe"
_AGAIN = (
    "Hand-offs that wait are written down again by the processes that hold them, as long as those run; the relay's "
    "queues are lost. Set appendonly yes."
)
_FSYNC = {
    "always": "a crash of it loses nothing that it has acknowledged",
    "everysec": "a crash of its machine loses the last second at most",
    "no": "a crash of its machine loses what the system had not written yet",
}

COMMANDS: dict[str, tuple[str, ...]] = {
    "EVALSHA": ("0" * 40, "0"),
    "SCRIPT LOAD": ("return 1",),
    "TIME": (),
    "SET": (_PROBE, "1", "PX", "1000"),
    "GET": (_PROBE,),
    "MGET": (_PROBE,),
    "EXISTS": (_PROBE,),
    "PTTL": (_PROBE,),
    "PEXPIRE": (_PROBE, "1000"),
    "PEXPIREAT": (_PROBE, "99999999999999"),
    "INCR": (_PROBE,),
    "HSET": (_PROBE, "a", "1"),
    "HSETNX": (_PROBE, "a", "1"),
    "HGET": (_PROBE, "a"),
    "HMGET": (_PROBE, "a"),
    "HGETALL": (_PROBE,),
    "HEXISTS": (_PROBE, "a"),
    "HINCRBY": (_PROBE, "a", "1"),
    "HDEL": (_PROBE, "a"),
    "RPUSH": (_PROBE, "1"),
    "LINDEX": (_PROBE, "0"),
    "LLEN": (_PROBE,),
    "LRANGE": (_PROBE, "0", "0"),
    "LTRIM": (_PROBE, "0", "0"),
    "LPOP": (_PROBE,),
    "ZADD": (_PROBE, "1", "a"),
    "ZSCORE": (_PROBE, "a"),
    "ZCARD": (_PROBE,),
    "ZRANGE": (_PROBE, "0", "0"),
    "ZRANGEBYSCORE": (_PROBE, "0", "0"),
    "ZREMRANGEBYSCORE": (_PROBE, "0", "0"),
    "ZREMRANGEBYRANK": (_PROBE, "0", "0"),
    "ZREM": (_PROBE, "a"),
    "DEL": (_PROBE,),
}
"""What outbox, breakers and relay need, with arguments that do no harm: to a key that is gone after a second."""


class Remark(msgspec.Struct, frozen=True):
    """A sentence on this Redis. `error`: nothing can be kept there. `warning`: less is kept than could be."""

    level: Literal["info", "warning", "error"]
    text: str


async def remarks_on(client: Redis) -> list[Remark]:
    """Return what is to be said of the Redis that `client` is connected to, the worst first.

    Raises:
        RedisError, OSError: it does not answer.
    """
    if await _is_read_only(client):
        text = "Redis takes no writes: it is a replica. Name its master in REDIS_URL, or the sentinels that know it."
        return [Remark("error", text)]
    missing = [name for name, args in COMMANDS.items() if not await _may(client, name, *args)]
    found = [_of_missing(missing)] if missing else []
    rank = {"error": 0, "warning": 1, "info": 2}
    return sorted([*found, await _persistence(client), await eviction(client)], key=lambda remark: rank[remark.level])


async def eviction(client: Redis) -> Remark:
    """Return whether this Redis may forget what it was told to keep because its memory is full."""
    memory = await _info(client, "memory")
    policy, limit = memory.get("maxmemory_policy"), memory.get("maxmemory")
    if policy is None or limit is None:
        return Remark("info", "Redis does not say whether it evicts keys: INFO memory tells nothing of it.")
    if not limit or policy == "noeviction":
        return Remark("info", f"Redis evicts nothing (maxmemory {limit}, maxmemory-policy {policy}).")
    return Remark(
        "warning",
        f"Redis may evict hand-offs before they are delivered: its maxmemory-policy is {policy}. Set noeviction.",
    )


async def _persistence(client: Redis) -> Remark:
    known = await _info(client, "persistence")
    aof, save = known.get("aof_enabled"), await _config(client, "save")
    if aof is None and save is None:
        text = "Redis does not say whether it keeps data over a restart: neither INFO nor CONFIG may be used."
        return Remark("info", text)
    if aof:
        fsync = await _config(client, "appendfsync")
        what = _FSYNC.get(fsync or "", "how often that reaches the disk cannot be told: CONFIG may not be used")
        return Remark(
            "info", f"Redis keeps a file of all changes (appendonly yes, appendfsync {fsync or '?'}): {what}."
        )
    if save is None:
        text = "Redis keeps no file of changes (appendonly no), and does not say whether it makes snapshots."
    elif save:
        text = f"Redis keeps snapshots alone (appendonly no, save {save}): a crash loses all since the last one."
    else:
        text = "Redis keeps nothing over a restart (appendonly no, no save)."
    return Remark("warning", f"{text} {_AGAIN}")


def _of_missing(missing: list[str]) -> Remark:
    rights = " ".join(f"+{name.lower().replace(' ', '|')}" for name in missing)
    text = (
        f"The account of REDIS_URL may not use {', '.join(missing)} on {ROOT}*. Hand-offs are kept in each process "
        "instead, as while Redis is down, and a restart loses them. Give it the commands: ACL SETUSER … "
        f"{rights} ~{ROOT}*"
    )
    return Remark("error", text)


async def _may(client: Redis, name: str, *args: str) -> bool:
    from redis.exceptions import NoPermissionError, ResponseError

    try:
        await _ask(client, name, *args)
    except NoPermissionError:
        return False
    except ResponseError:
        # The key holds something else by now, or there is no such script.
        return True
    return True


async def _is_read_only(client: Redis) -> bool:
    from redis.exceptions import ReadOnlyError, ResponseError

    try:
        await _ask(client, "SET", *COMMANDS["SET"])
    except ReadOnlyError:
        return True
    except ResponseError:
        return False
    return False


async def _info(client: Redis, section: str) -> dict[str, Any]:
    from redis.exceptions import ResponseError

    try:
        found: dict[str, Any] = await client.info(section)
    except ResponseError:
        return {}
    return found


async def _config(client: Redis, name: str) -> str | None:
    from redis.exceptions import ResponseError

    try:
        found: Any = await client.config_get(name)
    except ResponseError:
        return None
    value = found.get(name)
    return value.decode() if isinstance(value, bytes) else value


async def _ask(client: Redis, *words: str) -> Any:
    untyped: Any = client
    return await untyped.execute_command(*words)


class Rest:
    """The pause of `seconds` before a Redis that has not answered is asked again: each attempt costs a user time."""

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._timer = seconds, timer
        self._until = 0.0
        self.is_owed = False
        """Whether Redis has failed and has not answered since, also where it may be asked again."""

    @property
    def is_on(self) -> bool:
        """Whether Redis is not to be asked now."""
        return self.is_owed and self._timer() < self._until

    def begin(self) -> None:
        """Redis has failed to answer."""
        self.is_owed, self._until = True, self._timer() + self._seconds

    def end(self) -> None:
        """Redis has answered."""
        self.is_owed = False
