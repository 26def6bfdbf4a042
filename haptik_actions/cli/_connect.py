"""What commands work on: the settings, the bot's domain, the Redis of the action servers, and the platform."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from haptik_actions.client import HaptikClient

__all__ = ["find_domain", "load_settings", "on_redis", "open_client", "option_or_setting", "with_redis"]


def find_domain(named: Path | None) -> Path | None:
    """Return what was named, or where `rasa` looks in the current folder; None where there is nothing."""
    if named is not None:
        return named
    return next((path for path in (Path("domain"), Path("domain.yml")) if path.exists()), None)


def load_settings() -> Settings:
    """Return the settings as the action server reads them: the environment, then `endpoints.yml` here.

    Raises:
        ConfigurationError: a value cannot work.
    """
    return Settings.load(endpoints=os.environ.get("HAPTIK_ENDPOINTS", "endpoints.yml"))


def option_or_setting(value: object, option: str, settings: Settings, name: str) -> Any:
    """Return what the option was given, or else the setting `name`.

    Raises:
        click.UsageError: there is neither; names both.
    """
    if value is not None:
        return value
    try:
        return settings.require(name)
    except ConfigurationError as missing:
        raise click.UsageError(f"{option} is not given, and {missing}") from missing


def open_client(settings: Settings, *, timeout: float = 8.0) -> HaptikClient:
    """Return a client to close after use; a call may take `timeout` seconds.

    Raises:
        ConfigurationError: the base URL or a part of the credentials is missing or cannot work.
    """
    from haptik_actions.client import HaptikClient, PlatformServer
    from haptik_actions.credentials import StaticCredentials

    server = PlatformServer(settings.require("base_url"))
    messenger = PlatformServer.messenger(settings.messenger_url) if settings.messenger_url else None
    client_id, token = settings.require("client_id"), settings.require("token")
    credentials = StaticCredentials(client_id=client_id, token=token)
    return HaptikClient(server, credentials, messenger=messenger, receiver=settings.receiver, timeout=timeout)


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
