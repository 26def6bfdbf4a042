"""The events for a webhook: when each is tried, the signed request, and what becomes of it.
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
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions.sandbox._chats import Chat
from haptik_actions.sandbox._faults import Faults
from haptik_actions.sandbox._state import Webhook

if TYPE_CHECKING:
    import httpx

__all__ = ["Courier", "Event", "EventQueue", "EventTry", "outgoing", "sign"]

EventState = Literal["waiting", "delivered", "queued", "dropped", "unsent"]

_RETRY_AFTER = (5, 25, 125, 625, 1410, 1410)
_QUEUED_FOR = 3_600
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTry:
    """One request to the webhook.

    `at` is the sandbox's clock in seconds, `status` the HTTP status, 0 where none came. `problem` says why the try
    failed and is empty where the event was delivered.
    """

    at: float
    status: int
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event and what became of it. `body` is its JSON, `at` the sandbox's clock in seconds.

    `state` is `waiting` (for its first or next try, at `next_try_at`), `delivered`, `queued` (the webhook is disabled;
    the event is dropped at `dropped_at`, if nobody enables it before), `dropped` (at `dropped_at`), or `unsent` (there
    was no webhook).
    """

    id: int
    name: str
    user_name: str
    business_id: int
    at: float
    state: EventState
    body: dict[str, Any]
    tries: tuple[EventTry, ...] = ()
    next_try_at: float | None = None
    dropped_at: float | None = None


class EventQueue:
    """The newest thousand events, and the webhook that they go to.

    A failed event is tried again after 5, 25, 125, 625, 1410 and 1410 seconds. When the last try fails it is dropped
    and the webhook disabled; what is not delivered by then, and what comes later, is queued for an hour.
    """

    def __init__(self, webhook: Webhook | None, clock: Callable[[], float], faults: Faults) -> None:
        self._faults = faults
        self._seeded = webhook
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all events, and return to the webhook of the start, enabled."""
        self.webhook = self._seeded
        self.is_enabled = True
        self._events: dict[int, Event] = {}
        self._ids = count(1)
        self._sending: dict[int, Event] = {}
        # What faults do to events: the later time of a first try, and which events are sent twice.
        self._planned: dict[int, float] = {}
        self._doubled: set[int] = set()

    def set_webhook(self, webhook: Webhook | None) -> None:
        """Send to this webhook from now on, to none when None. It is enabled, as by `enable`."""
        self.webhook = webhook
        self.enable()

    def enable(self) -> None:
        """Enable the webhook; what is queued is tried at once."""
        self.is_enabled = True
        for event in self.events():
            if event.state == "queued":
                self._keep(replace(event, state="waiting", next_try_at=self._clock(), dropped_at=None))

    def disable(self) -> None:
        """Disable the webhook; what waits and what comes is queued for an hour."""
        self.is_enabled = False
        for event in list(self._events.values()):
            if event.state == "waiting":
                self._keep(self._queued(event))

    def add(self, chat: Chat, body: dict[str, Any]) -> Event:
        """Take an event in and return it."""
        event = Event(
            id=next(self._ids),
            name=body["event_name"],
            user_name=chat.user_name,
            business_id=chat.business_id,
            at=self._clock(),
            state="unsent",
            body=body,
        )
        if self.webhook is not None:
            event = self._disturbed(event) if self.is_enabled else self._queued(event)
        self._keep(event)
        if len(self._events) > _KEPT:
            oldest = min(self._events)
            del self._events[oldest]
            self._planned.pop(oldest, None)
            self._doubled.discard(oldest)
        return event

    def events(self) -> list[Event]:
        """Return the kept events, the oldest first."""
        for event in list(self._events.values()):
            if event.dropped_at is not None and event.state == "queued" and event.dropped_at <= self._clock():
                self._keep(replace(event, state="dropped"))
        return list(self._events.values())

    def due(self) -> list[Event]:
        """Return the events whose next try is now and that nobody is sending yet."""
        if self.webhook is None or not self.is_enabled:
            return []
        waiting = [event for event in self._events.values() if event.state == "waiting"]
        # Reads the clock only where something waits: this is called ten times a second, and the clock may be a test's.
        now = self._clock() if waiting else 0.0
        due = [event for event in waiting if (event.next_try_at or 0.0) <= now and event.id not in self._sending]
        return sorted(due, key=lambda event: self._planned.get(event.id, event.at))

    def begin(self, event: Event) -> None:
        """Note that the event is being sent."""
        self._sending[event.id] = event

    def end(self, event: Event, tried: EventTry | None) -> Event:
        """Note what became of a try, None where it was cut off, and return the event as it is now."""
        if self._sending.get(event.id) is not event:
            return event  # The event is from before a reset.
        del self._sending[event.id]
        # The webhook may have been disabled meanwhile, when the last try of another event failed.
        current = self._events.get(event.id, event)
        if tried is not None:
            current = self._after(replace(current, tries=(*current.tries, tried)), tried)
            self._keep(current)
        return current

    def _after(self, event: Event, tried: EventTry) -> Event:
        if not tried.problem and event.id in self._doubled:
            self._doubled.discard(event.id)
            return replace(event, state="waiting", next_try_at=tried.at, dropped_at=None)
        if not tried.problem:
            return replace(event, state="delivered", next_try_at=None, dropped_at=None)
        if len(event.tries) > len(_RETRY_AFTER):
            self.disable()
            return replace(event, state="dropped", next_try_at=None, dropped_at=tried.at)
        if event.state == "waiting":
            return replace(event, next_try_at=round(tried.at + _RETRY_AFTER[len(event.tries) - 1], 6))
        return event

    def _disturbed(self, event: Event) -> Event:
        """Return the event as it waits for its first try, with what faults do to it."""
        fate = self._faults.strike_event()
        if fate.late:
            self._planned[event.id] = round(event.at + fate.late, 6)
        if fate.is_doubled:
            self._doubled.add(event.id)
        return replace(event, state="waiting", next_try_at=self._planned.get(event.id, event.at))

    def _queued(self, event: Event) -> Event:
        return replace(event, state="queued", next_try_at=None, dropped_at=round(self._clock() + _QUEUED_FOR, 6))

    def _keep(self, event: Event) -> None:
        self._events[event.id] = event


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
