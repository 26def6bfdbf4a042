"""The addresses below `/webhooks/haptik/`. The only module that knows how Sanic hands over a request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger
from haptik_actions.channel._integration import MOST_BYTES, NoRequest, read_request
from haptik_actions.errors import RelayAway
from haptik_actions.relay import InboxMessage, Link, is_signed
from haptik_actions.render import render

if TYPE_CHECKING:
    from haptik_actions.channel._haptik_in_front import HaptikInFront
    from haptik_actions.channel._parts import Parts

__all__ = ["routes"]

logger = get_logger(__name__)

_BODY_SECONDS = 10.0
_EVENT_SECONDS = 4.0
"""Haptik waits five for an answer to an event."""
_DRAIN_SECONDS = 10.0


class _Refused(Exception):
    """A request that is answered with an HTTP status and what is wrong with it."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


def routes(
    blueprint: Blueprint, parts: Callable[[], Parts], on_new_message: Callable[[Any], Awaitable[object]]
) -> None:
    """Add the handlers to `blueprint`.

    `parts` gives the parts of the worker that answers; it is called only while a request is handled.
    `on_new_message` takes a `UserMessage` through Rasa, as for every other channel.
    """
    served = _Served(parts, on_new_message)

    # Functions of their own: Sanic writes an attribute into a handler that streams, which a method has no room for.
    async def integration(request: Request, business: str = "") -> HTTPResponse:
        return await _answered(served.integration(request, business))

    async def events(request: Request) -> HTTPResponse:
        return await _answered(served.events(request))

    async def inbox(request: Request, conversation: str) -> HTTPResponse:
        return await _answered(served.inbox(request, conversation))

    async def health(request: Request, business: str = "") -> HTTPResponse:
        return _json({"status": "ok"})

    # Where a handler does not stream, Sanic reads the whole body, up to 100 MB, before it calls it.
    for uri, name in (("/webhook", "webhook"), ("/webhook/<business:str>", "webhook_of_business")):
        blueprint.add_route(integration, uri, methods=["POST"], stream=True, name=name)
        blueprint.add_route(health, uri, methods=["GET"], name=f"{name}_health")
    blueprint.add_route(health, "/", methods=["GET"], name="health")
    blueprint.add_route(events, "/events", methods=["POST"], stream=True, name="events")
    blueprint.add_route(inbox, "/inbox/<conversation:str>", methods=["GET"], name="inbox")
    blueprint.listener("before_server_stop")(served.stop)


class _Served:
    """The handlers. Nothing of a request but its problem is logged: it may hold secrets and what users say."""

    def __init__(self, parts: Callable[[], Parts], on_new_message: Callable[[Any], Awaitable[object]]) -> None:
        self._parts, self._on_new_message = parts, on_new_message
        self._front: HaptikInFront | None = None
        self._told: set[str] = set()

    async def stop(self, *_: object) -> None:
        """Let the turns that go on behind their answers come to their end."""
        if self._front is not None:
            await self._front.aclose(_DRAIN_SECONDS)

    async def integration(self, request: Request, business: str) -> HTTPResponse:
        """Answer an integration request."""
        options = self._parts().options
        business_id = options.business_id if not business else _business_id(business)
        body = await _body(request)
        if options.secret is not None:
            _check_signature(options.secret, body, request)
        elif not options.unsigned:
            self._tell("Integration requests are refused: no `secret` is set. Write the node's into credentials.yml.")
            raise _Refused(401, "no secret is set for integration requests")
        try:
            call = read_request(body, business_id)
        except NoRequest as problem:
            raise _Refused(400, str(problem)) from None
        answer = await self._in_front().answer(call)
        return HTTPResponse(answer.to_json(), content_type="application/json")

    async def events(self, request: Request) -> HTTPResponse:
        """Take an event of the platform's webhook."""
        parts = self._parts()
        secret = parts.options.webhook_secret
        if secret is None:
            raise _Refused(404, "events are not served: no webhook_secret is set")
        body = await _body(request)
        signature = request.headers.get("x-hub-signature")
        if parts.relay is None:
            # Without Redis nothing was handed over in a way that events could tell of. To refuse them would make the
            # platform disable the webhook.
            _check_signature(secret, body, request)
            return _json({})
        async with deadline(_EVENT_SECONDS):
            status = await parts.relay.take(body, signature)
        return _json({}, status)

    async def inbox(self, request: Request, conversation: str) -> HTTPResponse:
        """Give a user what waits, to whoever holds the conversation's token."""
        parts = self._parts()
        if not parts.options.inbox or parts.relay is None or parts.store is None:
            raise _Refused(404, "the inbox is not served: it is switched off")
        link = await parts.store.link(conversation) if conversation.isascii() else None
        # The same answer for another's conversation and for none: it would tell which exist.
        if link is None or not link.token or not compare_digest(link.token.encode(), _token(request)):
            raise _Refused(401, "the token is not that of the conversation")
        messages = await parts.relay.collect(link, _cursor(request.args.get("after")))
        answer = _json({"messages": [_shown(link, message) for message in messages]})
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _in_front(self) -> HaptikInFront:
        # It imports Rasa, which everything else here does without.
        from haptik_actions.channel._haptik_in_front import HaptikInFront

        if self._front is None:
            self._front = HaptikInFront(self._parts, self._on_new_message)
        return self._front

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            logger.error(problem)


async def _answered(work: Awaitable[HTTPResponse]) -> HTTPResponse:
    try:
        return await work
    except _Refused as refused:
        return _json({"error_message": str(refused)}, refused.status)
    except (DeadlinePassed, TimeoutError, RelayAway):
        return _json({"error_message": "what it needs does not answer in time"}, 503)
    except Exception as error:  # noqa: BLE001
        # Without its text, which may hold what a user said.
        logger.error("A request to the Haptik channel failed with %s.", type(error).__name__)
        return _json({"error_message": "it could not be handled"}, 500)


async def _body(request: Request) -> bytes:
    """The raw body, which the signature is for.

    Raises:
        _Refused: it is larger than any request is, or does not come.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:12]) > MOST_BYTES:
        raise _Refused(413, f"the body has more than {MOST_BYTES} bytes")
    body = bytearray()
    try:
        async with deadline(_BODY_SECONDS):
            stream: Any = request.stream
            async for chunk in stream:
                body += chunk
                if len(body) > MOST_BYTES:
                    raise _Refused(413, f"the body has more than {MOST_BYTES} bytes")
    except asyncio.TimeoutError:
        raise _Refused(408, "the body did not come") from None
    return bytes(body)


def _check_signature(secret: str, body: bytes, request: Request) -> None:
    if not is_signed(secret, body, request.headers.get("x-hub-signature")):
        raise _Refused(401, "X-Hub-Signature is not that of the body and the secret")


def _business_id(written: str) -> int:
    if not (written.isascii() and written.isdecimal() and len(written) < 19):
        raise _Refused(404, "the address ends in the number of the business")
    return int(written)


def _shown(link: Link, message: InboxMessage) -> JsonObject:
    """A message as the page of a website shows it: the element, and Rasa's own form of it for the user's channel."""
    saying = message.saying
    said = {"id": saying.id, "author": saying.author, "name": saying.name, "key": saying.key}
    return {
        "number": message.number,
        "at": message.at,
        **{name: value for name, value in said.items() if value is not None},
        "hsl": saying.element.to_hsl(),
        "messages": [dict(one) for one in render(saying.element, link.channel).messages],
    }


def _cursor(written: str | None) -> int | None:
    if written is None:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) < 19):
        raise _Refused(400, "`after` is the number of the last message that was read")
    return int(written)


def _token(request: Request) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    # Sanic keeps bytes that are no text as halves of characters.
    return token.strip().encode(errors="replace") if scheme.lower() == "bearer" else b""


def _json(value: object, status: int = 200) -> HTTPResponse:
    return HTTPResponse(json.dumps(value), status=status, content_type="application/json")
