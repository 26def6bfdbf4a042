"""Who signed in, who failed to, and what became of users: a log of its own, without secrets.

    LRANGE haptik:studio:audit 0 9

Each entry goes to the logger `haptik_actions.studio.audit` too, for those who keep logs elsewhere: who can write to
this Redis can change what stands there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from haptik_actions._log import get_logger, one_line

if TYPE_CHECKING:
    from redis.asyncio import Redis

from haptik_actions._namespace import ROOT

__all__ = ["Audit", "AuditEntry", "Event"]

logger = get_logger("haptik_actions.studio.audit")

Event = Literal[
    "signed in",
    "sign-in failed",
    "sign-in refused",
    "signed out",
    "password changed",
    "role changed",
    "user added",
    "user removed",
    "user unlocked",
]
"""What happened. Refused is a sign-in that came too soon after others that failed."""

_KEY = f"{ROOT}studio:audit"
_KEPT = 10_000
_LONGEST = 200


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: `at` in UTC, `name` of whom it is about, `by` the user or `command line`, the caller's `address`.

    `name` is empty for a sign-in under a name that no user has: people type their password there by mistake.
    """

    at: str
    event: str
    name: str
    by: str
    address: str = ""
    detail: str = ""


class Audit:
    """Writes and reads the log; `clock` gives seconds since 1970. Errors of Redis are redis-py's own."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis: Any = redis
        self._clock = clock

    async def note(self, event: Event, name: str, *, by: str, address: str = "", detail: str = "") -> None:
        """Write an entry."""
        at = datetime.fromtimestamp(self._clock(), timezone.utc).isoformat(timespec="seconds")
        given = {"name": name, "by": by, "address": address, "detail": detail}
        entry = AuditEntry(at=at, event=event, **{key: one_line(value)[:_LONGEST] for key, value in given.items()})
        words = (entry.name or "unknown", entry.by or "nobody yet", entry.address or "no address", entry.detail or "-")
        logger.info("%s: user %s, by %s, from %s, %s.", event, *words)
        await self._redis.lpush(_KEY, msgspec.json.encode(entry))
        await self._redis.ltrim(_KEY, 0, _KEPT - 1)

    async def entries(self, limit: int = 100) -> list[AuditEntry]:
        """Return the newest entries, the latest first; what somebody else wrote there is left out."""
        found = []
        for raw in await self._redis.lrange(_KEY, 0, limit - 1):
            try:
                found.append(msgspec.json.decode(raw, type=AuditEntry))
            except msgspec.DecodeError:
                continue
        return found
