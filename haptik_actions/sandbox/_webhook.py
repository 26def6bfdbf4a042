"""The events that wait for a webhook: when each is tried, and what becomes of it. No I/O; time is the sandbox's clock.

Source: Haptik's documentation, Webhooks, "Protocols".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

from haptik_actions.sandbox._chats import Chat
from haptik_actions.sandbox._faults import Faults
from haptik_actions.sandbox._state import Webhook

__all__ = ["Event", "EventQueue", "EventState", "EventTry"]

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
