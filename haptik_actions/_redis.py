"""How this library connects to Redis: the common subset of redis-py 4.6 to 8.

`REDIS_URL` is read before anything connects. redis-py takes any option of a URL and hands it to the connection, which
raises TypeError at the first command where it does not know the name. So every option is read here, and what cannot
work is refused by name.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError

from haptik_actions._namespace import check_namespace
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError

__all__ = ["RedisAddress", "check_url", "connect", "disconnect", "read_address"]

_LEAST_PATIENCE = 0.25
"""Seconds for a sentinel: with TLS, and in a process that is busy, an answer takes that long."""
_FORMS = (
    "Write it as redis://[user:password@]host:6379/0, as rediss://… for TLS, as unix:///path, or as "
    "redis+sentinel://[user:password@]host:26379,host:26379/name-of-the-master/0 (rediss+sentinel://… for TLS)."
)
_ENCODE = "Write special characters of a password percent-encoded, for example %23 for # and %40 for @."
_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel")
_SENTINEL_PORT = 26379
_LEAST_CONNECTIONS = 5


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


class RedisAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where Redis is, and how to connect to it. Nothing of it is for a log: it holds passwords.

    `hosts` are those of the sentinels where `master` is their name for the server; otherwise there is one host, or
    `path`, that of a socket. `options` are arguments of redis-py's connection; `sentinel` those for the sentinels.
    """

    hosts: tuple[tuple[str, int], ...] = ()
    path: str | None = None
    master: str | None = None
    tls: bool = False
    options: Mapping[str, Any]
    sentinel: Mapping[str, Any] = {}


def read_address(url: str) -> RedisAddress:
    """Return what the text of `REDIS_URL` says.

    Raises:
        ConfigurationError: it cannot work; names what to write instead. Its text, which may hold a password, is not in
            the message.
    """
    parts = _split(url)
    given = _options(parts)
    tls = _tls(parts.scheme, given)
    user, password, hosts = _authority(parts)
    options = {name: value for name, value in (("username", user), ("password", password)) if value}
    options |= {name: value for name, value in given.items() if not name.startswith("sentinel_")}
    if parts.scheme == "unix":
        return _socket(parts, options)
    segments = [unquote(segment) for segment in parts.path.split("/")[1:]]
    if parts.scheme.endswith("+sentinel"):
        return _sentinels(hosts, segments, options, given, tls=tls)
    if any(name.startswith("sentinel_") for name in given):
        raise _wrong("has options for sentinels, and is not of the form redis+sentinel://")
    if len(hosts) != 1:
        raise _wrong("names several hosts, which needs the form redis+sentinel://")
    return RedisAddress(hosts=tuple(hosts), tls=tls, options=options | _database(segments, options))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong("is not a Redis URL") from None
    if parts.scheme not in _SCHEMES or not url.lower().startswith(f"{parts.scheme}://"):
        raise _wrong("is not a Redis URL")
    if "#" in url or re.search(r"\s", url):
        raise _wrong("holds a # or a space", _ENCODE)
    if "@" in parts.path + parts.query:
        # What stands before it belongs to a password, and is named nowhere.
        raise _wrong("holds a / or a ? before the @ of its host", _ENCODE)
    return parts


def _wrong(what: str, remedy: str = _FORMS) -> ConfigurationError:
    return ConfigurationError(f"REDIS_URL {what}. {remedy}")


def _authority(parts: SplitResult) -> tuple[str, str, list[tuple[str, int]]]:
    credentials, _, places = parts.netloc.rpartition("@")
    if "@" in credentials:
        raise _wrong("holds more than one @", _ENCODE)
    user, _, password = credentials.partition(":")
    port = _SENTINEL_PORT if parts.scheme.endswith("+sentinel") else 6379
    hosts = [_host(place, port) for place in places.split(",")]
    return unquote(user), unquote(password), hosts


def _host(place: str, default: int) -> tuple[str, int]:
    match = re.fullmatch(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]]*)(?::(\d*))?", place)
    if match is None or (not match[1] and match[2] is not None):
        raise _wrong("has a host or a port that cannot be", f"{_FORMS} {_ENCODE}")
    port = int(match[2]) if match[2] and len(match[2]) < 6 else default if not match[2] else 0
    if not 0 < port <= 65535:
        raise _wrong("has a port that cannot be: it has to be between 1 and 65535")
    return unquote(match[1]).strip("[]") or "localhost", port


def _database(segments: list[str], options: Mapping[str, object]) -> dict[str, int]:
    """Return the database of the path, where it names one."""
    named = [segment for segment in segments if segment]
    if not named:
        return {}
    if len(named) > 1 or not re.fullmatch(r"[0-9]{1,9}", named[0]):
        raise _wrong("has a path that is no number of a database")
    if options.get("db", int(named[0])) != int(named[0]):
        raise _wrong("names two databases")
    return {"db": int(named[0])}


def _socket(parts: SplitResult, options: dict[str, Any]) -> RedisAddress:
    path = unquote(parts.path)
    if parts.netloc.rpartition("@")[2] or path in ("", "/"):
        raise _wrong("names no socket: unix:// is followed by the whole path, which begins with a slash")
    return RedisAddress(path=path, options=options)


def _sentinels(
    hosts: list[tuple[str, int]],
    segments: list[str],
    options: dict[str, Any],
    given: Mapping[str, object],
    *,
    tls: bool,
) -> RedisAddress:
    if not segments or not segments[0]:
        raise _wrong("does not say which master the sentinels watch: its name is the first part of the path")
    own = {name: given[f"sentinel_{name}"] for name in ("username", "password") if given.get(f"sentinel_{name}")}
    return RedisAddress(
        hosts=tuple(hosts),
        master=segments[0],
        tls=tls,
        options=options | _database(segments[1:], options),
        sentinel=own | ({"ssl": True} if given.get("sentinel_ssl", tls) else {}),
    )


def _tls(scheme: str, given: dict[str, Any]) -> bool:
    tls = scheme.startswith("rediss")
    asked = given.pop("ssl", tls)
    if tls and not asked:
        raise _wrong("says rediss:// and ssl=false", "Write redis:// where there is no TLS.")
    if asked and scheme == "unix":
        raise _wrong("asks for TLS on a socket", "Leave ssl=true out.")
    named = next((name for name in given if name.startswith("ssl_")), None)
    if named is not None and not asked:
        raise _wrong(
            f"has the option {named}, and no TLS", f"Write rediss:// instead of redis://, or leave {named} out."
        )
    if given.get("ssl_cert_reqs") == "none":
        # Without it Python refuses to check no certificate.
        given["ssl_check_hostname"] = False
    _load(given)
    return bool(asked)


def _load(given: Mapping[str, Any]) -> None:
    """Read the files that TLS needs: later it would look like a server that does not answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if "ssl_ca_certs" in given:
            context.load_verify_locations(given["ssl_ca_certs"])
    except ssl.SSLError:
        raise _wrong("names in ssl_ca_certs a file without a certificate", "It has to be one in PEM.") from None
    try:
        if "ssl_certfile" in given or "ssl_keyfile" in given:
            context.load_cert_chain(given.get("ssl_certfile", ""), given.get("ssl_keyfile"))
    except OSError:
        remedy = "They have to be in PEM and of one pair, the key without a password."
        raise _wrong("names in ssl_certfile and ssl_keyfile no certificate with its key", remedy) from None


def _options(parts: SplitResult) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in _LEFT_ALONE:
            continue
        read = _READERS.get(name)
        if read is None:
            raise _unknown(name)
        try:
            found[name] = read(value)
        except ValueError as error:
            raise _wrong(f"has an option {name} that cannot work", f"It has to be {error}.") from None
    return found


def _unknown(name: str) -> ConfigurationError:
    known = [*_READERS, *_LEFT_ALONE]
    shown = re.sub(r"[^\w.-]", "?", name)[:40]
    near = nearest(name, known).strip()
    return _wrong(f"has the unknown option {shown}", f"{near} Known are {', '.join(known)}.".strip())


def _text(value: str) -> str:
    if not value:
        raise ValueError("a text that is not empty")
    return value


def _flag(value: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if value.lower() not in words:
        raise ValueError("true or false")
    return words[value.lower()]


def _at_least(least: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < least:
            raise ValueError(f"a whole number, {least} or more")
        return int(value)

    return read


def _reqs(value: str) -> str:
    word = value.lower().removeprefix("cert_")
    if word not in ("none", "optional", "required"):
        raise ValueError("none, optional or required")
    return word


def _file(value: str) -> str:
    try:
        with Path(value).open("rb"):
            return value
    except OSError as error:
        raise ValueError(f"the path of a file that can be read ({error.strerror})") from None


_READERS: Mapping[str, Callable[[str], Any]] = {
    "db": _at_least(0),
    "username": _text,
    "password": _text,
    "client_name": _text,
    "max_connections": _at_least(_LEAST_CONNECTIONS),
    "health_check_interval": _at_least(0),
    "ssl": _flag,
    "ssl_cert_reqs": _reqs,
    "ssl_check_hostname": _flag,
    "ssl_ca_certs": _file,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "sentinel_username": _text,
    "sentinel_password": _text,
    "sentinel_ssl": _flag,
}
_LEFT_ALONE = (
    *("decode_responses", "encoding", "encoding_errors", "protocol"),
    *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "timeout", "retry_on_timeout", "retry_on_error"),
)
"""What other programs on the same URL need. This library reads bytes, and bounds each call by itself."""
