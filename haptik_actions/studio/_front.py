"""The way from the studio's port to its pages, which run in a process of their own.

Rasa's endpoint is answered where the port is, so nothing that editors do (an import, a long preview, a search through
all messages) takes the interpreter from it. What passes here is bytes alone.
"""

from __future__ import annotations

import contextlib
import html
from collections.abc import AsyncIterator

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from haptik_actions._log import get_logger
from haptik_actions.studio._frame import HEADERS

__all__ = ["Front", "behind_front", "beside"]

logger = get_logger(__name__)

# Names of headers that nobody outside can send: they are taken out of what comes in.
_CLIENT, _PORT, _SCHEME = b"x-haptik-front-client", b"x-haptik-front-port", b"x-haptik-front-scheme"
_OWN = frozenset({_CLIENT, _PORT, _SCHEME})
# Of one connection, and this is the end of it.
_HOP = frozenset(
    {b"connection", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"date", b"server"}
)
_AT_ONCE = 64
_CONNECT_SECONDS, _QUEUE_SECONDS = 5.0, 20.0
_AWAY = "The studio's pages are being started again. Reload this page in a few seconds."


def beside(pages: ASGIApp, nlg: ASGIApp) -> ASGIApp:
    """Return an app that answers Rasa at `/nlg` by `nlg`, and everything else by `pages`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        is_rasa = scope["type"] == "http" and (scope["path"] == "/nlg" or scope["path"].startswith("/nlg/"))
        await (nlg if is_rasa else pages)(scope, receive, send)

    return app


class Front:
    """An ASGI app that hands every request on to the app at the Unix socket `path`."""

    def __init__(self, path: str) -> None:
        # No connection is kept: the other side closes an idle one just when it is wanted again.
        limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=0)
        self._transport = httpx.AsyncHTTPTransport(uds=path, limits=limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            response = await self._transport.handle_async_request(_request(scope, receive))
        except httpx.TransportError as error:
            logger.warning("The studio's pages do not answer (%s).", type(error).__name__)
            await _say(send, 503, _AWAY)
            return
        try:
            await _pass_back(response, send)
        finally:
            await response.aclose()

    async def warm_up(self) -> None:
        """Make one request, which loads what the first one needs: a tenth of a second that Rasa would wait for."""
        with contextlib.suppress(httpx.TransportError):
            response = await self._transport.handle_async_request(httpx.Request("GET", "http://pages/favicon.ico"))
            await response.aread()
            await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def behind_front(app: ASGIApp) -> ASGIApp:
    """Return `app` for the other end of a `Front`: it sees the caller's own address, port and scheme."""

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            told = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _OWN}
            headers = [(name, value) for name, value in scope["headers"] if name not in _OWN]
            client = (told[_CLIENT], int(told[_PORT])) if _CLIENT in told else None
            scope = {**scope, "headers": headers, "client": client, "scheme": told.get(_SCHEME, "http")}
        await app(scope, receive, send)

    return behind


def _request(scope: Scope, receive: Receive) -> httpx.Request:
    sent = [(name, value) for name, value in scope["headers"] if name not in _HOP and name not in _OWN]
    has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
    query = scope.get("query_string", b"")
    target = scope["raw_path"] + (b"?" + query if query else b"")
    request = httpx.Request(
        scope["method"],
        httpx.URL(scheme="http", host="pages", raw_path=target),
        headers=[*sent, *_told(scope)],
        content=_body(receive) if has_body else None,
    )
    request.extensions["timeout"] = {"connect": _CONNECT_SECONDS, "pool": _QUEUE_SECONDS, "read": None, "write": None}
    return request


def _told(scope: Scope) -> list[tuple[bytes, bytes]]:
    told = [(_SCHEME, scope["scheme"].encode("latin-1"))]
    if scope.get("client"):
        host, port = scope["client"][:2]
        told += [(_CLIENT, str(host).encode("latin-1", "replace")), (_PORT, str(port).encode())]
    return told


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # The pages shall not take half of a request for a whole one.
            raise httpx.ReadError("The caller has gone.")
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _pass_back(response: httpx.Response, send: Send) -> None:
    headers = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in _HOP]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    async for chunk in response.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _say(send: Send, status: int, words: str) -> None:
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>Studio</title><p>{html.escape(words)}</p></html>"
    framed = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"retry-after", b"5"), *framed]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": page.encode()})
