"""The platform's event that a chat is complete: it ends the episode, and may give the conversation back to the bot.

A second entrance beside the relay's, for those who do not run it; both read events in the same way. The platform wants
200 within five seconds, repeats what gets anything else for an hour and then switches the webhook off, and may deliver
twice and out of order.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.errors import ConfigurationError, RelayAway, UnknownConversation
from haptik_actions.escalation._outbox import Outbox, chat_of
from haptik_actions.escalation._outbox_redis import RedisOutbox
from haptik_actions.relay import Link, PlatformEvent, RelayStore, UnreadableEvent, is_signed, read_event

__all__ = ["CompletedChat", "CompletedChats"]

logger = get_logger(__name__)

_SECONDS = 4.0
_MOST_BYTES = 1_000_000
_REDIS_SECONDS = 2.0

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedChat:
    """A chat that its agent, the bot or the platform has completed; `at` is when, in Unix seconds.

    `user_name` is empty where the event names the user by `auth_id` alone. `sender_id` is the conversation of Rasa that
    was handed over, None where that is not known: in a chat that nobody here handed over, or without Redis.
    `conversation_no` is None in the deprecated event.
    """

    user_name: str
    business_id: int
    at: float
    conversation_no: int | None = None
    auth_id: str | None = None
    sender_id: str | None = None


class CompletedChats:
    """An ASGI application for the platform's webhook: an episode ends when its chat is complete.

    `secret` is that of the webhook. `on_complete` is awaited then, for giving the conversation back to the bot; it has
    four seconds, and is called again where it fails, so it has to bear repetition. `UnknownConversation` is no failure:
    events of chats that nobody here handed over arrive, too. An event that is older than the running episode does
    nothing. `links` tells which conversation a chat belongs to. Serve it with any ASGI server, or mount it.

    Raises:
        ConfigurationError: the secret is empty: anybody could end episodes.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        secret: str,
        on_complete: Callable[[CompletedChat], Awaitable[None]] | None = None,
        links: RelayStore | None = None,
    ) -> None:
        if not secret:
            raise ConfigurationError("The webhook's secret is empty. Copy it from where the webhook was set up.")
        self._outbox, self._secret, self._on_complete = outbox, secret, on_complete
        self._links = links

    @classmethod
    def from_url(cls, redis_url: str, **options: Any) -> CompletedChats:
        """Return an application on the outbox of the Redis at `redis_url`; `options` as above.

        Raises:
            ConfigurationError: the URL is not one of Redis, or the secret is empty.
        """
        from haptik_actions._redis import connect

        links = RelayStore(connect(redis_url, seconds=_REDIS_SECONDS))
        return cls(RedisOutbox(connect(redis_url, seconds=_REDIS_SECONDS)), **{"links": links, **options})

    async def take(self, body: bytes, signature: str | None) -> int:
        """Take one event with its header `X-Hub-Signature`, and return the HTTP status to answer with.

        200: done, or nothing to do; 401: the signature is wrong; 400: no JSON object; 500: it should be sent again.
        """
        if not is_signed(self._secret, body, signature):
            return 401
        await self._note()
        try:
            event = read_event(body)
        except UnreadableEvent:
            return 400
        if event is None or not event.ends_the_chat:
            return 200
        try:
            async with deadline(_SECONDS):
                await self._end(event)
        except UnknownConversation as error:
            logger.info("A chat of business %d is complete that is no conversation here: %s", event.business_id, error)
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

    async def _end(self, event: PlatformEvent) -> None:
        link = await self._link_of(event)
        names = {event.user_name, event.auth_id, link and link.id} - {None}
        chats = [chat_of(event.business_id, str(name)) for name in sorted(map(str, names))]
        # The episode may stand under any of these names, so it is ended under each.
        ended = [await self._outbox.end_episode(chat, before=event.at) for chat in chats]
        if all(ended):
            await self._close(link, event)
            await self._give_back(link, event)

    async def _note(self) -> None:
        if self._links is not None:
            with contextlib.suppress(RelayAway):
                await self._links.note_webhook()

    async def _link_of(self, event: PlatformEvent) -> Link | None:
        if self._links is None:
            return None
        with contextlib.suppress(RelayAway):
            return await self._links.find_chat(event.business_id, event.user_name, event.auth_id)
        return None

    async def _close(self, link: Link | None, event: PlatformEvent) -> None:
        """Without a relay nobody else tells the link that the chat is over."""
        if self._links is not None and link is not None and link.opened_at <= event.at:
            with contextlib.suppress(RelayAway):
                await self._links.update(link.id, state="ended", paused=False)

    async def _give_back(self, link: Link | None, event: PlatformEvent) -> None:
        if self._on_complete is None:
            return
        await self._on_complete(
            CompletedChat(
                user_name=event.user_name or "",
                business_id=event.business_id,
                at=event.at,
                conversation_no=event.conversation_no,
                auth_id=event.auth_id,
                sender_id=None if link is None else link.sender_id,
            )
        )

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._outbox.aclose()
        if self._links is not None:
            await self._links.aclose()
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
