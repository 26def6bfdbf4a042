"""The endpoint as an ASGI application. It has one route, so it needs no framework."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from haptik_actions._log import get_logger
from haptik_actions._network import host_of, is_forwarded, is_loopback
from haptik_actions.messages import MessageStore
from haptik_actions.nlg._answer import Call, answer, last_resort

__all__ = ["nlg_app"]

logger = get_logger(__name__)

_MOST_BYTES = 64 * 1024 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_encode = msgspec.json.Encoder().encode


def nlg_app(store: MessageStore, *, token: str | None = None, is_local: bool = False) -> App:
    """Return Rasa's NLG endpoint on the messages of `store`.

    It answers a POST on any path; a GET tells the store's health. With a `token` a caller has to send it as the query
    parameter `token`, as Rasa does with `nlg: {url: …, token: …}`. A well-formed call is always answered with status
    200 and an object that Rasa takes. `is_local` refuses calls under other names than this machine's own, and through a
    proxy: a page of another site can point its own name at this machine, and would read the answer.

    Run alone it starts the store. Mounted below another app it does not: that app has to start the store.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(store, receive, send)
        elif scope["type"] == "http":
            refused = _elsewhere(scope) if is_local else None
            status, content = refused or await _respond(store, token, scope, receive)
            await _send_json(send, status, content)

    return app


async def _respond(store: MessageStore, token: str | None, scope: Scope, receive: Receive) -> tuple[int, Any]:
    if token is not None and not _knows(token, scope):
        return 401, {"error": "The query parameter `token` is missing or wrong."}
    if scope["method"] == "GET":
        health = store.health()
        return 200, {"state": health.state, "since": health.since, "tracking": health.tracking}
    if scope["method"] != "POST":
        return 405, {"error": "Rasa posts."}
    body = await _body(receive)
    if body is None:
        return 413, {"error": "The body is too large."}
    try:
        call = Call.decode(body)
    except (ValueError, RecursionError) as error:
        return 400, {"error": f"This is no call of Rasa: {error}."}
    try:
        # Encoded inside of the try block, so that an answer that cannot be encoded is caught too.
        return 200, msgspec.Raw(_encode(await answer(store, call)))
    except Exception:
        # Catches everything: an answer with another status than 200 would lose the utterance.
        logger.exception("The message %r could not be said.", call.response)
        return 200, last_resort(call.response)


def _elsewhere(scope: Scope) -> tuple[int, Any] | None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if is_loopback(host_of(headers.get("host", ""))) and not is_forwarded(headers):
        return None
    return 403, {"error": "Without a token only this machine may ask, by its own name. Set HAPTIK_NLG_TOKEN."}


def _knows(token: str, scope: Scope) -> bool:
    sent = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
    return hmac.compare_digest(sent.encode(), token.encode())


async def _body(receive: Receive) -> bytes | None:
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > _MOST_BYTES or message["type"] == "http.disconnect":
            return None
    return b"".join(parts)


async def _send_json(send: Send, status: int, content: Any) -> None:
    body = _encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(store: MessageStore, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            store.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await store.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
