"""Ties a conversation to its chat: before Haptik is called, so that an event that comes at once finds it.

A Redis that forgets must not cut a user off from their agent, so this process also keeps the links of running chats.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from haptik_actions._deadline import cancel_all
from haptik_actions._log import get_logger
from haptik_actions.errors import RelayAway
from haptik_actions.escalation._outbox import Entry, HandOff
from haptik_actions.relay import HAPTIK_CHANNEL, Link, RelayStore

__all__ = ["KeptLinks", "Ties"]

logger = get_logger(__name__)

_LOOK_SECONDS = 2.0
_AT_ONCE = 50
_MOST = 10_000
_KEPT_SECONDS = 24 * 3600.0


class KeptLinks:
    """Links of running chats in `store`, by id, as they stood when they were last looked at: every `look` seconds.

    A chat that has ended is let go, and after a day each. Of more than `most` the oldest are let go.
    """

    def __init__(self, store: RelayStore, *, look: float = _LOOK_SECONDS, most: int = _MOST) -> None:
        self._store, self._look_seconds, self._most = store, look, most
        self._links: OrderedDict[str, Link] = OrderedDict()
        self._watch: asyncio.Task[None] | None = None

    def keep(self, link: Link) -> None:
        """Keep the link of a chat that Haptik has."""
        self._links[link.id] = link
        while len(self._links) > self._most:
            self._links.popitem(last=False)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._keep_looking())

    async def look(self) -> int:
        """Look at some of the links; return how many Redis had lost, which are written down again.

        So is the way from what Haptik calls a user to their chat, where Redis has thrown that alone away.

        Raises:
            RelayAway: Redis does not answer.
        """
        some = list(self._links.values())[:_AT_ONCE]
        back = sum(await asyncio.gather(*map(self._look_at, some)))
        if back:
            logger.error(
                "Redis has lost the links of %d running chats; they are written down again. Words that waited in it "
                "for their users and agents are lost.",
                back,
            )
        return back

    async def aclose(self) -> None:
        """Look no more."""
        if self._watch is not None:
            await cancel_all(self._watch)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                # Where one is lost, others may be: look at the next ones without a pause.
                while await self.look():
                    pass
            except RelayAway:
                continue
            except Exception:
                logger.exception("The links of running chats could not be looked at; trying again.")

    async def _look_at(self, kept: Link) -> bool:
        stands = await self._store.link(kept.id)
        lost = stands is None
        if stands is None:
            stands = await self._store.restore(kept)
        elif await self._store.reindex(stands):
            logger.warning("Redis had lost how the chat of %s is found; it is written down again.", kept.id)
        # Unless a later hand-off has kept another link meanwhile.
        if self._links.get(kept.id) is kept:
            self._note(kept, stands)
        return lost

    def _note(self, kept: Link, stands: Link | None) -> None:
        goes_on = stands is not None and stands.receipt == kept.receipt and stands.state in ("asked", "agent")
        if stands is None or not goes_on or kept.opened_at + _KEPT_SECONDS < self._store.board.now():
            del self._links[kept.id]
            return
        self._links[kept.id] = stands
        self._links.move_to_end(kept.id)


_AGAIN_SECONDS = 1.0
_MOST_TRIES = 600
_MOST_LATE = 10_000


class Ties:
    """The links of hand-offs in `store`; without one nothing is tied, and Haptik gets the chats all the same."""

    def __init__(self, store: RelayStore | None) -> None:
        self._store = store
        self._kept = None if store is None else KeptLinks(store)
        self._late: set[asyncio.Task[None]] = set()

    async def prepare(self, entry: Entry, running: str | None) -> Link | None:
        """Write the link down, and return it as it stands; None where there is none.

        Its `receipt` is another one where Haptik has the chat already: that of `running`, the hand-off that goes on by
        the conversation's tracker, if anybody hears of ends; or one that began after the entry was written.

        Raises:
            RelayAway: Redis does not answer, and without the link the agent's words would not find their user.
        """
        handoff = entry.handoff
        if self._store is None or handoff.link is None:
            if handoff.opening is not None:
                raise RelayAway("There is no Redis for the link of a user whom Haptik does not know.")
            return None
        try:
            return await self._prepare(self._store, entry, running)
        except RelayAway:
            if handoff.opening is not None:
                raise
            # The platform knows the user and can be called without it.
            logger.warning("Hand-off %s is not tied to its conversation yet: Redis does not answer.", handoff.id)
            return None

    async def confirmed(self, handoff: HandOff, link: Link | None, pauses: Callable[[], bool]) -> bool:
        """Haptik has the chat. True where the agent's words come to where the user is.

        `link` is what `prepare` returned; `pauses` tells whether the conversation is paused.
        """
        if self._store is None or handoff.link is None:
            return False
        try:
            await self._ask(self._store, handoff, link, pauses)
            return handoff.link.channel == HAPTIK_CHANNEL or await self._store.is_relayed()
        except RelayAway:
            if len(self._late) < _MOST_LATE:
                task = asyncio.get_running_loop().create_task(self._tie_late(self._store, handoff, pauses))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
        return False

    async def refused(self, handoff: HandOff) -> None:
        """Nothing accepts the hand-off: the bot keeps the conversation."""
        if self._store is None or handoff.link is None:
            return
        try:
            await self._store.withdraw(handoff.link.id, handoff.id)
        except RelayAway:
            logger.debug("The link of hand-off %s stays as it is: nobody has confirmed it.", handoff.id)

    async def moved(self, handoff: HandOff) -> None:
        """A team has the chat of a user whom Haptik did not know when the hand-off was written down."""
        if self._store is not None and handoff.link is not None:
            try:
                await self._store.update(handoff.link.id, moved=True)
            except RelayAway:
                logger.debug("The chat of hand-off %s is moved once more, which does no harm.", handoff.id)

    async def hears_of_ends(self) -> bool:
        """Tell whether anybody will hear that the chat is over."""
        if self._store is None:
            return False
        try:
            return await self._store.tells_of_ends()
        except RelayAway:
            return True

    async def aclose(self) -> None:
        """Give up what could not be tied yet."""
        if self._kept is not None:
            await self._kept.aclose()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _prepare(self, store: RelayStore, entry: Entry, running: str | None) -> Link:
        link = _link_of(entry.handoff)
        stands = await store.prepare(link)
        if stands.receipt == entry.handoff.id or stands.opened_at >= entry.created:
            return stands
        if stands.receipt == running and await store.tells_of_ends():
            return stands
        # The link is of an earlier hand-off that is over without an event: the bot has the conversation back, or the
        # hours of its episode have passed.
        await store.update(link.id, state="ended", closing=False)
        return await store.prepare(link)

    async def _ask(
        self, store: RelayStore, handoff: HandOff, prepared: Link | None, pauses: Callable[[], bool]
    ) -> None:
        assert handoff.link is not None
        paused = pauses()
        link = await store.asked(handoff.link.id, handoff.id, paused=paused, prepared=prepared)
        if link is None and await store.link(handoff.link.id) is None:
            # Redis has lost it since the hand-off was prepared.
            await store.prepare(_link_of(handoff))
            link = await store.asked(handoff.link.id, handoff.id, paused=paused)
        if link is not None and self._kept is not None:
            self._kept.keep(link)
        # The user has been told meanwhile that it takes a while, and the bot goes on.
        if paused and not pauses():
            await store.asked(handoff.link.id, handoff.id, paused=False)

    async def _tie_late(self, store: RelayStore, handoff: HandOff, pauses: Callable[[], bool]) -> None:
        for _ in range(_MOST_TRIES):
            await asyncio.sleep(_AGAIN_SECONDS)
            try:
                link = await store.prepare(_link_of(handoff))
                await self._ask(store, handoff, link, pauses)
            except RelayAway:
                continue
            return
        logger.error("Hand-off %s is not tied to its conversation: the agent's words do not reach it.", handoff.id)


def _link_of(handoff: HandOff) -> Link:
    assert handoff.link is not None
    registers = handoff.opening is not None
    return msgspec.structs.replace(
        handoff.link,
        receipt=handoff.id,
        user_name=handoff.user_name or handoff.link.user_name,
        auth_id=handoff.link.id if registers else handoff.link.auth_id,
        teams=handoff.teams,
        countdown=handoff.countdown,
        # The relay moves those whose `user_name` an event tells.
        moved=not (registers and handoff.teams),
    )
