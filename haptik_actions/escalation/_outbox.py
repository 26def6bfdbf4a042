"""The outbox: a hand-off is written down before it is tried, and erased after Haptik confirmed it.

It answers three questions at once, because one round trip has to do: does this chat wait for an agent already (its
episode), may its team get another chat this minute, and if both are fine, who is delivering it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Literal, Protocol

import msgspec

from haptik_actions.relay import Link

__all__ = ["Entry", "HandOff", "MemoryOutbox", "Opening", "Outbox", "Terms", "Ticket", "Unreadable", "chat_of"]

WINDOW_SECONDS = 60.0
LEASE_SECONDS = 30.0
"""How long a delivery may take before another worker takes over. Longer than one call to the platform."""
ENTRY_SECONDS = 24 * 3600.0
_FORGET_SECONDS = 1.0


class Opening(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What Haptik is told of a user whom it does not know, and of why they are handed over.

    `text` is the first message of the chat, for the agent. `name` and `language` (two letters) are the user's, where
    they are known.
    """

    text: str
    name: str | None = None
    language: str | None = None


class HandOff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """All that the platform's calls need, and the receipt's id for the log. `teams` are tried in their order.

    A user whom Haptik knows by `user_name` is moved to a team. One whom it does not know is registered, and their chat
    is opened with `opening`: it goes to a team, where one is named, once the `user_name` is known. `link` is what ties
    the conversation to the chat, where there is a Redis for that; the user is registered under its `id`.
    """

    id: str
    business_id: int
    user_name: str | None = None
    teams: tuple[str, ...] = ()
    countdown: int | None = None
    link: Link | None = None
    opening: Opening | None = None

    def __post_init__(self) -> None:
        if self.opening is None and not (self.user_name and self.team):
            raise ValueError("without an opening a hand-off names its user_name and its teams")
        if self.opening is not None and self.link is None:
            raise ValueError("a hand-off with an opening has a link")

    @cached_property
    def chat(self) -> str:
        """What names the chat: one user on one business."""
        if self.opening is not None and self.link is not None:
            return chat_of(self.business_id, self.link.id)
        return chat_of(self.business_id, self.user_name or "")

    @cached_property
    def team(self) -> str | None:
        """The first team, None where none is named."""
        return self.teams[0] if self.teams else None


def chat_of(business_id: int, user: str) -> str:
    """Return what names the chat of a user (their `user_name`, or the id of their link) on a business."""
    return f"{business_id}:{user}"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-off in the outbox. Times are Unix seconds; `due` is when it is tried next, None for a dead letter."""

    handoff: HandOff
    created: float
    tries: int = 0
    due: float | None = None
    error: str | None = None


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that cannot be read: another version wrote it, or it is damaged. `why` is what the reader said.

    Times are Unix seconds: `since` is when it was written or, where it was to wait its turn, that turn (None where it
    does not expire and so does not tell); `due` is when it is looked at next, None for a dead letter.
    """

    chat: str
    since: float | None
    due: float | None
    why: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What became of opening a hand-off.

    `go`: deliver it now. `throttled`: it is delivered in `wait` seconds. `duplicate`: the chat waits already, under the
    receipt `id`. `full`: nothing can be written down.
    """

    state: Literal["go", "throttled", "duplicate", "full"]
    wait: float = 0.0
    id: str | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """On which terms a hand-off is opened.

    At most `limit` chats a minute go to the first team; the others get a time of their own behind them. The episode
    lasts `episode` seconds. One that began after `resumed_at` (Unix seconds; when the bot last had the conversation
    back) makes a new hand-off a duplicate. Clocks differ, so the tracker's order counts more where it tells: the
    episode of the receipt `ended` is over, that of `running` is not. `receipt` is the id and the time of the receipt
    that the tracker holds: what an outbox goes by that was not there at the time.
    """

    limit: int = 30
    episode: float = 12 * 3600.0
    resumed_at: float = 0.0
    ended: str | None = None
    running: str | None = None
    receipt: tuple[str, float] | None = None


class Outbox(Protocol):
    """Where hand-offs are kept, one per chat. Methods do nothing for a chat that is not known, and those that take a
    hand-off or an entry do nothing where the chat has another one by now."""

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """Write the hand-off down and begin its episode, unless one is running."""

    async def confirm(self, handoff: HandOff, *, episode: float | None, ago: float = 0.0) -> None:
        """Erase it: Haptik has had the chat for `ago` seconds. The episode goes on from there for `episode` seconds;
        with None it ends when it would have."""

    async def refuse(self, handoff: HandOff) -> None:
        """Erase it and its episode: nothing accepts it."""

    async def later(self, entry: Entry, seconds: float) -> None:
        """Try it again in `seconds`."""

    async def bury(self, entry: Entry) -> None:
        """Make it a dead letter, which only a person brings back."""

    async def claim(self, most: int) -> list[Entry]:
        """Return entries that are due, for this worker alone until the lease is over."""

    async def entries(self) -> list[Entry]:
        """Return all entries, those that wait first."""

    async def depth(self) -> tuple[int, int]:
        """Return how many entries wait, and how many are dead letters."""

    async def revive(self, chat: str) -> bool:
        """Make an entry due at once; False where there is none that can be read."""

    async def drop(self, chat: str) -> bool:
        """Erase an entry and end its episode; False where there is none."""

    async def end_episode(self, chat: str, *, before: float | None = None) -> bool:
        """Forget that the chat waits for an agent: it is complete, or the bot has it again.

        False where the episode began after `before` (Unix seconds): it is another one, and goes on.
        """

    async def aclose(self) -> None:
        """Close connections."""


class _Episode(msgspec.Struct):
    id: str
    began: float
    ends: float


class MemoryOutbox:
    """An outbox in this process: a restart loses it, and other processes do not see it. Holds `most` entries."""

    def __init__(self, *, most: int = 10_000, clock: Callable[[], float] = time.time) -> None:
        self._most, self._clock = most, clock
        self._entries: dict[str, Entry] = {}
        self._episodes: dict[str, _Episode] = {}
        self._turns: dict[str, deque[float]] = {}
        self._forget_at = float("-inf")
        self.holds: Callable[[str], bool] = self._entries.__contains__
        """Tells whether a hand-off of the chat waits in here, or is a dead letter."""

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """See `Outbox`; `full` where `most` entries wait."""
        now = self._clock()
        self._forget(now)
        running = self._running(handoff.chat, terms, now)
        if running is not None and _goes_on(running, terms):
            return Ticket(state="duplicate", id=running.id)
        if len(self._entries) >= self._most:
            return Ticket(state="full")
        at = self._turn(handoff.team or "", terms.limit, now)
        due = at if at > now else now + LEASE_SECONDS
        self._entries[handoff.chat] = Entry(handoff=handoff, created=now, due=due)
        self._episodes[handoff.chat] = _Episode(handoff.id, now, now + terms.episode)
        return Ticket(state="throttled" if at > now else "go", wait=max(0.0, at - now))

    def entry(self, chat: str) -> Entry | None:
        """Return the hand-off of the chat that waits in here, None where there is none."""
        return self._entries.get(chat)

    def forget(self, chat: str) -> None:
        """Erase the hand-off of the chat: it is kept elsewhere now."""
        self._entries.pop(chat, None)

    async def confirm(self, handoff: HandOff, *, episode: float | None, ago: float = 0.0) -> None:
        """See `Outbox`."""
        if self._is_another(handoff):
            return
        self._entries.pop(handoff.chat, None)
        began = self._clock() - ago
        running = self._episodes.get(handoff.chat)
        if running is not None and running.id != handoff.id and running.began > began:
            return
        lasts = Terms().episode if episode is None else episode
        ends = running.ends if running is not None and episode is None else began + lasts
        self._episodes[handoff.chat] = _Episode(handoff.id, began, ends)

    async def refuse(self, handoff: HandOff) -> None:
        """See `Outbox`."""
        if self._is_another(handoff):
            return
        self._entries.pop(handoff.chat, None)
        self._episodes.pop(handoff.chat, None)

    async def later(self, entry: Entry, seconds: float) -> None:
        """See `Outbox`."""
        self._put(entry, self._clock() + seconds)

    async def bury(self, entry: Entry) -> None:
        """See `Outbox`."""
        if not self._is_another(entry.handoff):
            self._put(entry, None)
            self._episodes.pop(entry.handoff.chat, None)

    async def claim(self, most: int) -> list[Entry]:
        """See `Outbox`."""
        now = self._clock()
        self._forget(now)
        due = sorted((e for e in self._entries.values() if e.due is not None and e.due <= now), key=_due)[:most]
        for entry in due:
            self._entries[entry.handoff.chat] = msgspec.structs.replace(entry, due=now + LEASE_SECONDS)
        return due

    async def entries(self) -> list[Entry]:
        """See `Outbox`."""
        return sorted(self._entries.values(), key=_due)

    async def depth(self) -> tuple[int, int]:
        """See `Outbox`."""
        dead = sum(entry.due is None for entry in self._entries.values())
        return len(self._entries) - dead, dead

    async def revive(self, chat: str) -> bool:
        """See `Outbox`."""
        if chat in self._entries:
            self._entries[chat] = msgspec.structs.replace(self._entries[chat], due=self._clock(), tries=0)
        return chat in self._entries

    async def drop(self, chat: str) -> bool:
        """See `Outbox`."""
        self._episodes.pop(chat, None)
        return self._entries.pop(chat, None) is not None

    async def end_episode(self, chat: str, *, before: float | None = None) -> bool:
        """See `Outbox`."""
        running = self._episodes.get(chat)
        if running is not None and before is not None and running.began > before:
            return False
        # An episode that is over is kept, so that the tracker's receipt does not count as a running episode.
        now = self._clock()
        self._episodes[chat] = _Episode("", float("-inf"), now + ENTRY_SECONDS)
        return True

    async def aclose(self) -> None:
        """Nothing is open."""

    def _is_another(self, handoff: HandOff) -> bool:
        known = self._entries.get(handoff.chat)
        return known is not None and known.handoff.id != handoff.id

    def _put(self, entry: Entry, due: float | None) -> None:
        known = self._entries.get(entry.handoff.chat)
        if known is not None and not self._is_another(entry.handoff):
            self._entries[entry.handoff.chat] = msgspec.structs.replace(entry, created=known.created, due=due)

    def _running(self, chat: str, terms: Terms, now: float) -> _Episode | None:
        running = self._episodes.get(chat)
        if running is not None and running.ends <= now:
            running = None
        if running is None and terms.receipt is not None and terms.receipt[1] + terms.episode > now:
            running = _Episode(terms.receipt[0], terms.receipt[1], terms.receipt[1] + terms.episode)
        return running

    def _turn(self, team: str, limit: int, now: float) -> float:
        # A hand-off may go one minute after the one that came `limit` places before it.
        turns = self._turns.setdefault(team, deque())
        at = max(now, turns[-limit] + WINDOW_SECONDS) if len(turns) >= limit else now
        turns.append(at)
        while len(turns) > limit:
            turns.popleft()
        return at

    def _forget(self, now: float) -> None:
        # This looks at all of them, so it is done once a second at most and not for each chat of a storm.
        if now < self._forget_at:
            return
        self._forget_at = now + _FORGET_SECONDS
        for chat in [chat for chat, episode in self._episodes.items() if episode.ends <= now]:
            del self._episodes[chat]
        for chat in [chat for chat, entry in self._entries.items() if entry.created + ENTRY_SECONDS <= now]:
            del self._entries[chat]


def _goes_on(episode: _Episode, terms: Terms) -> bool:
    return episode.id == terms.running or (episode.began > terms.resumed_at and episode.id != terms.ended)


def _due(entry: Entry) -> float:
    return float("inf") if entry.due is None else entry.due
