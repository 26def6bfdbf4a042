"""The connection to the platform: one request out, one reply back, foreign errors translated here and nowhere else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import httpx
import msgspec

from haptik_actions._tls import tls_context
from haptik_actions.client._proxy import proxy_for
from haptik_actions.client._sent import Sent
from haptik_actions.client._server import PlatformServer
from haptik_actions.errors import DeadlineExceeded, HaptikError, TransportError, UnexpectedResponse

__all__ = ["MAX_REPLY_BYTES", "Reply", "default_transport", "exchange", "was_not_sent"]

MAX_REPLY_BYTES = 10 * 1024 * 1024
"""10 MiB: no documented answer comes near this; a larger one is not the platform's."""

_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


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


async def exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int = MAX_REPLY_BYTES) -> Reply:
    """Send `request` and read the whole reply. Redirects are not followed: the token belongs to one server.

    Raises:
        TransportError: no connection, or it broke.
        DeadlineExceeded: the transport's own time-out passed.
        UnexpectedResponse: the body is larger than `limit` bytes or its compression is broken.
    """
    sent = request.extensions.setdefault("sent", Sent())
    try:
        response = await transport.handle_async_request(request)
        sent.begun = True
        try:
            return Reply(response.status_code, response.headers, await _read(response, request, limit))
        finally:
            await response.aclose()
    except Exception as error:
        _settle(sent, transport, error)
        if isinstance(error, HaptikError):
            raise
        raise _translated(error, request, sent) from error
    except BaseException as error:
        _settle(sent, transport, error)
        raise


def was_not_sent(error: TransportError) -> bool:
    """Tell whether the connection failed before any of the request was sent: then repeating it cannot do it twice."""
    return not error.sent


def _settle(sent: Sent, transport: httpx.AsyncBaseTransport, error: BaseException) -> None:
    # Only our own transport notes it. With another one a failure counts as sent, unless its class says otherwise.
    if not (getattr(transport, "tells_when_sent", False) or isinstance(error, _NOTHING_SENT)):
        sent.begun = True


def _translated(error: Exception, request: httpx.Request, sent: Sent) -> HaptikError:
    # Whatever a transport raises becomes a TransportError, which is temporary: so the hand-off is kept and tried again.
    path = request.url.path
    where = f"{path} at {request.url.host}"
    if isinstance(error, httpx.DecodingError):
        return UnexpectedResponse(f"{path} answered with a body that cannot be decompressed.", endpoint=path)
    if isinstance(error, (httpx.TimeoutException, asyncio.TimeoutError)):
        return DeadlineExceeded(f"{where} did not answer in time.", sent=sent.begun)
    return TransportError(f"{where} could not be reached: {_name(error)}.", sent=sent.begun)


def _name(error: Exception) -> str:
    # The error behind a transport's error often says more.
    return type(error.__cause__ or error).__name__


async def _read(response: httpx.Response, request: httpx.Request, limit: int) -> bytes:
    body = b""
    # Without compression read the stream directly: httpx's layers above it cost as much as the rest of a call.
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
