"""Work on the Redis that the action servers share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from haptik_actions.cli._platform import load_settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["on_redis", "with_redis"]

T = TypeVar("T")

_SECONDS = 5.0


def with_redis(work: Callable[[Redis], Awaitable[T]]) -> T:
    """Return what `work` returns for a connection to `REDIS_URL`, which is closed afterwards.

    Raises:
        ConfigurationError: `REDIS_URL` is missing or not a Redis URL.
        click.ClickException: Redis does not answer.
    """
    from redis.exceptions import RedisError

    url = load_settings().require("redis_url")
    try:
        return on_redis(url, work)
    except (RedisError, OSError) as error:
        raise click.ClickException(f"Redis does not answer ({type(error).__name__}). Check REDIS_URL.") from error


def on_redis(url: str, work: Callable[[Redis], Awaitable[T]]) -> T:
    """Return what `work` returns for a connection to `url`, which is closed afterwards.

    Raises:
        ConfigurationError: the URL cannot work.
        RedisError, OSError: Redis does not answer.
    """
    from haptik_actions._redis import connect, disconnect

    async def run() -> T:
        client = connect(url, seconds=_SECONDS)
        try:
            return await work(client)
        finally:
            await disconnect(client)

    return asyncio.run(run())
