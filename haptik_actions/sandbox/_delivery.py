"""Sending events to the webhook: signed requests, and how each answer counts.

Source: Haptik's documentation, Webhooks, "Protocols": any 2xx within five seconds is an answer; everything else, and
no connection, makes the platform try again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions.sandbox._state import Webhook
from haptik_actions.sandbox._webhook import Event, EventQueue, EventTry

if TYPE_CHECKING:
    import httpx

__all__ = ["Courier", "outgoing", "sign"]

_ANSWER_WITHIN = 5.0
_LOOK_EVERY = 0.1


def sign(secret: str, body: bytes) -> str:
    """Return the value of `X-Hub-Signature` for these bytes: `sha1=` and the HMAC-SHA1 in hexadecimal digits."""
    return "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


class Courier:
    """Sends due events to the webhook over `transport`, each chat's in their order. httpx's own transport when None.

    `settle` is called before each look for due events: the time that has passed may have caused some.
    """

    def __init__(
        self,
        queue: EventQueue,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None,
        settle: Callable[[], None],
    ) -> None:
        self._settle = settle
        self._queue = queue
        self._clock = clock
        self._transport = transport

    async def deliver(self) -> list[Event]:
        """Try each event that is due once, and return these events as they are then."""
        self._settle()
        due, webhook = self._queue.due(), self._queue.webhook
        if not due or webhook is None:
            return []
        by_chat: dict[tuple[str, int], list[Event]] = defaultdict(list)
        for event in due:
            self._queue.begin(event)
            by_chat[event.user_name, event.business_id].append(event)
        async with outgoing(self._transport) as transport:
            rounds = [self._carry(events, webhook, transport) for events in by_chat.values()]
            tried = [event for events in await asyncio.gather(*rounds) for event in events]
        return sorted(tried, key=lambda event: event.id)

    async def keep_delivering(self) -> None:
        """Deliver for as long as the task runs."""
        while True:
            await self.deliver()
            await asyncio.sleep(_LOOK_EVERY)

    async def _carry(self, events: list[Event], webhook: Webhook, transport: httpx.AsyncBaseTransport) -> list[Event]:
        carried = []
        waiting = list(events)
        try:
            while waiting:
                tried = await self._try(waiting[0], webhook, transport)
                carried.append(self._queue.end(waiting.pop(0), tried))
        finally:
            for event in waiting:
                self._queue.end(event, None)
        return carried

    async def _try(self, event: Event, webhook: Webhook, transport: httpx.AsyncBaseTransport) -> EventTry:
        import httpx

        at = self._clock()
        try:
            async with deadline(_ANSWER_WITHIN):
                response = await transport.handle_async_request(_request(event, webhook))
                await response.aclose()
        except (DeadlinePassed, httpx.TimeoutException):
            return EventTry(at=at, status=0, problem=f"no answer within {_ANSWER_WITHIN:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return EventTry(at=at, status=0, problem=f"no connection: {str(error) or type(error).__name__}")
        problem = "" if response.is_success else f"answered {response.status_code}"
        return EventTry(at=at, status=response.status_code, problem=problem)


@asynccontextmanager
async def outgoing(transport: httpx.AsyncBaseTransport | None) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """Yield `transport`, or where it is None a new one of httpx's own, which is closed afterwards."""
    if transport is not None:
        yield transport
        return
    import httpx

    # Made anew each time: a test and `serve` may run in different event loops, and a connection belongs to one.
    # Certificates are not checked: the address is always this machine's.
    async with httpx.AsyncHTTPTransport(verify=False) as own:
        yield own


def _request(event: Event, webhook: Webhook) -> httpx.Request:
    import httpx

    content = json.dumps(event.body).encode()
    headers = {"Content-Type": "application/json"}
    if webhook.secret is not None:
        headers["X-Hub-Signature"] = sign(webhook.secret, content)
    timeout = httpx.Timeout(_ANSWER_WITHIN).as_dict()
    return httpx.Request("POST", webhook.url, content=content, headers=headers, extensions={"timeout": timeout})
