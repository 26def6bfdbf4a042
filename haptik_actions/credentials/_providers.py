"""Providers: fixed values, the environment, a file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from haptik_actions.config import read_yaml
from haptik_actions.credentials._value import Credentials
from haptik_actions.errors import ConfigurationError

__all__ = ["EnvironmentCredentials", "FileCredentials", "StaticCredentials"]


class StaticCredentials:
    """The same pair for ever: for tests, and where a process is restarted to change it."""

    def __init__(self, *, client_id: str, token: str) -> None:
        self._credentials = Credentials(client_id=client_id, token=token)

    async def get(self) -> Credentials:
        """Return the pair."""
        return self._credentials


@dataclass(frozen=True)
class EnvironmentCredentials:
    """`HAPTIK_CLIENT_ID` and `HAPTIK_TOKEN` of the environment, read anew on each call."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    async def get(self) -> Credentials:
        """Return the pair.

        Raises:
            ConfigurationError: a variable is missing or empty; names it.
        """
        for variable in ("HAPTIK_CLIENT_ID", "HAPTIK_TOKEN"):
            if not self.environ.get(variable, "").strip():
                raise ConfigurationError(f"{variable} is not set. Set this environment variable.")
        return Credentials(client_id=self.environ["HAPTIK_CLIENT_ID"], token=self.environ["HAPTIK_TOKEN"])


@dataclass(frozen=True)
class FileCredentials:
    """A JSON or YAML file with the keys `client_id` and `token`, read anew on each call."""

    path: str | os.PathLike[str]

    async def get(self) -> Credentials:
        """Return the pair.

        Raises:
            ConfigurationError: the file cannot be read or lacks a key; names the file and the key, never a value.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> Credentials:
        content = read_yaml(Path(self.path))
        if not isinstance(content, dict):
            raise ConfigurationError(f"{self.path} must hold the keys `client_id` and `token`.")
        for key in ("client_id", "token"):
            if not isinstance(content.get(key), (str, int)) or not str(content[key]).strip():
                raise ConfigurationError(f"{self.path}: `{key}` is missing or empty. Write it as text.")
        return Credentials(client_id=str(content["client_id"]), token=str(content["token"]))
