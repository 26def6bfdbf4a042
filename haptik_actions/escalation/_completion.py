"""The platform's event that a chat is complete: it ends the episode, and may give the conversation back to the bot.

Names of fields and the signature are those of the platform's documented webhook. It wants 200 within five seconds,
repeats what gets anything else for an hour, and may deliver twice and out of order.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import msgspec

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._outbox import Outbox, chat_of
from haptik_actions.escalation._outbox_redis import RedisOutbox

__all__ = ["CompletedChat", "CompletedChats"]

logger = get_logger(__name__)

# The second one is called deprecated, and is sent beside the first.
_COMPLETE = ("webhook_conversation_complete", "chat_complete")
_SECONDS = 4.0
_MOST_BYTES = 1_000_000
_REDIS_SECONDS = 2.0

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedChat:
    """A chat that its agent, the bot or the platform has completed; `at` is when, in Unix seconds.

    `conversation_no` is None in the deprecated event.
    """

    user_name: str
    business_id: int
    at: float
    conversation_no: int | None = None


class CompletedChats:
    """An ASGI application for the platform's webhook: an episode ends when its chat is complete.

    `secret` is that of the webhook. `on_complete` is awaited then, for giving the conversation back to the bot; it has
    four seconds, and is called again where it fails, so it has to bear repetition. An event that is older than the
    running episode does nothing. Serve it with any ASGI server, or mount it.

    Raises:
        ConfigurationError: the secret is empty: anybody could end episodes.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        secret: str,
        on_complete: Callable[[CompletedChat], Awaitable[None]] | None = None,
    ) -> None:
        if not secret:
            raise ConfigurationError("The webhook's secret is empty. Copy it from where the webhook was set up.")
        self._outbox, self._secret, self._on_complete = outbox, secret, on_complete

    @classmethod
    def from_url(cls, redis_url: str, **options: Any) -> CompletedChats:
        """Return an application on the outbox of the Redis at `redis_url`; `options` as above.

        Raises:
            ConfigurationError: the URL is not one of Redis, or the secret is empty.
        """
        from haptik_actions._redis import connect

        return cls(RedisOutbox(connect(redis_url, seconds=_REDIS_SECONDS)), **options)

    async def take(self, body: bytes, signature: str | None) -> int:
        """Take one event with its header `X-Hub-Signature`, and return the HTTP status to answer with.

        200: done, or nothing to do; 401: the signature is wrong; 400: no event; 500: it should be sent again.
        """
        if not self._is_signed(body, signature):
            return 401
        try:
            chat = _completed(msgspec.json.decode(body))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, RecursionError):
            return 400
        if chat is None:
            return 200
        try:
            async with deadline(_SECONDS):
                await self._end(chat)
        except Exception:
            logger.exception("The end of a chat could not be handled; the platform sends it again.")
            return 500
        return 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI call."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        body = await _body(receive) if scope["method"] == "POST" else None
        signature = dict(scope["headers"]).get(b"x-hub-signature", b"").decode("latin-1")
        status = 405 if scope["method"] != "POST" else 413 if body is None else await self.take(body, signature)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def _is_signed(self, body: bytes, signature: str | None) -> bool:
        wanted = "sha1=" + hmac.new(self._secret.encode(), body, hashlib.sha1).hexdigest()
        return hmac.compare_digest(wanted.encode(), (signature or "").encode())

    async def _end(self, chat: CompletedChat) -> None:
        ended = await self._outbox.end_episode(chat_of(chat.business_id, chat.user_name), before=chat.at)
        if ended and self._on_complete is not None:
            await self._on_complete(chat)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._outbox.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes | None:
    """Return the body; None where it is larger than any event."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > _MOST_BYTES:
            return None
        if not message.get("more_body", False):
            return body


def _completed(event: Any) -> CompletedChat | None:
    if not isinstance(event, dict):
        raise TypeError("an event is an object")
    if event.get("event_name") not in _COMPLETE:
        return None
    data = event.get("data")
    number = data.get("conversation_no") if isinstance(data, dict) else None
    user = event.get("user")
    if not isinstance(user, dict) or not isinstance(user.get("user_name"), str):
        raise TypeError("an event names its user")
    return CompletedChat(
        user_name=user["user_name"],
        business_id=int(event["business_id"]),
        at=_time(event.get("timestamp")),
        conversation_no=number if isinstance(number, int) else None,
    )


def _time(stamp: Any) -> float:
    at = datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
