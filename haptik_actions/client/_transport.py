"""The connection to the platform, and what came back over it.

Which proxy stands between here and the platform is read from HTTPS_PROXY, ALL_PROXY and NO_PROXY as httpx reads them.
"""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Mapping
from importlib.util import find_spec
from ipaddress import ip_address

import httpx
import msgspec

from haptik_actions._log import get_logger
from haptik_actions._network import is_loopback, tls_context
from haptik_actions.client._haptik_server import PlatformServer
from haptik_actions.errors import ConfigurationError, TransportError

__all__ = ["MAX_REPLY_BYTES", "NOTHING_SENT", "Reply", "default_transport", "proxy_for", "was_not_sent"]

logger = get_logger(__name__)

MAX_REPLY_BYTES = 10 * 1024 * 1024
"""10 MiB: no documented answer comes near this; a larger one is not the platform's."""

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Reply(msgspec.Struct, frozen=True):
    """What came back: the HTTP status, the headers and the whole body, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def default_transport(
    server: PlatformServer, *, ca_file: str | os.PathLike[str] | None = None, proxy: str | None = None
) -> httpx.AsyncBaseTransport:
    """Return the transport to `server`: aiohttp's connections, or httpx's own where aiohttp does not know the proxy.

    Raises:
        ConfigurationError: the certificates or the proxy cannot be used.
    """
    # Imported here, so that only those who connect pay for the import.
    from haptik_actions.client._connection import AiohttpTransport

    tls = tls_context(ca_file)
    through = proxy_for(httpx.URL(server.base_url), proxy)
    if through is not None and through.url.scheme != "http":
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        return httpx.AsyncHTTPTransport(verify=tls, proxy=through, limits=limits)
    return AiohttpTransport(tls, through)


def was_not_sent(error: TransportError) -> bool:
    """Tell whether the connection failed before any of the request was sent: then repeating it cannot do it twice."""
    return not error.sent


def proxy_for(url: httpx.URL, given: str | None) -> httpx.Proxy | None:
    """Return the proxy to `url`: `given`, or else that of the environment; None for a direct connection.

    A proxy of the environment is never used for the loopback interface.

    Raises:
        ConfigurationError: the proxy cannot be used; names where it comes from.
    """
    if given:
        return _read(given, "the argument `proxy`, or HTTPS_PROXY")
    found = urllib.request.getproxies()
    for scheme in (url.scheme, "all"):
        if address := found.get(scheme):
            direct = is_loopback(url.host) or _is_excepted(url, found.get("no", ""))
            return None if direct else _read(address, f"{scheme.upper()}_PROXY")
    return None


def _read(address: str, source: str) -> httpx.Proxy:
    # Only the scheme is ever printed: the rest may hold a password.
    try:
        proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
        usable = bool(proxy.url.host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ConfigurationError(f"The proxy is not a URL such as http://proxy.example:3128. Check {source}.")
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise ConfigurationError(
            f"The proxy of {source} is one for SOCKS ({proxy.url.scheme}://), which needs the package socksio. "
            'Install it (pip install "httpx[socks]"), or name an http:// proxy.'
        )
    return proxy


def _is_excepted(url: httpx.URL, no_proxy: str) -> bool:
    return any(_excepts(entry, url) for entry in map(str.strip, no_proxy.split(",")) if entry)


def _excepts(entry: str, url: httpx.URL) -> bool:
    """Tell whether this entry of NO_PROXY means `url`.

    `*` means all. `shop.example` means that host and those below it, `.shop.example` those below it, and with `:8443`
    behind it only this port. An IP address, `localhost`, and what stands behind `https://` mean that host alone.
    """
    try:
        pattern = httpx.URL(_as_pattern(entry))
    except httpx.InvalidURL:
        logger.warning("NO_PROXY names %r, which is no host. It is passed over.", entry)
        return False
    if not (_means(pattern.host, url.host) and pattern.scheme in ("all", url.scheme)):
        if entry.startswith("*.") and url.host.endswith(entry[1:].lower()):
            logger.warning("NO_PROXY names %r. A star in front means no host there: leave it out.", entry)
        return False
    if pattern.port is not None and url.port is None:
        logger.warning("NO_PROXY names %r. To mean HTTPS' own port, leave the port out.", entry)
    return pattern.port is None or pattern.port == url.port


def _as_pattern(entry: str) -> str:
    """Return the entry as httpx writes it for itself, where a star in front of a host means those below it, too."""
    if entry == "*" or "://" in entry:
        return entry if "://" in entry else "all://*"
    if _is_ip(entry.split("/")[0]):
        return f"all://[{entry}]" if ":" in entry else f"all://{entry}"
    return f"all://{entry}" if entry.lower() == "localhost" else f"all://*{entry}"


def _means(pattern: str, host: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    domain = pattern[1:]
    return host == pattern or (pattern.startswith("*") and (host == domain or host.endswith(f".{domain}")))


def _is_ip(text: str) -> bool:
    try:
        return bool(ip_address(text))
    except ValueError:
        return False
