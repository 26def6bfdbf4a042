"""What stands in front of the platform's APIs: the journal of requests, and the faults, which are carried out here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from haptik_actions.sandbox._faults import Fault, FaultKind, close, reset, until_gone
from haptik_actions.sandbox._journal import JournalEntry
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._requests import read_form

__all__ = ["Gateway"]


@dataclass(slots=True)
class Answer:
    """An answer as far as it was sent; the status is 0 before it begins."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    async def take(self, message: Message) -> None:
        """Add an ASGI message of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)


class Exchange:
    """One request. `body` is read already; `answer` is what the caller has received.

    `record` is called once with the exchange, before the last part of the answer is sent. So a caller who has the
    answer finds the request in the journal.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, record: Callable[[Exchange], None]) -> None:
        self.scope, self.receive = scope, receive
        self.body = b""
        self.endpoint: str | None = None
        self.fault: str | None = None
        self.answer = Answer()
        self._send = send
        self._record = record
        self._recorded = False

    async def let(self, app: ASGIApp) -> None:
        """Let `app` answer the caller."""
        await app(self.scope, self._replay, self.send)

    async def held_back(self, app: ASGIApp) -> Answer:
        """Let `app` carry the request out, and return its answer instead of sending it."""
        answer = Answer()
        await app(self.scope, self._replay, answer.take)
        return answer

    async def send(self, message: Message) -> None:
        """Pass a message of the answer on to the caller."""
        await self.answer.take(message)
        if self.answer.complete:
            self.record()
        await self._send(message)

    async def send_start(self, answer: Answer, *, length: int) -> None:
        """Send status and headers of an answer that was held back, with `length` as its content length."""
        kept = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
        headers = [*kept, (b"content-length", str(length).encode())]
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def send_body(self, body: bytes, *, more: bool = False) -> None:
        """Send a part of the body, the last one unless there is `more`."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    def record(self) -> None:
        """Put the exchange into the journal, unless it is there already."""
        if not self._recorded:
            self._recorded = True
            self._record(self)

    async def _replay(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}


async def misbehave(exchange: Exchange, app: ASGIApp, faults: list[Fault]) -> None:
    """Answer as `app` would, with `faults` carried out: the first one around the others."""
    if not faults:
        await exchange.let(app)
        return
    fault, rest = faults[0], faults[1:]
    exchange.fault = fault.kind
    if fault.kind == "latency":
        await _late(exchange, app, fault, rest)
    else:
        await _WAYS[fault.kind](exchange, app, fault)


async def _late(exchange: Exchange, app: ASGIApp, fault: Fault, rest: list[Fault]) -> None:
    if fault.carried_out:
        app = await _already(exchange, app)
    if not await _leaves_within(fault.seconds or 0.0, exchange.receive):
        await misbehave(exchange, app, rest)


async def _already(exchange: Exchange, app: ASGIApp) -> ASGIApp:
    """Carry the request out, and return an app that gives the answer to it."""
    answer = await exchange.held_back(app)

    async def replay(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    return replay


async def _leaves_within(seconds: float, receive: Receive) -> bool:
    leaving = asyncio.ensure_future(until_gone(receive))
    try:
        done, _ = await asyncio.wait({leaving}, timeout=seconds)
        return bool(done)
    finally:
        leaving.cancel()


async def _status(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    await exchange.let(_refusal(fault))


async def _unsuccessful(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    await exchange.let(JSONResponse({"success": False}))


async def _reset(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    await _unanswered(exchange, app, fault)
    await reset(exchange.scope, exchange.receive)


async def _hang(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    await _unanswered(exchange, app, fault)
    await until_gone(exchange.receive)


async def _unanswered(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    if fault.carried_out:
        await exchange.held_back(app)
    exchange.record()


async def _truncated(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    answer = await exchange.held_back(app)
    await exchange.send_start(answer, length=len(answer.body))
    await exchange.send_body(answer.body[: len(answer.body) // 2], more=True)
    exchange.record()
    await close(exchange.scope, exchange.receive)


async def _malformed(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    answer = await exchange.held_back(app)
    await exchange.send_start(answer, length=len(answer.body[:-1]))
    await exchange.send_body(answer.body[:-1])


_WAYS: Mapping[FaultKind, Callable[[Exchange, ASGIApp, Fault], Awaitable[None]]] = {
    "status": _status,
    "unsuccessful": _unsuccessful,
    "reset": _reset,
    "hang": _hang,
    "truncated": _truncated,
    "malformed": _malformed,
}


def _refusal(fault: Fault) -> Response:
    code = fault.code or 0
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.message is not None:
        return JSONResponse({"error_message": fault.message}, code, headers)
    return HTMLResponse(_gateway_page(code), code, headers)


def _gateway_page(code: int) -> str:
    known = {status.value: status.phrase for status in HTTPStatus}
    title = f"{code} {'Service Temporarily Unavailable' if code == 503 else known.get(code, '')}".strip()
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )


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
