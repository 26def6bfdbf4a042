"""What stands in front of the platform's APIs: the journal of requests, and the faults."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from haptik_actions.sandbox._exchange import Exchange
from haptik_actions.sandbox._form import read_form
from haptik_actions.sandbox._journal import JournalEntry
from haptik_actions.sandbox._misbehave import misbehave
from haptik_actions.sandbox._platform import Platform

__all__ = ["Gateway"]


class Gateway:
    """The platform's APIs as one ASGI app. A route's name is the name of its API."""

    def __init__(self, platform: Platform, routes: Sequence[Route]) -> None:
        self._platform = platform
        self._routes = routes
        # A separate app, so that its answers 404 and 405 are in the journal, too.
        self._apis = Starlette(routes=routes)
        # The documented paths end in a slash. Nothing says that the platform redirects a path without one.
        self._apis.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, self._record)
        exchange.endpoint = self._endpoint(scope)
        try:
            exchange.body = await Request(scope, receive).body()
            await misbehave(exchange, self._apis, self._platform.faults.strike(exchange.endpoint))
        except ClientDisconnect:
            return
        finally:
            exchange.record()

    def _endpoint(self, scope: Scope) -> str | None:
        # Two APIs may share a path and differ in the method. A method of neither counts as the first API.
        for wanted in (Match.FULL, Match.PARTIAL):
            for route in self._routes:
                if route.matches(scope)[0] is wanted:
                    return route.name
        return None

    def _record(self, exchange: Exchange) -> None:
        scope, answer = exchange.scope, exchange.answer
        entry = JournalEntry(
            at=self._platform.clock(),
            method=scope["method"],
            path=scope["path"],
            endpoint=exchange.endpoint,
            status=answer.status,
            fault=exchange.fault,
        )
        body = _form(exchange) or exchange.body
        self._platform.journal.add(entry, query=scope["query_string"], body=body, answer=answer.body)


def _form(exchange: Exchange) -> dict[str, str] | None:
    parts = read_form(Headers(scope=exchange.scope).get("content-type", ""), exchange.body)
    return {name: part.content.decode("utf-8", "replace") for name, part in parts.items()} if parts else None
