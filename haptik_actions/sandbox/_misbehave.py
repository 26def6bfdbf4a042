"""Carrying out faults on one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from haptik_actions.sandbox import _connection
from haptik_actions.sandbox._exchange import Exchange
from haptik_actions.sandbox._faults import Fault, FaultKind

__all__ = ["misbehave"]


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
    leaving = asyncio.ensure_future(_connection.until_gone(receive))
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
    await _connection.reset(exchange.scope, exchange.receive)


async def _hang(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    await _unanswered(exchange, app, fault)
    await _connection.until_gone(exchange.receive)


async def _unanswered(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    if fault.carried_out:
        await exchange.held_back(app)
    exchange.record()


async def _truncated(exchange: Exchange, app: ASGIApp, fault: Fault) -> None:
    answer = await exchange.held_back(app)
    await exchange.send_start(answer, length=len(answer.body))
    await exchange.send_body(answer.body[: len(answer.body) // 2], more=True)
    exchange.record()
    await _connection.close(exchange.scope, exchange.receive)


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
