"""How this library connects to Redis: the common subset of redis-py 4.6 to 8."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError

from haptik_actions._namespace import check_namespace
from haptik_actions._redis_url import RedisAddress, read_address

__all__ = ["check_url", "connect", "disconnect"]

_LEAST_PATIENCE = 0.25
"""Seconds for a sentinel: with TLS, and in a process that is busy, an answer takes that long."""


def connect(url: str, *, seconds: float) -> Redis:
    """Return a client whose every step takes at most `seconds`; nothing is sent yet.

    Raises:
        ConfigurationError: the URL or the namespace cannot work. Its text, which may hold a password, is not in the
            message.
    """
    check_namespace()
    address = read_address(url)
    options: dict[str, Any] = {
        **address.options,
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        # From version 6 on redis-py waits and tries again by itself, for seconds. A user is waiting: one repetition,
        # at once, is for the connection that a restarted server has dropped.
        "retry": Retry(NoBackoff(), 1),
        # Version 4 repeats nothing else.
        "retry_on_error": [ConnectionError],
    }
    if address.master is not None:
        return _behind_sentinels(address, options, seconds)
    if address.path is not None:
        return Redis(unix_socket_path=address.path, **options)
    if address.tls:
        options["ssl"] = True
    ((host, port),) = address.hosts
    return Redis(host=host, port=port, **options)


def check_url(url: str | None) -> None:
    """Check what `REDIS_URL` says, without a connection; None is fine.

    Raises:
        ConfigurationError: it cannot work; its text is not in the message.
    """
    if url is not None:
        connect(url, seconds=1.0)


async def disconnect(client: Redis) -> None:
    """Close the client's connections, those to sentinels as well."""
    await _close(client)
    # The client was given this pool, and leaves it open.
    pool = getattr(client, "connection_pool", None)
    manager = getattr(pool, "sentinel_manager", None)
    if pool is not None and manager is not None:
        await pool.disconnect()
        await asyncio.gather(*map(_close, manager.sentinels))


def _behind_sentinels(address: RedisAddress, options: dict[str, Any], seconds: float) -> Redis:
    """Return a client of the server that the sentinels name, asked for again with each new connection."""
    # One that is gone without a word must leave time to ask the others.
    patience = max(seconds / len(address.hosts), _LEAST_PATIENCE)
    tls = {name: value for name, value in address.options.items() if name.startswith("ssl_")}
    own = dict(address.sentinel)
    if own.get("ssl"):
        own |= tls
    own |= {"socket_timeout": patience, "socket_connect_timeout": patience, "retry": Retry(NoBackoff(), 0)}
    if address.tls:
        options["ssl"] = True
    make: Any = Sentinel
    sentinel = make(list(address.hosts), sentinel_kwargs=own, **options)
    client: Redis = sentinel.master_for(address.master or "")
    return client


async def _close(client: Redis) -> None:
    # redis-py renamed the method in 5.0.1 and warns about the old name.
    await getattr(client, "aclose", client.close)()
