"""Connections by aiohttp behind httpx's interface: under load several times as fast as httpx's own.

It works with every aiohttp from 3.9 on, which is what Rasa 3.6.21 pins. It follows no redirects, keeps no cookies,
reads nothing but its arguments, and says of every failure whether anything of the request had been sent.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

import aiohttp
import httpx
from multidict import CIMultiDict
from yarl import URL

from haptik_actions.client._call import Sent

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = ["AiohttpTransport"]

_MOST_CONNECTIONS = 100
_PIECE = 64 * 1024
_ENCODINGS = "gzip, deflate"
"""Only what httpx can decompress by itself: aiohttp would also ask for compressions that httpx may not know."""

_current: ContextVar[Sent] = ContextVar("haptik_actions_sent")


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests over at most a hundred connections, which are kept for a while and used again.

    `tls` says which servers are trusted; `proxy` is one for HTTP. Of the request's extension `timeout` it honours
    `connect`, in seconds for a new connection; the caller bounds the rest. A `Sent` in the extension `sent` is told
    when the request begins to leave. It belongs to the event loop of its first request.
    """

    tells_when_sent = True

    def __init__(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None = None) -> None:
        self._tls = tls
        self._proxy = None if proxy is None else str(proxy.url)
        self._for_proxy = _for_proxy(proxy)
        self._session: aiohttp.ClientSession | None = None
        self._urls: dict[str, URL] = {}
        self._timeouts: dict[float | None, aiohttp.ClientTimeout] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the response; its body is read from its stream.

        Raises:
            httpx.ConnectTimeout, httpx.ProxyError, httpx.ConnectError: there is no connection; nothing was sent.
            httpx.TransportError: another: it broke, or what came back is not HTTP.
        """
        sent: Sent = request.extensions.setdefault("sent", Sent())
        _current.set(sent)
        try:
            response = await self._open().request(
                request.method,
                self._url(request),
                headers=self._headers(request),
                data=_body(request),
                allow_redirects=False,
                timeout=self._timeout(request),
                proxy=self._proxy,
                proxy_headers=self._for_proxy or None,
            )
        except _FAILURES as error:
            raise _translated(error, sent) from _without_request(error)
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Stream(response, sent))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=_MOST_CONNECTIONS, ssl=self._tls),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    def _headers(self, request: httpx.Request) -> CIMultiDict[str]:
        headers: CIMultiDict[str] = CIMultiDict()
        for name, value in request.headers.raw:
            text = value.decode("latin-1")
            headers.add(name.decode("ascii"), _Hidden(text) if name.lower() == b"authorization" else text)
        headers.setdefault("Accept-Encoding", _ENCODINGS)
        if self._for_proxy and request.url.scheme == "http":
            # For plain http there is no tunnel: the proxy itself reads the request and needs the headers meant for it.
            headers.update(self._for_proxy)
        return headers

    def _url(self, request: httpx.Request) -> URL:
        # Keep the path as it is: aiohttp would decode and encode it again, and change one with an encoded slash.
        text = str(request.url)
        if text not in self._urls:
            if len(self._urls) > 100:
                self._urls.clear()
            self._urls[text] = URL(text, encoded=True)
        return self._urls[text]

    def _timeout(self, request: httpx.Request) -> aiohttp.ClientTimeout:
        seconds = request.extensions.get("timeout", {}).get("connect")
        if seconds not in self._timeouts:
            self._timeouts[seconds] = aiohttp.ClientTimeout(total=None, sock_connect=seconds)
        return self._timeouts[seconds]


class _Connector(aiohttp.TCPConnector):
    """Notes when a request gets its connection. A failure before that moment has sent nothing."""

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _current.get().begun = True
        return connection


class _Stream(httpx.AsyncByteStream):
    """The body as it comes, compressed if the platform compressed it."""

    def __init__(self, response: aiohttp.ClientResponse, sent: Sent) -> None:
        self._response, self._sent = response, sent

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._response.content.iter_any():
                yield piece
        except _FAILURES as error:
            raise _translated(error, self._sent) from _without_request(error)

    async def aclose(self) -> None:
        # aiohttp takes back a connection whose answer was read whole. Any other cannot be used again.
        self._response.close()


class _Hidden(str):
    """A string without a readable `repr`, so that error collectors that dump the variables of a frame show no token."""

    def __repr__(self) -> str:
        return "'[hidden]'"


def _body(request: httpx.Request) -> bytes | AsyncIterator[bytes] | None:
    content = request.content
    # A large body is sent in pieces: aiohttp warns of one large write, which holds up the event loop.
    return _pieces(content) if len(content) > _PIECE else content or None


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


def _for_proxy(proxy: httpx.Proxy | None) -> dict[str, str]:
    """Return the headers that the proxy alone reads."""
    if proxy is None or proxy.raw_auth is None:
        return {}
    return {"Proxy-Authorization": _Hidden(f"Basic {b64encode(b':'.join(proxy.raw_auth)).decode()}")}


_FAILURES = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


def _translated(error: BaseException, sent: Sent) -> httpx.TransportError:
    words = type(error).__name__
    if isinstance(error, asyncio.TimeoutError):
        return httpx.ReadTimeout(words) if sent.begun else httpx.ConnectTimeout(words)
    if not sent.begun:
        is_proxys = isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError))
        return httpx.ProxyError(words) if is_proxys else httpx.ConnectError(words)
    return (
        httpx.RemoteProtocolError(words) if isinstance(error, aiohttp.ClientResponseError) else httpx.ReadError(words)
    )


def _without_request(error: BaseException) -> BaseException | None:
    # Not chained: aiohttp's error about an answer holds the request, and with it the token.
    return None if isinstance(error, aiohttp.ClientResponseError) else error
