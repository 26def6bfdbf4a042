"""Redis tells which keys were changed, by whomever: client tracking in broadcasting mode.

One connection of its own per server, in RESP2, which every redis-py speaks: it sends `CLIENT TRACKING ON REDIRECT
<its own id> BCAST PREFIX …` and subscribes to `__redis__:invalidate`. Because it is redirected to itself, tracking and
subscription live and die together: a connection that answers a PING tracks. Tried on Redis 6.2, 7.0 and Valkey 9.
In a cluster each primary tells of its own keys.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._log import get_logger

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Tracking"]

logger = get_logger(__name__)

_CONNECT_SECONDS = 1.0
_PING_SECONDS = 1.0
_PINGS_UNANSWERED = 3
_TOPOLOGY_SECONDS = 1.0
_REFUSED_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
# What a connection of the client's pool is made with, as far as it says where and who.
_CONNECTION_OPTIONS = frozenset(
    {"host", "port", "db", "username", "password", "path", "credential_provider", "connection_pool"}
)

Server = tuple[tuple[str, Any], ...]
"""What tells one server from another: host and port, or the path of a socket."""


class Tracking:
    """Watches every server of `redis` for changes of keys that begin with one of `prefixes`.

    `changed` gets the names of changed keys, or None where anything may have changed. `active` is called with True once
    every server is watched (what was read before may be stale), with False when one no longer is. Both are called in
    the loop that `start` was called in.
    """

    def __init__(
        self,
        redis: Redis,
        prefixes: Sequence[str],
        *,
        changed: Callable[[list[str] | None], None],
        active: Callable[[bool], None],
    ) -> None:
        self._redis, self._prefixes = redis, prefixes
        self._changed, self._tell = changed, active
        self._watchers: dict[Server, asyncio.Task[None]] = {}
        self._watched: set[Server] = set()
        self._supervisor: asyncio.Task[None] | None = None
        self._complained = False
        self.is_active = False

    def start(self) -> None:
        """Begin to watch, in the running loop."""
        if self._supervisor is None:
            self._supervisor = asyncio.get_running_loop().create_task(self._supervise())

    async def aclose(self) -> None:
        """Stop watching and close the connections."""
        tasks = [task for task in (self._supervisor, *self._watchers.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _supervise(self) -> None:
        """Keep one watcher per server; a cluster's servers come and go."""
        from redis.exceptions import RedisError

        while True:
            try:
                servers = await _servers(self._redis)
            except (RedisError, OSError, DeadlinePassed):
                servers = {}
            for server, make in servers.items():
                if server not in self._watchers:
                    self._watchers[server] = asyncio.get_running_loop().create_task(self._watch(server, make))
            for server in [server for server in self._watchers if servers and server not in servers]:
                self._watchers.pop(server).cancel()
                self._unwatched(server)
            self._judge()
            if not _is_cluster(self._redis):
                return
            await asyncio.sleep(_TOPOLOGY_SECONDS)

    async def _watch(self, server: Server, make: Callable[[], Any]) -> None:
        from redis.exceptions import RedisError, ResponseError

        pause = _FIRST_PAUSE
        while True:
            connection = make()
            try:
                await self._set_up(connection)
                pause = _FIRST_PAUSE
                self._watched.add(server)
                self._judge()
                await self._listen(connection)
            except ResponseError as error:
                self._complain(error)
                pause = _REFUSED_SECONDS
            except (RedisError, OSError, DeadlinePassed) as error:
                logger.debug("The watch on changed messages is interrupted: %s.", type(error).__name__)
            finally:
                self._unwatched(server)
                await _drop(connection)
            # Many processes lose the same server at the same moment.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = max(pause, min(pause * 2, _LONGEST_PAUSE))

    async def _set_up(self, connection: Any) -> None:
        prefixes = [word for prefix in self._prefixes for word in ("PREFIX", prefix)]
        async with deadline(_CONNECT_SECONDS):
            await connection.connect()
            own = await _call(connection, "CLIENT", "ID")
            await _call(connection, "CLIENT", "TRACKING", "ON", "REDIRECT", own, "BCAST", *prefixes)
            await _call(connection, "SUBSCRIBE", "__redis__:invalidate")

    async def _listen(self, connection: Any) -> None:
        # Counted, not timed: where this process itself was held up, the answers lie unread.
        unanswered = 0

        async def ping() -> None:
            nonlocal unanswered
            try:
                while unanswered < _PINGS_UNANSWERED:
                    unanswered += 1
                    await connection.send_command("PING")
                    await asyncio.sleep(_PING_SECONDS)
            finally:
                # Where the peer is gone without a word, this ends the reading below.
                await _drop(connection)

        pinger = asyncio.get_running_loop().create_task(ping())
        try:
            while True:
                answer = await connection.read_response()
                unanswered = 0
                if isinstance(answer, list) and answer[0] == b"message":
                    self._changed(None if answer[2] is None else [_text(key) for key in answer[2]])
        finally:
            pinger.cancel()
            await asyncio.gather(pinger, return_exceptions=True)

    def _unwatched(self, server: Server) -> None:
        self._watched.discard(server)
        self._judge()

    def _judge(self) -> None:
        active = bool(self._watchers) and self._watched >= set(self._watchers)
        if active is not self.is_active:
            self.is_active = active
            self._tell(active)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            logger.warning(
                "Redis does not tell of edited messages (%s); they show when the cache's time to live is over. The "
                "user needs the commands CLIENT TRACKING, CLIENT ID and SUBSCRIBE.",
                error,
            )
        self._complained = True


async def _call(connection: Any, *words: Any) -> Any:
    await connection.send_command(*words)
    return await connection.read_response()


async def _drop(connection: Any) -> None:
    try:
        async with deadline(_CONNECT_SECONDS):
            await connection.disconnect()
    except (OSError, DeadlinePassed):
        pass


def _is_cluster(redis: Any) -> bool:
    return hasattr(redis, "get_primaries")


async def _servers(redis: Any) -> dict[Server, Callable[[], Any]]:
    """Return for each server what makes a new connection to it."""
    if not _is_cluster(redis):
        pool = redis.connection_pool
        return _maker(pool.connection_class, pool.connection_kwargs)
    async with deadline(_CONNECT_SECONDS):
        await redis.initialize()
    found: dict[Server, Callable[[], Any]] = {}
    for node in redis.get_primaries():
        options = dict(node.connection_kwargs) | {"host": node.host, "port": node.port}
        found |= _maker(node.connection_class, options)
    return found


def _maker(kind: Callable[..., Any], options: Mapping[str, Any]) -> dict[Server, Callable[[], Any]]:
    import redis

    kept = {name: value for name, value in options.items() if name in _CONNECTION_OPTIONS or name.startswith("ssl")}
    kept["socket_timeout"] = None
    kept["socket_connect_timeout"] = _CONNECT_SECONDS
    # From version 5 on redis-py can speak RESP3, and 8 does unless it is told; there an invalidation is no message.
    version = int(redis.__version__.partition(".")[0])
    if version >= 5:
        kept["protocol"] = 2
    if version >= 7:
        from redis.maint_notifications import MaintNotificationsConfig

        kept["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    server = tuple((name, kept[name]) for name in ("host", "port", "path") if name in kept)
    return {server: lambda: kind(**kept)}


def _text(key: bytes | str) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else key
