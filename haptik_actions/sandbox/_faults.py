"""Faults: what goes wrong between the platform and its callers, where, how often and how likely.

Some of them break connections: the real one over a socket; in process by an exception that the transport translates.
ASGI knows no way to end a connection without an answer. `Connections` adds one as the extension
`haptik_actions.connection` of the scope: the server's protocol class tells which socket belongs to which caller.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from random import Random
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._journal import Endpoint, check_endpoint

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "EVENT_KINDS",
    "Connections",
    "Fate",
    "Fault",
    "FaultKind",
    "Faults",
    "aimed",
    "close",
    "reset",
    "until_gone",
]

FaultKind = Literal[
    "latency",
    "status",
    "unsuccessful",
    "reset",
    "hang",
    "truncated",
    "malformed",
    "event_late",
    "event_shuffled",
    "event_doubled",
]
EVENT_KINDS: frozenset[FaultKind] = frozenset({"event_late", "event_shuffled", "event_doubled"})
"""The kinds of fault that strike events for the webhook, and no request."""

_BELONGS: Mapping[str, frozenset[str]] = {
    "latency": frozenset({"seconds", "carried_out"}),
    "status": frozenset({"code", "message", "retry_after"}),
    "reset": frozenset({"carried_out"}),
    "hang": frozenset({"carried_out"}),
    "event_late": frozenset({"seconds"}),
    "event_shuffled": frozenset({"seconds"}),
}
_OF_EVERY_KIND = frozenset({"kind", "times", "probability", "seed"})
_TIMED = frozenset({"latency", "event_late", "event_shuffled"})
_LONGEST_LATENCY = 3_600


class When(TypedDict, total=False):
    """When a fault strikes: at most `times` requests; each with `probability`, drawn from a generator with `seed`."""

    times: int | None
    probability: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. Build it with a named constructor; a state file writes the same fields.

    `endpoint` is the API that it strikes, every path of the platform when None. It strikes `times` requests, or all
    until it is cleared when None; each with `probability` (0 to 1), drawn from an own generator that starts with
    `seed`, so that the same requests in the same order meet the same faults.

    Raises `ConfigurationError` for a field that cannot work, or that means nothing to the kind.
    """

    kind: FaultKind
    endpoint: Endpoint | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    code: int | None = None
    message: str | None = None
    retry_after: int | None = None
    carried_out: bool = False

    def __post_init__(self) -> None:
        if self.endpoint is not None:
            check_endpoint(self.endpoint)
        for name, problem in self._problems():
            raise ConfigurationError(f"{name}: {problem}")

    @classmethod
    def latency(cls, seconds: float, *, carried_out: bool = False, **when: Unpack[When]) -> Fault:
        """Answer `seconds` late, of real time. A caller who leaves before is not served, unless `carried_out`."""
        return cls(kind="latency", seconds=seconds, carried_out=carried_out, **when)

    @classmethod
    def status(cls, code: int, message: str | None = None, **when: Unpack[When]) -> Fault:
        """Answer with an HTTP status and a gateway's HTML page, or with `message` as the platform's `error_message`."""
        return cls(kind="status", code=code, message=message, **when)

    @classmethod
    def rate_limited(cls, retry_after: int | None = None, **when: Unpack[When]) -> Fault:
        """Answer 429, with the header `Retry-After` in seconds where it is given."""
        return cls(kind="status", code=429, message="too many requests", retry_after=retry_after, **when)

    @classmethod
    def unsuccessful(cls, **when: Unpack[When]) -> Fault:
        """Answer 200 with `{"success": false}` and do nothing."""
        return cls(kind="unsuccessful", **when)

    @classmethod
    def reset(cls, *, carried_out: bool = False, **when: Unpack[When]) -> Fault:
        """Break the connection without an answer; with `carried_out` after doing what was asked."""
        return cls(kind="reset", carried_out=carried_out, **when)

    @classmethod
    def hang(cls, *, carried_out: bool = False, **when: Unpack[When]) -> Fault:
        """Never answer; with `carried_out` after doing what was asked."""
        return cls(kind="hang", carried_out=carried_out, **when)

    @classmethod
    def truncated(cls, **when: Unpack[When]) -> Fault:
        """Do what was asked, send half of the answer's body, and close the connection."""
        return cls(kind="truncated", **when)

    @classmethod
    def malformed(cls, **when: Unpack[When]) -> Fault:
        """Do what was asked and leave the last byte of the answer out, so that it is no JSON; its length is right."""
        return cls(kind="malformed", **when)

    @classmethod
    def event_late(cls, seconds: float, **when: Unpack[When]) -> Fault:
        """Send an event to the webhook only `seconds` after it happened, of the sandbox's clock."""
        return cls(kind="event_late", seconds=seconds, **when)

    @classmethod
    def event_shuffled(cls, seconds: float = 0.5, **when: Unpack[When]) -> Fault:
        """Send each event late by another part of `seconds`, so that near ones arrive out of order."""
        return cls(kind="event_shuffled", seconds=seconds, **when)

    @classmethod
    def event_doubled(cls, **when: Unpack[When]) -> Fault:
        """Send an event to the webhook once more after it was answered."""
        return cls(kind="event_doubled", **when)

    def _problems(self) -> Iterable[tuple[str, str]]:
        of_requests = frozenset() if self.kind in EVENT_KINDS else frozenset({"endpoint"})
        allowed = _OF_EVERY_KIND | of_requests | _BELONGS.get(self.kind, frozenset())
        for field in fields(self):
            if field.name not in allowed and getattr(self, field.name) != field.default:
                yield field.name, f"means nothing to a fault of the kind {self.kind}. Leave it out"
        if self.times is not None and self.times < 1:
            yield "times", f"{self.times} is not 1 or more. Leave it out for a fault without end"
        if not 0 < self.probability <= 1:
            yield "probability", f"{self.probability} is not above 0 and at most 1"
        if self.kind in _TIMED and not _is_wait(self.seconds):
            yield "seconds", f"{self.seconds} is not a number of seconds from 0 to {_LONGEST_LATENCY}"
        if self.kind == "status" and not (self.code is not None and 200 <= self.code <= 599):
            yield "code", f"{self.code} is not an HTTP status from 200 to 599"
        if self.retry_after is not None and self.retry_after < 0:
            yield "retry_after", f"{self.retry_after} is not a number of seconds, 0 or more"


def _is_wait(seconds: float | None) -> bool:
    return seconds is not None and math.isfinite(seconds) and 0 <= seconds <= _LONGEST_LATENCY


_OUTAGE = Fault.status(503)


class _Active:
    """An active fault, with the number of times that it may still strike."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.struck = 0
        self._random = Random(fault.seed)

    def strikes(self, endpoint: str | None) -> bool:
        return self.fault.endpoint in (None, endpoint) and self.strikes_at_all()

    def strikes_at_all(self) -> bool:
        if self.struck == self.fault.times:
            return False
        if self.fault.probability < 1 and self._random.random() >= self.fault.probability:
            return False
        self.struck += 1
        return True

    def late(self) -> float:
        """Return by how many seconds an event is late that this strikes."""
        seconds = self.fault.seconds or 0.0
        return seconds * self._random.random() if self.fault.kind == "event_shuffled" else seconds


@dataclass(frozen=True, slots=True)
class Fate:
    """What faults do to one event: send it `late` by this many seconds, and perhaps twice."""

    late: float = 0.0
    is_doubled: bool = False


class Faults:
    """The faults of a platform, in the order in which they were added; `seeded` ones are there from the start."""

    def __init__(self, seeded: Iterable[Fault] = ()) -> None:
        self._seeded = tuple(seeded)
        self.reset()

    def add(self, fault: Fault, *, first: bool = False) -> None:
        """Let `fault` strike from now on, after all others or before them."""
        self._active.insert(0 if first else len(self._active), _Active(fault))

    def strike(self, endpoint: str | None) -> list[Fault]:
        """Return the faults that strike one request: all latencies, and the first other one."""
        latencies: list[Fault] = []
        others: list[Fault] = []
        for active in self._active:
            if active.fault.kind in EVENT_KINDS:
                continue
            is_latency = active.fault.kind == "latency"
            # A fault that does not apply to the request is not counted and draws no random number.
            if (is_latency or not others) and active.strikes(endpoint):
                (latencies if is_latency else others).append(active.fault)
        return latencies + others

    def strike_event(self) -> Fate:
        """Return what faults do to one event. Their delays add up."""
        late, is_doubled = 0.0, False
        for active in self._active:
            if active.fault.kind in EVENT_KINDS and active.strikes_at_all():
                late += active.late()
                is_doubled |= active.fault.kind == "event_doubled"
        return Fate(late, is_doubled)

    def listed(self) -> list[dict[str, Any]]:
        """Return each fault's fields that are not the defaults, how often it `struck`, and whether it is `spent`."""
        return [_listed(active) for active in self._active]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._active: list[_Active] = []

    def reset(self) -> None:
        """Return to the seeded faults, none of which has struck yet."""
        self._active = [_Active(fault) for fault in self._seeded]

    @property
    def outage(self) -> bool:
        """Whether each request to each path is answered 503."""
        return any(active.fault == _OUTAGE for active in self._active)

    @outage.setter
    def outage(self, down: bool) -> None:
        self._active = [active for active in self._active if active.fault != _OUTAGE]
        if down:
            self.add(_OUTAGE, first=True)


def _listed(active: _Active) -> dict[str, Any]:
    fault = active.fault
    changed = {f.name: getattr(fault, f.name) for f in fields(fault) if getattr(fault, f.name) != f.default}
    return {**changed, "struck": active.struck, "spent": active.struck == fault.times}


def aimed(fault: Fault, endpoint: Endpoint | None) -> Fault:
    """Return `fault` for one API, or as it is where `endpoint` is None."""
    return fault if endpoint is None else replace(fault, endpoint=endpoint)


_EXTENSION = "haptik_actions.connection"
# SO_LINGER with a time of 0: closing the socket then resets the connection (RFC 9293, 3.10.4).
_NO_LINGER = struct.pack("ii", 1, 0)


class Connections:
    """The open connections of one server: give it `protocol`, and let it serve what `around` returns."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}
        self.protocol: type[asyncio.Protocol] = _protocol(self._open)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return `app` with the caller's connection in the scope's extensions."""

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            connection = self._open.get(tuple(scope.get("client") or ()))
            extensions = {**(scope.get("extensions") or {}), _EXTENSION: connection}
            await app({**scope, "extensions": extensions}, receive, send)

        return with_connection


def _protocol(opened: dict[tuple[str, int], asyncio.Transport]) -> type[asyncio.Protocol]:
    # uvicorn makes the protocol objects itself, so the class has to carry the registry.
    class Registered(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        def connection_made(self, transport: asyncio.Transport) -> None:
            self._peer = transport.get_extra_info("peername")[:2]
            opened[self._peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            opened.pop(self._peer, None)
            super().connection_lost(exc)

    return Registered


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the caller's connection; without a socket raise `ConnectionResetError`."""
    transport = _transport(scope)
    if transport is None:
        raise ConnectionResetError("the sandbox reset the connection")
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
    await until_gone(receive)


async def close(scope: Scope, receive: Receive) -> None:
    """Close the caller's connection after what was sent; without a socket raise `ConnectionAbortedError`."""
    transport = _transport(scope)
    if transport is None:
        raise ConnectionAbortedError("the sandbox closed the connection in the middle of its answer")
    transport.close()
    await until_gone(receive)


async def until_gone(receive: Receive) -> None:
    """Wait until the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue


def _transport(scope: Scope) -> Any:
    return (scope.get("extensions") or {}).get(_EXTENSION)
