"""The connection to the platform: one request out, one reply back, foreign errors translated here and nowhere else."""

from __future__ import annotations

import asyncio
import os
import ssl
import urllib.request
from collections.abc import Mapping

import httpx
import msgspec

from haptik_actions._log import get_logger
from haptik_actions._loopback import is_loopback
from haptik_actions.client._server import PlatformServer
from haptik_actions.errors import ConfigurationError, DeadlineExceeded, TransportError, UnexpectedResponse

__all__ = ["MAX_REPLY_BYTES", "Reply", "default_transport", "exchange", "was_not_sent"]

logger = get_logger(__name__)

MAX_REPLY_BYTES = 10 * 1024 * 1024
"""10 MiB: no documented answer comes near this; a larger one is not the platform's."""


class Reply(msgspec.Struct, frozen=True):
    """What came back: the HTTP status, the headers and the whole body, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def default_transport(
    server: PlatformServer, *, ca_file: str | os.PathLike[str] | None = None, proxy: str | None = None
) -> httpx.AsyncBaseTransport:
    """Return aiohttp's transport behind httpx's interface: under load several times as fast as httpx's own.

    Beside Rasa Open Source, which pins aiohttp below 3.10, httpx-aiohttp installs and does not import; httpx's own
    transport does the same work there.

    Raises:
        ConfigurationError: `ca_file` or `proxy` cannot be used.
    """
    tls = _tls(ca_file)
    through = _proxy(server, proxy)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    try:
        import aiohttp
        from httpx_aiohttp import AiohttpTransport
    except (ImportError, AttributeError):
        logger.info(
            "httpx-aiohttp does not work with the installed aiohttp (it wants 3.10 or newer); using httpx alone."
        )
        return httpx.AsyncHTTPTransport(verify=tls, proxy=through, limits=limits)
    # aiohttp's sessions keep cookies unless told otherwise, which does not belong in an API client.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limits.max_connections or 0, ssl=tls),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return AiohttpTransport(verify=tls, proxy=through, client=session)


async def exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int = MAX_REPLY_BYTES) -> Reply:
    """Send `request` and read the whole reply. Redirects are not followed: the token belongs to one server.

    Raises:
        TransportError: no connection, or it broke.
        DeadlineExceeded: the transport's own time-out passed.
        UnexpectedResponse: the body is larger than `limit` bytes or its compression is broken.
    """
    try:
        response = await transport.handle_async_request(request)
        try:
            return Reply(response.status_code, response.headers, await _read(response, request, limit))
        finally:
            await response.aclose()
    except httpx.DecodingError as error:
        path = request.url.path
        raise UnexpectedResponse(f"{path} answered with a body that cannot be decompressed.", endpoint=path) from error
    except _foreign_errors() as error:
        where = f"{request.url.path} at {request.url.host}"
        if _is_timeout(error):
            raise DeadlineExceeded(f"{where} did not answer in time.") from error
        raise TransportError(f"{where} could not be reached: {type(error.__cause__ or error).__name__}.") from error


def was_not_sent(error: TransportError) -> bool:
    """Tell whether the connection failed before any of the request left, so that repeating it cannot do it twice."""
    cause = error.__cause__
    if cause is not None and type(cause.__cause__).__module__.startswith("aiohttp"):
        # httpx-aiohttp reports a connection that dropped later as ConnectTimeout, too.
        from aiohttp import ClientConnectorError

        return isinstance(cause.__cause__, ClientConnectorError)
    return isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))


async def _read(response: httpx.Response, request: httpx.Request, limit: int) -> bytes:
    body = b""
    # The stream itself where there is nothing to decompress: httpx's layers above it cost as much as the rest.
    parts = response.aiter_bytes() if "content-encoding" in response.headers else response.stream
    assert not isinstance(parts, httpx.SyncByteStream) or isinstance(parts, httpx.AsyncByteStream)
    async for part in parts:
        body += part
        if len(body) > limit:
            path = request.url.path
            raise UnexpectedResponse(
                f"{path} answered {response.status_code} with more than {limit} bytes.",
                endpoint=path,
                status=response.status_code,
            )
    return body


def _tls(ca_file: str | os.PathLike[str] | None) -> ssl.SSLContext:
    if ca_file is None:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"The CA file {os.fspath(ca_file)} cannot be used ({error.strerror or error}). Name a file in PEM format."
        ) from error


def _proxy(server: PlatformServer, given: str | None) -> httpx.Proxy | None:
    url = httpx.URL(server.base_url)
    if given is None and not is_loopback(url.host) and not urllib.request.proxy_bypass(url.host):
        given = urllib.request.getproxies().get(url.scheme)
    if not given:
        return None
    try:
        return httpx.Proxy(given if "://" in given else f"http://{given}")
    except (ValueError, httpx.InvalidURL):
        raise ConfigurationError(
            "The proxy is not a URL such as http://proxy.example:3128. Check HTTPS_PROXY."
        ) from None


def _foreign_errors() -> tuple[type[Exception], ...]:
    try:
        from aiohttp import ClientError
    except ImportError:
        return (httpx.HTTPError, httpx.StreamError, OSError)
    # httpx-aiohttp translates most of aiohttp's errors; what it leaves (a malformed status line, say) ends here.
    return (httpx.HTTPError, httpx.StreamError, OSError, ClientError)


def _is_timeout(error: BaseException) -> bool:
    # httpx-aiohttp reports a dropped connection as ConnectTimeout; its cause tells the two apart.
    cause = error.__cause__
    if cause is not None and type(cause).__module__.startswith("aiohttp"):
        return isinstance(cause, asyncio.TimeoutError)
    return isinstance(error, (httpx.TimeoutException, asyncio.TimeoutError))
