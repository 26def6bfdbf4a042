"""What this process knows of the hand-offs that it has written to Redis, so that a Redis that forgets loses none.

A Redis without persistence comes back empty; one may evict single keys; a replica that takes over may lag behind. Each
process holds what it opened or delivers until that is done with, and looks every second whether it is still there.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from haptik_actions._log import get_logger
from haptik_actions.escalation._outbox import ENTRY_SECONDS, Entry, HandOff, Terms

__all__ = ["Found", "Held", "Promise", "Promises", "SharedOutbox"]

logger = get_logger(__name__)

MOST = 10_000
MOST_BYTES = 32_000_000
_SETTLED_SECONDS = 600.0
"""For how long a process remembers what is done with: longer than others need to see it."""

Found: TypeAlias = Literal["there", "done", "lost"]
"""How a hand-off stands in Redis. `done`: delivered, given up, dropped, or another of the chat has taken its place."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-off that is looked for. Nobody else may deliver it for `seconds`: this process does just now."""

    chat: str
    id: str
    seconds: float


@runtime_checkable
class SharedOutbox(Protocol):
    """An outbox that may forget what it was told: see `RedisOutbox` for the methods."""

    async def look(self, held: Sequence[Held]) -> list[Found]:
        """Tell for each hand-off whether it is there, done with, or lost."""

    async def put_back(self, entry: Entry, *, seconds: float, episode: float) -> bool:
        """Write down an entry that was lost."""

    async def settle(self, done: Sequence[tuple[str, str]]) -> None:
        """Note that hand-offs (chat and id) are done with, where that was forgotten."""


class Promise(msgspec.Struct, kw_only=True):
    """An entry that is held. It is tried at `due`, and its chat's episode ends at `episode` (Unix seconds).

    `leased`: this process is delivering it until `due`.
    """

    entry: Entry
    size: int
    due: float
    leased: bool
    episode: float

    def held(self, now: float) -> Held:
        """Return what is looked for."""
        handoff = self.entry.handoff
        return Held(chat=handoff.chat, id=handoff.id, seconds=max(0.0, self.due - now) if self.leased else 0.0)


class Promises:
    """Entries by chat, at most `most` of `most_bytes` in all, and the hand-offs that were done with of late."""

    def __init__(
        self, *, most: int = MOST, most_bytes: int = MOST_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._most, self._most_bytes, self._clock = most, most_bytes, clock
        self._held: OrderedDict[str, Promise] = OrderedDict()
        self._settled: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._bytes = 0
        self._is_full = False

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, entry: Entry, *, seconds: float, leased: bool, episode: float | None = None) -> None:
        """Hold an entry, which is tried in `seconds`. Its episode lasts `episode` seconds, where that is known."""
        now, chat = self._clock(), entry.handoff.chat
        known = self._pop(chat)
        if episode is not None:
            ends = entry.created + episode
        else:
            same = known is not None and known.entry.handoff.id == entry.handoff.id
            ends = known.episode if known is not None and same else entry.created + Terms().episode
        size = len(msgspec.json.encode(entry))
        if len(self._held) >= self._most or self._bytes + size > self._most_bytes:
            self._say_full(len(self._held))
            return
        self._is_full = self._is_full and len(self._held) > self._most // 2
        self._held[chat] = Promise(entry=entry, size=size, due=now + seconds, leased=leased, episode=ends)
        self._bytes += size

    def settle(self, handoff: HandOff) -> None:
        """Note that a hand-off is done with for good: Haptik has it, or nothing accepts it."""
        self.release(handoff)
        self._settled[handoff.id] = (self._clock(), handoff.chat)
        while len(self._settled) > self._most:
            self._settled.popitem(last=False)

    def release(self, handoff: HandOff) -> None:
        """Hold a hand-off no longer: a person decides, or another process has done with it."""
        known = self._held.get(handoff.chat)
        if known is not None and known.entry.handoff.id == handoff.id:
            self._pop(handoff.chat)

    def release_chat(self, chat: str) -> None:
        """Hold whatever stands for a chat no longer: a person has dropped it."""
        self._pop(chat)

    def holds(self, handoff: HandOff) -> bool:
        """Tell whether a hand-off is held."""
        known = self._held.get(handoff.chat)
        return known is not None and known.entry.handoff.id == handoff.id

    def turn(self, most: int) -> list[Promise]:
        """Return the promises that were looked for longest ago. Those older than a day have expired and are let go."""
        ends = self._clock() - ENTRY_SECONDS
        found: list[Promise] = []
        for chat in list(self._held)[:most]:
            promise = self._held[chat]
            if promise.entry.created <= ends:
                self._pop(chat)
                continue
            self._held.move_to_end(chat)
            found.append(promise)
        return found

    def settled(self, most: int) -> list[tuple[str, str]]:
        """Return chat and id of what was done with of late, those that were told longest ago first."""
        since = self._clock() - _SETTLED_SECONDS
        found: list[tuple[str, str]] = []
        for id_ in list(self._settled)[:most]:
            at, chat = self._settled[id_]
            if at < since:
                del self._settled[id_]
                continue
            self._settled.move_to_end(id_)
            found.append((chat, id_))
        return found

    def _pop(self, chat: str) -> Promise | None:
        known = self._held.pop(chat, None)
        if known is not None:
            self._bytes -= known.size
        return known

    def _say_full(self, count: int) -> None:
        if not self._is_full:
            logger.error(
                "This process holds %d open hand-offs (%d bytes) and no more: the others stand in Redis alone, and are "
                "lost where Redis loses them.",
                *(count, self._bytes),
            )
        self._is_full = True
