"""Links of chats that this process handed over: a Redis that forgets must not cut a user off from their agent."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from haptik_actions._ending import cancel_all
from haptik_actions._log import get_logger
from haptik_actions.errors import RelayAway
from haptik_actions.relay import Link, RelayStore

__all__ = ["KeptLinks"]

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
                # At once for the others, too, where one is lost.
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
        # Kept anew meanwhile: of a later hand-off.
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
