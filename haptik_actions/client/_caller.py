"""How every call is made: signed, within one deadline, repeated where that helps and does no harm.

Errors of httpx and of the transport are translated here and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import tenacity

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._from_outside import JsonObject
from haptik_actions._version import __version__
from haptik_actions.client._call import Call, Sent, may_repeat
from haptik_actions.client._haptik_server import PlatformServer
from haptik_actions.client._transport import MAX_REPLY_BYTES, NOTHING_SENT, Reply, was_not_sent
from haptik_actions.credentials import CachedCredentials, Credentials, CredentialsProvider, CredentialsSelector
from haptik_actions.errors import (
    AuthenticationError,
    DeadlineExceeded,
    HaptikError,
    RateLimited,
    TransportError,
    UnexpectedResponse,
)

__all__ = ["Caller", "Line", "Read"]

T = TypeVar("T")
Read = Callable[[str, Reply, Callable[[str], str]], T]
"""(endpoint, reply, function that hides secrets in a text) -> result. Raises one of our errors for any other reply."""

_JITTER = tenacity.wait_random_exponential(multiplier=0.25, max=4)


class Line:
    """Opens a transport to a server at the first call there, and keeps the credentials in a cache."""

    def __init__(
        self,
        credentials: CredentialsProvider | CredentialsSelector,
        open_transport: Callable[[PlatformServer], httpx.AsyncBaseTransport],
    ) -> None:
        self._credentials, self._open = credentials, open_transport
        self._transports: dict[PlatformServer, httpx.AsyncBaseTransport] = {}
        self._caches: dict[int, CachedCredentials] = {}

    def transport(self, server: PlatformServer) -> httpx.AsyncBaseTransport:
        """Return the transport to that server.

        Raises:
            ConfigurationError: a setting of the connection cannot be used.
        """
        if server not in self._transports:
            self._transports[server] = self._open(server)
        return self._transports[server]

    def cache(self, business_id: int | None) -> CachedCredentials:
        """Return the cache in front of the credentials of that business."""
        chosen = self._credentials
        provider = chosen.select(business_id) if isinstance(chosen, CredentialsSelector) else chosen
        if isinstance(provider, CachedCredentials):
            return provider
        if id(provider) not in self._caches:
            self._caches[id(provider)] = CachedCredentials(provider)
        return self._caches[id(provider)]

    async def aclose(self) -> None:
        """Close the connections. New ones are opened if there is another call."""
        # Both servers may share a transport that the caller gave.
        transports = {id(transport): transport for transport in self._transports.values()}
        self._transports.clear()
        for transport in transports.values():
            await transport.aclose()


class Caller:
    """Makes calls to one server."""

    def __init__(
        self,
        server: PlatformServer,
        line: Line,
        *,
        timeout: float,
        retries: int,
        repeat_refused: bool = True,
        max_reply_bytes: int = MAX_REPLY_BYTES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server, self._line = server, line
        self._timeout, self._retries, self._limit, self._sleep = timeout, retries, max_reply_bytes, sleep
        self._repeat_refused = repeat_refused
        self._urls: dict[str, httpx.URL] = {}
        self._headers: dict[tuple[Credentials, str], httpx.Headers] = {}
        # Connecting may take half of the time, so that a lost first packet leaves time for a second try.
        self._timeouts = {**dict.fromkeys(("read", "write", "pool"), timeout), "connect": timeout / 2}

    async def call(self, call: Call, read: Read[T], *, business_id: int | None = None) -> T:
        """Make the call and return what `read` makes of the reply.

        Raises:
            HaptikError: whatever `read`, the transport and the credentials raise, the last one where it was repeated.
            DeadlineExceeded: the client's time passed.
        """
        ends, sent = asyncio.get_running_loop().time() + self._timeout, Sent()
        try:
            async with deadline(self._timeout):
                cache = self._line.cache(business_id)
                try:
                    return await self._signed(call, read, cache, sent)
                except HaptikError as error:
                    if not (self._retries and self._passes(call, error)):
                        raise
                    return await self._again(call, read, cache, error, ends, sent)
        except DeadlinePassed as error:
            where = f"{call.endpoint} at {self._server.base_url}"
            raise DeadlineExceeded(f"{where} did not finish within {self._timeout:g} s.", sent=sent.begun) from error

    async def _signed(self, call: Call, read: Read[T], cache: CachedCredentials, sent: Sent) -> T:
        credentials = await cache.get()
        try:
            return await self._try(call, read, credentials, sent)
        except AuthenticationError:
            renewed = await cache.renew(credentials)
            if renewed == credentials:
                raise
        return await self._try(call, read, renewed, sent)

    async def _try(self, call: Call, read: Read[T], credentials: Credentials, sent: Sent) -> T:
        transport = self._line.transport(self._server)
        reply = await _exchange(transport, self._request(call, credentials, sent), self._limit)
        return read(call.endpoint, reply, credentials.hide)

    async def _again(
        self, call: Call, read: Read[T], cache: CachedCredentials, error: HaptikError, ends: float, sent: Sent
    ) -> T:
        known: HaptikError | None = error

        async def attempt() -> T:
            nonlocal known
            if known is not None:
                # The first try was made without tenacity, which costs time. Nearly every call ends with it.
                failed, known = known, None
                raise failed
            return await self._signed(call, read, cache, sent)

        def stop(state: tenacity.RetryCallState) -> bool:
            late = asyncio.get_running_loop().time() + state.upcoming_sleep >= ends
            return late or state.attempt_number > self._retries

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda failed: self._passes(call, failed)),
            wait=_wait,
            stop=stop,
            sleep=self._sleep,
            reraise=True,
        )
        return await retrying(attempt)

    def _passes(self, call: Call, error: BaseException) -> bool:
        if not isinstance(error, HaptikError) or (isinstance(error, RateLimited) and not self._repeat_refused):
            return False
        return may_repeat(call, error, sent=not (isinstance(error, TransportError) and was_not_sent(error)))

    def _request(self, call: Call, credentials: Credentials, sent: Sent) -> httpx.Request:
        # Parsing a URL and building headers cost more than the rest of a call, so both are cached.
        target = f"{call.endpoint}?{call.query}" if call.query else call.endpoint
        url = self._urls.get(target)
        if url is None:
            url = self._server.url(target)
            if not call.query:
                self._urls[target] = url
        request = httpx.Request(
            call.method,
            url,
            headers=self._signed_headers(call, url, credentials),
            stream=httpx.ByteStream(call.body),
            extensions={"timeout": self._timeouts, "sent": sent},
        )
        request.headers.encoding = "ascii"
        if call.body:
            request.headers["Content-Length"] = str(len(call.body))
        request.read()
        return request

    def _signed_headers(self, call: Call, url: httpx.URL, credentials: Credentials) -> httpx.Headers:
        key = (credentials, call.content_type)
        if key not in self._headers:
            if len(self._headers) > 100:
                self._headers.clear()
            self._headers[key] = httpx.Headers(_headers(call.content_type, url, credentials))
        return self._headers[key]


async def _exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int = MAX_REPLY_BYTES) -> Reply:
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


def _settle(sent: Sent, transport: httpx.AsyncBaseTransport, error: BaseException) -> None:
    # Only our own transport notes it. With another one a failure counts as sent, unless its class says otherwise.
    if not (getattr(transport, "tells_when_sent", False) or isinstance(error, NOTHING_SENT)):
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


def _headers(content_type: str, url: httpx.URL, credentials: Credentials) -> JsonObject:
    return {
        "Host": url.netloc.decode("ascii"),
        "Authorization": f"Bearer {credentials.token}",
        "client-id": credentials.client_id,
        "Content-Type": content_type,
        "Accept": "application/json",
        "User-Agent": f"haptik-actions/{__version__}",
    }


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return error.retry_after
    return _JITTER(state)
