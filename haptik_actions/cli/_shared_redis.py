"""Work on the Redis that the action servers share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from haptik_actions.cli._platform import load_settings

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["with_redis"]

T = TypeVar("T")


def with_redis(work: Callable[[Redis], Awaitable[T]]) -> T:
    """Return what `work` returns for a connection to `REDIS_URL`, which is closed afterwards.

    Raises:
        ConfigurationError: `REDIS_URL` is missing or not a Redis URL.
        click.ClickException: Redis does not answer.
    """
    from redis.exceptions import RedisError

    from haptik_actions._redis import connect, disconnect

    url = load_settings().require("redis_url")

    async def run() -> T:
        client = connect(url, seconds=5.0)
        try:
            return await work(client)
        finally:
            await disconnect(client)

    try:
        return asyncio.run(run())
    except (RedisError, OSError) as error:
        raise click.ClickException(f"Redis does not answer ({type(error).__name__}). Check REDIS_URL.") from error
