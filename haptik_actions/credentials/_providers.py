"""The pair that signs a call, and what provides it.

Providers: fixed values, the environment, files, Redis, any function; and several of them as one.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from haptik_actions._log import get_logger
from haptik_actions._namespace import ROOT
from haptik_actions.config import read_yaml
from haptik_actions.errors import ConfigurationError, CredentialsUnavailable, HaptikError

__all__ = [
    "CallableCredentials",
    "ChainCredentials",
    "Credentials",
    "CredentialsByBusiness",
    "CredentialsProvider",
    "CredentialsSelector",
    "EnvironmentCredentials",
    "FileCredentials",
    "RedisCredentials",
    "StaticCredentials",
]

logger = get_logger(__name__)

_NAMES = ("client_id", "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A client id and a token. Neither is shown by `repr`, `str` or a format.

    Raises:
        ConfigurationError: one of them is empty, or holds a character that no HTTP header may carry.
    """

    client_id: str = field(repr=False)
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("client_id", "token"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"The {name} is empty. Set HAPTIK_{name.upper()}, or look at its source.")
            if not (value.strip().isascii() and value.strip().isprintable()):
                raise ConfigurationError(f"The {name} holds a character that no HTTP header can carry. Copy it again.")
            object.__setattr__(self, name, value.strip())

    def hide(self, text: str) -> str:
        """Return `text` with client id and token replaced by stars: replies and errors of others may quote them."""
        return text.replace(self.token, "***").replace(self.client_id, "***")


@runtime_checkable
class CredentialsProvider(Protocol):
    """Anything that can say which credentials are valid now."""

    async def get(self) -> Credentials:
        """Return the current credentials; raise any exception where the source cannot be read."""


@runtime_checkable
class CredentialsSelector(Protocol):
    """Anything that knows which provider signs the calls for a business."""

    def select(self, business_id: int | None) -> CredentialsProvider:
        """Return the provider, always the same one for the same business; None for calls that name no business."""


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


class FileCredentials:
    """A JSON or YAML file with the keys `client_id` and `token`, or a folder with a file of each name.

    A folder is what Kubernetes and Docker mount a secret as. The source is read again when it has changed. A file that
    every user of the machine can read is a warning in the log, once.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self._known: tuple[object, Credentials] | None = None

    def __repr__(self) -> str:
        return f"FileCredentials({os.fspath(self.path)!r})"

    async def get(self) -> Credentials:
        """Return the pair.

        Raises:
            ConfigurationError: the source cannot be read or lacks a key; names the file and the key, never a value.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> Credentials:
        path = Path(self.path)
        stamp = _stamp([path / name for name in _NAMES] if path.is_dir() else [path])
        if self._known is None or self._known[0] != stamp:
            content = _folder(path) if path.is_dir() else read_yaml(path)
            pair = _pair(content, str(path))
            if self._known is None:
                _warn_of_readers(path / "token" if path.is_dir() else path)
            self._known = (stamp, pair)
        return self._known[1]


def _warn_of_readers(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & stat.S_IROTH:
        words = "%s can be read by every user of this machine (mode %03o), and holds Haptik's token. Take mode 600."
        logger.warning(words, path, mode)


class RedisCredentials:
    """A Redis key that holds a JSON object with `client_id` and `token`.

    Keep it out of reach of those who edit messages: a Redis of its own, or an access list that covers the key.
    """

    def __init__(self, url: str, key: str = f"{ROOT}credentials") -> None:
        self._url, self._key = url, key

    def __repr__(self) -> str:
        return f"RedisCredentials(key={self._key!r})"

    async def get(self) -> Credentials:
        """Return the pair.

        Raises:
            CredentialsUnavailable: Redis cannot be read; its error is chained.
            ConfigurationError: the key is missing or holds something else; names the key, never a value.
        """
        import msgspec
        from redis.exceptions import RedisError

        from haptik_actions._redis import connect, disconnect

        client = connect(self._url, seconds=2.0)
        try:
            stored = await client.get(self._key)
        except (RedisError, OSError) as error:
            words = f"The Redis key {self._key} could not be read: {type(error).__name__}."
            raise CredentialsUnavailable(words) from error
        finally:
            await disconnect(client)
        try:
            content = None if stored is None else msgspec.json.decode(stored)
        except (msgspec.DecodeError, UnicodeDecodeError):
            content = None
        return _pair(content, f"The Redis key {self._key}")


@dataclass(frozen=True)
class CallableCredentials:
    """Whatever an async function returns: `Credentials`, or a mapping with `client_id` and `token`.

    async def from_vault():
        secret = await vault.read("kv/haptik")
        return {"client_id": secret["client_id"], "token": secret["token"]}

    credentials = CallableCredentials(from_vault)
    """

    read: Callable[[], Awaitable[Credentials | Mapping[str, Any]]]

    async def get(self) -> Credentials:
        """Return the pair.

        Raises:
            ConfigurationError: the mapping lacks a key; names the function and the key. Errors of the function pass.
        """
        returned = await self.read()
        if isinstance(returned, Credentials):
            return returned
        return _pair(returned, getattr(self.read, "__qualname__", type(self.read).__name__))


class ChainCredentials:
    """The first of several providers that has a pair.

    Raises:
        ConfigurationError: made without a provider.
    """

    def __init__(self, *providers: CredentialsProvider) -> None:
        if not providers:
            raise ConfigurationError("ChainCredentials needs at least one provider.")
        self._providers = providers

    async def get(self) -> Credentials:
        """Return the pair of the first provider that has one.

        Raises:
            CredentialsUnavailable: none has one, and for at least one that may pass; says why for each.
            ConfigurationError: none has one, and that will not pass by itself; says why for each.
        """
        reasons: list[str] = []
        temporary = False
        for provider in self._providers:
            try:
                return await provider.get()
            except HaptikError as error:
                reasons.append(f"{type(provider).__name__}: {error}")
                temporary = temporary or error.temporary
            except Exception as error:  # noqa: BLE001 - any source may fail in its own way; the next one is asked
                # Only the class is named: the words of a foreign error may quote the secret.
                reasons.append(f"{type(provider).__name__}: {type(error).__name__}")
                temporary = True
        words = f"No provider has credentials. {' '.join(reasons)}"
        raise CredentialsUnavailable(words) if temporary else ConfigurationError(words)


class CredentialsByBusiness:
    """A provider per business id, for a bot that serves several partners of Haptik.

    `default` signs calls for other businesses and those that name none (FAQ nodes, transcripts by pxut).
    """

    def __init__(
        self, providers: Mapping[int, CredentialsProvider], *, default: CredentialsProvider | None = None
    ) -> None:
        self._providers = {int(business_id): provider for business_id, provider in providers.items()}
        self._default = default

    def select(self, business_id: int | None) -> CredentialsProvider:
        """Return the provider for a business.

        Raises:
            ConfigurationError: there is none and no default; names the business.
        """
        provider = self._default if business_id is None else self._providers.get(int(business_id), self._default)
        if provider is None:
            which = "calls that name no business" if business_id is None else f"business {business_id}"
            raise ConfigurationError(f"There are no credentials for {which}. Add a provider for it, or a `default`.")
        return provider


def _stamp(paths: list[Path]) -> object:
    # A mounted secret is replaced by switching a link, often within one second. The inode shows it, the time may not.
    stats = [path.stat() if path.exists() else None for path in paths]
    return [s and (s.st_ino, s.st_mtime_ns, s.st_size) for s in stats]


def _folder(path: Path) -> dict[str, str]:
    return {name: _text(path / name) for name in _NAMES if (path / name).is_file()}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        message = f"{path} is not text in UTF-8. Write the secret into it again."
    except OSError as error:
        message = f"{path}: {error.strerror or 'the file cannot be read'}. Check that it can be read."
    # Raised outside of the handler, so that no UnicodeDecodeError is chained: it holds the bytes of the secret.
    raise ConfigurationError(message)


def _pair(content: object, source: str) -> Credentials:
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{source} must hold the keys `client_id` and `token`.")
    for key in _NAMES:
        value = content.get(key)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or not str(value).strip():
            raise ConfigurationError(f"{source}: `{key}` is missing or empty. Write it as text.")
    return Credentials(client_id=str(content["client_id"]), token=str(content["token"]))
