"""The connection to the platform, and what came back over it."""

from __future__ import annotations

import os
from collections.abc import Mapping

import httpx
import msgspec

from haptik_actions._tls import tls_context
from haptik_actions.client._proxy import proxy_for
from haptik_actions.client._server import PlatformServer
from haptik_actions.errors import TransportError

__all__ = ["MAX_REPLY_BYTES", "NOTHING_SENT", "Reply", "default_transport", "was_not_sent"]

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
