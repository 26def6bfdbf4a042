"""The way to the user: one entry after the other, each said by the host and then ticked off."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from cachetools import LRUCache

from haptik_actions._log import get_logger
from haptik_actions.errors import RelayAway
from haptik_actions.relay._host import Host, How, LedgerRow, Queued, Saying, UserAway
from haptik_actions.relay._link import HAPTIK_CHANNEL, Link, to_json
from haptik_actions.relay._queues import Done, ForUser, Queues, Wait
from haptik_actions.relay._sayings import Sayings, ending_of, write_saying

__all__ = ["ToUser"]

logger = get_logger(__name__)

_TRIES_BEFORE_PLAIN = 4
_MOST_TRIES = 40
"""With pauses that double up to half a minute these are about twenty minutes."""
_LONGEST_PAUSE = 30.0
_AWAY_SECONDS = 2.0
_REDIS_PAUSE = 0.2
_MOST_LINKS = 2_000


class ToUser:
    """Works on what waits for users, where `host` reaches them. `told` is called with each row of the ledger."""

    def __init__(
        self, queues: Queues, sayings: Sayings, host: Host, *, hold_back: float, told: Callable[[str, LedgerRow], None]
    ) -> None:
        self._queues, self._sayings, self._host = queues, sayings, host
        self._hold_back, self._told = hold_back, told
        self._away: dict[str, float] = {}
        self._reached: LRUCache[str, Link] = LRUCache(_MOST_LINKS)

    def is_away(self, id_: str) -> bool:
        """Tell whether the user was not to be reached from here a moment ago."""
        until = self._away.get(id_)
        if until is None or until > time.monotonic():
            return until is not None
        del self._away[id_]
        return False

    def is_here(self, id_: str) -> None:
        """Look again: the user is back."""
        self._away.pop(id_, None)

    async def work(self, id_: str) -> float | None:
        """Say what is due; return the seconds until there is more."""
        if await self._is_away_before(id_):
            return None
        done: Done | None = None
        while True:
            got = await self._next(id_, done)
            if isinstance(got, Wait):
                return got.seconds
            if self._is_out_of_reach(got.link):
                await self._queues.release("user", id_, 0, untouched="" if got.again else got.member)
                return None
            try:
                done = await self._deliver(got)
            except UserAway:
                self._away[id_] = time.monotonic() + _AWAY_SECONDS
                await self._queues.release("user", id_, 0, untouched="" if got.again else got.member)
                return None
            except asyncio.CancelledError:
                await self._queues.release("user", id_, 0)
                raise
            except Exception as error:  # noqa: BLE001
                # A host may raise anything. The entry stays where it is, and the error is logged.
                return await self._put_off(got, error)
            self._told(id_, done.row)

    async def _next(self, id_: str, done: Done | None) -> ForUser | Wait:
        while True:
            try:
                return await self._queues.for_user(id_, self._hold_back, done)
            except RelayAway:
                # What has been said must be ticked off, or somebody says it again.
                if done is None:
                    raise
                await asyncio.sleep(_REDIS_PAUSE)

    async def _is_away_before(self, id_: str) -> bool:
        """Tell, before the lease is taken, whether another process has to do it."""
        # Where this process reached the user before it asks Redis nothing. `work` looks again at the link as it is.
        link = self._reached.get(id_)
        if link is None or self._is_out_of_reach(link):
            link = await self._queues.link(id_)
        return link is not None and self._is_out_of_reach(link)

    def _is_out_of_reach(self, link: Link) -> bool:
        if self._host.reach(link) != "away":
            self._away.pop(link.id, None)
            self._reached[link.id] = link
            return False
        self._away[link.id] = time.monotonic() + _AWAY_SECONDS
        return True

    async def _put_off(self, got: ForUser, error: Exception) -> float:
        pause = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(got.tries, 10)) * random.uniform(0.5, 1.0)
        logger.warning(
            "The user of conversation %s could not be told (%s); tried again in %.1f s, for the %d. time.",
            *(got.link.id, type(error).__name__, pause, got.tries + 1),
            exc_info=error if got.tries == 0 else None,
        )
        await self._queues.later("user", got.link.id, pause)
        return pause

    async def _deliver(self, got: ForUser) -> Done:
        queued, how = got.queued, "said_again" if got.again else "said"
        if queued is None:
            logger.error("An entry for conversation %s cannot be read: another version wrote it.", got.link.id)
            return self._done(got, "dropped", why="Unreadable")
        by_kind: dict[str, Callable[[ForUser, Queued, How], Awaitable[Done]]] = {
            "message": self._say,
            "own": self._say,
            "assigned": self._assign,
            "ended": self._end,
        }
        return await by_kind[queued.what](got, queued, how)  # type: ignore[arg-type]

    async def _say(self, got: ForUser, queued: Queued, how: How) -> Done:
        if queued.automated and got.link.channel == HAPTIK_CHANNEL:
            # The bot's own words and the platform's: Haptik has shown them, and Rasa knows its own.
            return self._done(got, "dropped", why="HaptikShowsIt")
        if got.tries >= _MOST_TRIES:
            logger.error("A message for conversation %s is given up: the channel does not take it.", got.link.id)
            return self._done(got, "refused", why="TooManyTries")
        plain = got.tries >= _TRIES_BEFORE_PLAIN
        saying = await self._sayings.of(got.link, queued, again=got.again, plain=plain)
        if saying is None:
            return self._done(got, "dropped", why="NothingToShow")
        await self._host.say(got.link, saying)
        return self._done(got, how, saying)

    async def _assign(self, got: ForUser, queued: Queued, how: How) -> Done:
        if got.link.state != "agent":
            return self._done(got, "dropped", why="EpisodeOver")
        saying = await self._sayings.assigned(got.link, queued, again=got.again)
        await self._host.assigned(got.link, saying)
        return self._done(got, how, saying)

    async def _end(self, got: ForUser, queued: Queued, how: How) -> Done:
        if got.member != f"~end:{to_json(got.link.receipt).decode()}":
            return self._done(got, "dropped", why="EpisodeOver")
        ending = ending_of(got.link, queued, again=got.again)
        saying = await self._sayings.ended(got.link, ending)
        await self._host.ended(got.link, ending, saying)
        return self._done(got, how, saying, ended=True)

    def _done(
        self, got: ForUser, how: How, saying: Saying | None = None, *, why: str | None = None, ended: bool = False
    ) -> Done:
        what = "unreadable" if got.queued is None else got.queued.what
        number = got.member if got.queued is None or got.queued.id is None else str(got.queued.id)
        is_pull = saying is not None and self._host.reach(got.link) == "pull"
        return Done(
            member=got.member,
            row=LedgerRow(what=what, id=number, how=how, at=time.time(), why=why),
            inbox=write_saying(saying) if saying is not None and is_pull else b"",
            ended=ended,
        )
