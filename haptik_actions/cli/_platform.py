"""The settings and the client of the commands that call the platform."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from haptik_actions.client import HaptikClient

__all__ = ["load_settings", "open_client", "option_or_setting"]


def load_settings() -> Settings:
    """Return the settings as the action server reads them: the environment, then `endpoints.yml` here.

    Raises:
        ConfigurationError: a value cannot work.
    """
    return Settings.load(endpoints=os.environ.get("HAPTIK_ENDPOINTS", "endpoints.yml"))


def option_or_setting(value: Any, option: str, settings: Settings, name: str) -> Any:
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
