"""How every call is made: signed, within one deadline, repeated where that helps and does no harm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import tenacity

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._version import __version__
from haptik_actions.client._call import Call, may_repeat
from haptik_actions.client._line import Line
from haptik_actions.client._sent import Sent
from haptik_actions.client._server import PlatformServer
from haptik_actions.client._transport import MAX_REPLY_BYTES, Reply, exchange, was_not_sent
from haptik_actions.credentials import CachedCredentials, Credentials
from haptik_actions.errors import AuthenticationError, DeadlineExceeded, HaptikError, RateLimited, TransportError

__all__ = ["Caller", "Read"]

T = TypeVar("T")
Read = Callable[[str, Reply, Callable[[str], str]], T]
"""(endpoint, reply, function that hides secrets in a text) -> result. Raises one of our errors for any other reply."""

_JITTER = tenacity.wait_random_exponential(multiplier=0.25, max=4)


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
        reply = await exchange(transport, self._request(call, credentials, sent), self._limit)
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


def _headers(content_type: str, url: httpx.URL, credentials: Credentials) -> dict[str, Any]:
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
