"""The connection to the platform: one request out, one reply back, foreign errors translated here and nowhere else."""

from __future__ import annotations

import asyncio
import logging

import httpx
import msgspec

from haptik_actions.errors import DeadlineExceeded, TransportError, UnexpectedResponse

__all__ = ["MAX_REPLY_BYTES", "Reply", "default_transport", "exchange"]

logger = logging.getLogger(__name__)

MAX_REPLY_BYTES = 10 * 1024 * 1024
"""No documented answer comes near this; a larger one is not the platform's."""


class Reply(msgspec.Struct, frozen=True):
    """What came back: the HTTP status, the headers and the whole body, decompressed."""

    status: int
    headers: httpx.Headers
    body: bytes


def default_transport() -> httpx.AsyncBaseTransport:
    """Return aiohttp's transport behind httpx's interface: under load several times as fast as httpx's own.

    Beside Rasa Open Source, which pins aiohttp below 3.10, httpx-aiohttp installs and does not import; httpx's own
    transport does the same work there.
    """
    try:
        import aiohttp
        from httpx_aiohttp import AiohttpTransport
    except (ImportError, AttributeError):
        logger.info(
            "httpx-aiohttp does not work with the installed aiohttp (it wants 3.10 or newer); using httpx alone."
        )
        return httpx.AsyncHTTPTransport()
    transport = AiohttpTransport()
    # aiohttp's sessions keep cookies unless told otherwise, and pick up ~/.netrc; neither belongs in an API client.
    connector = aiohttp.TCPConnector(limit=100, ssl=transport.ssl_context)
    transport.client = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
    return transport


async def exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Reply:
    """Send `request` and read the whole reply. Redirects are not followed: the token belongs to one server.

    Raises:
        TransportError: no connection, or it broke.
        DeadlineExceeded: the transport's own time-out passed.
        UnexpectedResponse: the body is larger than `MAX_REPLY_BYTES` or its compression is broken.
    """
    endpoint = request.url.path
    try:
        response = await transport.handle_async_request(request)
        try:
            return Reply(response.status_code, response.headers, await _read(response, endpoint))
        finally:
            await response.aclose()
    except httpx.DecodingError as error:
        raise UnexpectedResponse(
            f"{endpoint} answered with a body that cannot be decompressed.", endpoint=endpoint
        ) from error
    except _foreign_errors() as error:
        if _is_timeout(error):
            raise DeadlineExceeded(f"{endpoint} at {request.url.host} did not answer in time.") from error
        raise TransportError(
            f"{endpoint} at {request.url.host} could not be reached: {type(error).__name__}."
        ) from error


async def _read(response: httpx.Response, endpoint: str) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_REPLY_BYTES:
            raise UnexpectedResponse(
                f"{endpoint} answered {response.status_code} with more than {MAX_REPLY_BYTES} bytes.",
                endpoint=endpoint,
                status=response.status_code,
            )
    return bytes(body)


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
