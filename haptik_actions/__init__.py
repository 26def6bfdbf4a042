"""haptik-actions: when an integration of a Rasa bot fails, the chat moves to a human agent on Haptik.

    from haptik_actions import escalate_on_error

The names below are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from haptik_actions._version import __version__

if TYPE_CHECKING:
    from haptik_actions.actions import IntegrationAction, configure, escalate_on_error
    from haptik_actions.client import HaptikClient, PlatformServer
    from haptik_actions.config import Settings
    from haptik_actions.credentials import (
        CachedCredentials,
        Credentials,
        EnvironmentCredentials,
        FileCredentials,
        StaticCredentials,
    )
    from haptik_actions.errors import HaptikError
    from haptik_actions.messages import MessageStore

_HOMES = {
    "CachedCredentials": "credentials",
    "Credentials": "credentials",
    "EnvironmentCredentials": "credentials",
    "FileCredentials": "credentials",
    "HaptikClient": "client",
    "HaptikError": "errors",
    "IntegrationAction": "actions",
    "MessageStore": "messages",
    "PlatformServer": "client",
    "Settings": "config",
    "StaticCredentials": "credentials",
    "configure": "actions",
    "escalate_on_error": "actions",
}

__all__ = [
    "CachedCredentials",
    "Credentials",
    "EnvironmentCredentials",
    "FileCredentials",
    "HaptikClient",
    "HaptikError",
    "IntegrationAction",
    "MessageStore",
    "PlatformServer",
    "Settings",
    "StaticCredentials",
    "__version__",
    "configure",
    "escalate_on_error",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
