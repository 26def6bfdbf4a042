"""How this library connects to Redis: the common subset of redis-py 4.6 to 8."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from haptik_actions.errors import ConfigurationError

__all__ = ["connect", "disconnect"]


def connect(url: str, *, seconds: float) -> Redis:
    """Return a client whose every step takes at most `seconds`; nothing is sent yet.

    Raises:
        ConfigurationError: the URL is not one of Redis. Its text, which may hold a password, is not in the message.
    """
    options: dict[str, Any] = {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        # From version 6 on redis-py waits and tries again by itself, for seconds. A user is waiting: one repetition,
        # at once, is for the connection that a restarted server has dropped.
        "retry": Retry(NoBackoff(), 1),
    }
    try:
        return Redis.from_url(url, **options)
    except ValueError:
        raise ConfigurationError(
            "REDIS_URL is not a Redis URL. Write it as redis://host:6379/0, rediss://… for TLS or unix:///path."
        ) from None


async def disconnect(client: Redis) -> None:
    """Close the client's connections."""
    # redis-py renamed the method in 5.0.1 and warns about the old name.
    await getattr(client, "aclose", client.close)()
