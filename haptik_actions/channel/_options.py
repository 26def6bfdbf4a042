"""The settings of Rasa's process.

One part stands under `haptik_actions.channel.HaptikInput:` in `credentials.yml`, the rest in the environment and in
the same `endpoints.yml` that Rasa itself was started with.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from haptik_actions.config import Settings, nearest
from haptik_actions.errors import ConfigurationError

__all__ = ["ChannelOptions", "endpoints_file", "read_settings"]

_HOLD_BACK_SECONDS = 0.3
_MOST_HOLD_BACK_SECONDS = 5.0
_UNFILLED = re.compile(r"\$\{\w+\}|\$[A-Z_]\w*")
_WHERE = "credentials.yml, `haptik_actions.channel.HaptikInput:`"
_ENDPOINTS = "endpoints.yml"
_OPTION = "--endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOptions:
    """How Haptik and Rasa meet in this process. Secrets are not in `repr`.

    Attributes:
        business_id: The business of integration requests whose path names none.
        secret: Of the node that calls the bot. None: integration requests are refused, unless `unsigned`.
        unsigned: Take integration requests without a signature: anybody who reaches the port can write to the bot.
        webhook_secret: Of the platform's webhook. None: its events are not served, and agents' words do not arrive.
        inbox: Serve `inbox/<conversation>` to users of channels that cannot push.
        hold_back: Seconds that an agent's message waits for an earlier one that the network has overtaken.
    """

    business_id: int | None = None
    secret: str | None = field(default=None, repr=False)
    unsigned: bool = False
    webhook_secret: str | None = field(default=None, repr=False)
    inbox: bool = False
    hold_back: float = _HOLD_BACK_SECONDS

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, object] | None) -> ChannelOptions:
        """Read the section; one that is left empty is no mistake.

        Raises:
            ConfigurationError: a key is not known or a value cannot work. The message names it, and never its value.
        """
        if not isinstance(credentials or {}, Mapping):
            raise ConfigurationError(f"{_WHERE} must be a section with keys such as `webhook_secret:`.")
        section = dict(credentials or {})
        for key in section:
            if key not in _READERS:
                raise ConfigurationError(f"{_WHERE}: `{key}` is not known.{nearest(str(key), list(_READERS))}")
        given = {key: value for key, value in section.items() if value not in (None, "")}
        return cls(**{key: _READERS[key](key, value) for key, value in given.items()})


def _number(key: str, value: Any) -> int:
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ConfigurationError(f"{_WHERE}: `{key}` must be a number, that of the business in the Business Manager.")
    return int(value)


def _text(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ConfigurationError(f"{_WHERE}: `{key}` must be text.")
    if _UNFILLED.fullmatch(str(value)):
        # Rasa leaves the name of a variable that is not set as it stands: anybody can guess that "secret".
        raise ConfigurationError(f"{_WHERE}: `{key}` names an environment variable that is not set. Set it.")
    return str(value)


def _switch(key: str, value: object) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ConfigurationError(f"{_WHERE}: `{key}` must be true or false.")
    return value


def _seconds(key: str, value: Any) -> float:
    try:
        seconds = -1.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if not 0 <= seconds <= _MOST_HOLD_BACK_SECONDS:
        raise ConfigurationError(f"{_WHERE}: `{key}` must be seconds from 0 to {_MOST_HOLD_BACK_SECONDS:g}.")
    return seconds


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "business_id": _number,
    "secret": _text,
    "unsigned": _switch,
    "webhook_secret": _text,
    "inbox": _switch,
    "hold_back": _seconds,
}


def read_settings() -> Settings:
    """Read them anew, from the environment and from section `haptik:` of the file.

    Raises:
        ConfigurationError: a value cannot work.
    """
    return Settings.load(endpoints=endpoints_file(sys.argv, os.environ), tolerant=True)


def endpoints_file(words: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the file that HAPTIK_ENDPOINTS or `rasa run --endpoints` names, else that in the working directory."""
    named = environ.get("HAPTIK_ENDPOINTS")
    if named:
        return named
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == _OPTION and following:
            return following
        if word.startswith(f"{_OPTION}="):
            return word.partition("=")[2] or _ENDPOINTS
    return _ENDPOINTS
