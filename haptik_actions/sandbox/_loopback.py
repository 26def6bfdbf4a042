"""Checks that an address or a page belongs to this machine. The sandbox sends to, and takes orders from, no other."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from haptik_actions._network import is_loopback

__all__ = ["OwnNamesOnly", "OwnPagesOnly", "is_loopback_url"]

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_PAGE = frozenset({"none", "same-origin"})

_FOREIGN = JSONResponse({"error": "origin: orders are taken from the sandbox's own pages and from programs"}, 403)

_OTHER_NAME = JSONResponse({"error": "host: the sandbox's page is at 127.0.0.1 or localhost, under no other name"}, 403)


def is_loopback_url(url: str) -> bool:
    """Tell whether this is an http or https address of this machine, without a user name in it."""
    parts = _split(url)
    if parts is None or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        return False
    return url.isascii() and url.isprintable() and " " not in url and is_loopback(parts.hostname)


class OwnPagesOnly:
    """Middleware that answers 403 to requests that a browser sends from another site's page, reading ones apart.

    The control plane has no password: without this any page that is open in the same browser could give orders. The
    page's own host has to be this machine's too, so that no other name can be pointed here. Programs send neither of
    the two headers that are looked at.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_order = scope["type"] == "http" and scope["method"] not in _READING
        await (_FOREIGN if is_order and _is_foreign(Headers(scope=scope)) else self._app)(scope, receive, send)


class OwnNamesOnly:
    """Middleware that answers 403 where page and control plane are asked for under a name that is not this machine's.

    A page of another site can let its own name point here (DNS rebinding); what it reads is then, for a browser, its
    own. The name in the request stays the other site's. Programs that send none are let in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_watched = scope["type"] == "http" and (scope["path"] == "/" or scope["path"].startswith("/_sandbox"))
        is_refused = is_watched and not _names_this_machine(Headers(scope=scope).get("host"))
        await (_OTHER_NAME if is_refused else self._app)(scope, receive, send)


def _names_this_machine(host: str | None) -> bool:
    if host is None:
        return True
    parts = _split(f"//{host}")
    return parts is not None and is_loopback(parts.hostname)


def _is_foreign(headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in _OWN_PAGE
    parts = _split(origin)
    return parts is None or parts.netloc != headers.get("host") or not is_loopback(parts.hostname)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:
        return None
