"""Delivers hand-offs: at once, and again from the outbox until Haptik has them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine

import msgspec

from haptik_actions._deadline import DeadlinePassed, cancel_all, deadline
from haptik_actions._log import get_logger
from haptik_actions.client import HaptikClient, was_not_sent
from haptik_actions.errors import DeadlineExceeded, HaptikError, InactiveTeam, RateLimited, TransportError, UnknownTeam
from haptik_actions.escalation._conversation import State
from haptik_actions.escalation._metrics import Metrics, NoMetrics
from haptik_actions.escalation._outbox import Entry, HandOff, Opening, Outbox, Terms
from haptik_actions.escalation._pace import Pace
from haptik_actions.escalation._ties import Ties
from haptik_actions.relay import Link, RelayStore

__all__ = ["Delivered", "Delivery"]

logger = get_logger(__name__)

_POLL_SECONDS = 1.0
_AT_ONCE = 20
_FIRST_TRIES = 100
"""Hand-offs that are tried at once while their users wait; those beyond are delivered from the outbox."""
_SPREAD_SECONDS = 2.0
_PATIENCE_SECONDS = 1.0
"""How long a try waits for its turn while its user waits, where the platform has said that it takes no more at once."""
_TURN_SECONDS = 10.0
"""The same where no user waits. With the try itself it is less than a lease."""
_DEPTH_SECONDS = 15.0
_LONGEST_PAUSE = 60.0
_LONGEST_WISH = 3600.0
"""The longest pause that the platform may ask for with a 429: an entry expires after a day."""
_MOST_TRIES = 70
"""After so many tries an entry is a dead letter: with pauses that double up to a minute, a little over an hour."""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """How a hand-off ended for now: the receipt's state, the team that took it, and what kept Haptik from it.

    `id` is the running receipt's where the chat waited already. `here` says that the agent's words come to where the
    user is.
    """

    state: State
    team: str | None = None
    reason: str | None = None
    id: str | None = None
    here: bool = False


class _Unforeseen(HaptikError):
    remedy = "This is a fault of a client, of a source of credentials or of this library; the traceback names it."


class Delivery:
    """Hands chats over through `client`, and keeps what could not be delivered in `outbox`.

    One hand-off may take `seconds`, all teams of its ladder included: longer than the lease of the outbox, and another
    worker would send it as well. `links` holds what ties conversations to chats. `sleep` waits between two looks into
    the outbox; `asyncio.sleep`, or a test's own.
    """

    def __init__(
        self,
        client: HaptikClient,
        outbox: Outbox,
        *,
        seconds: float = 8.0,
        metrics: Metrics | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        links: RelayStore | None = None,
    ) -> None:
        self._client, self.outbox, self._sleep = client, outbox, sleep
        self._ties = Ties(links)
        self._seconds, self._metrics = seconds, metrics or NoMetrics()
        self._depth_at = float("-inf")
        self._worker: asyncio.Task[None] | None = None
        self._storms: dict[str, int] = {}
        self._closing = False
        self._trying = 0
        self._pace = Pace()
        self._erasing: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Deliver from the outbox in the background; once is enough."""
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def aclose(self) -> None:
        """Stop delivering. What an outbox in memory still holds is lost, and logged."""
        self._closing = True
        if self._worker is not None:
            await cancel_all(self._worker)
            self._worker = None
        await asyncio.gather(*self._erasing, return_exceptions=True)
        await self._ties.aclose()
        await self.outbox.aclose()

    async def hand_over(
        self, handoff: HandOff, terms: Terms, *, pauses: Callable[[], bool] = lambda: False
    ) -> Delivered:
        """Write it down, try it, and say how that ended. Never raises an error of the library's.

        `pauses` is asked once Haptik has the chat: whether the conversation is paused with the answer.
        """
        ticket = await self.outbox.open(handoff, terms)
        if ticket.state == "duplicate":
            return Delivered(state="duplicate", id=ticket.id)
        if ticket.state == "throttled":
            self._say_storm(handoff.team or "", terms.limit, ticket.wait)
            return Delivered(state="throttled", team=handoff.team)
        if ticket.state == "full":
            logger.error("The outbox is full: hand-off %s is tried once and not kept.", handoff.id)
        entry, kept = Entry(handoff=handoff, created=time.time()), ticket.state != "full"
        if kept and self._trying >= _FIRST_TRIES:
            return await self._put_off(entry, f"{self._trying} others are being tried")
        self._trying += 1
        try:
            if not await self._pace.turn(_PATIENCE_SECONDS) and kept:
                return await self._put_off(entry, "the platform takes no more at once")
            return await self._deliver(entry, terms, kept=kept, pauses=pauses)
        finally:
            self._trying -= 1

    async def _put_off(self, entry: Entry, why: str) -> Delivered:
        """Leave it to the worker: in a storm users would wait for one another, and Haptik would refuse most of them."""
        await self.outbox.later(entry, random.uniform(0, _SPREAD_SECONDS))
        logger.warning("Hand-off %s waits in the outbox: %s.", entry.handoff.id, why)
        return Delivered(state="delayed", team=entry.handoff.team, reason="TooManyAtOnce")

    async def deliver_due(self) -> int:
        """Try what is due in the outbox, and return how many entries that were."""
        return await self._deliver_some(self._batch())

    def _batch(self) -> int:
        # Only as many as can be sent soon, because no other worker gets what this one has claimed.
        return int(min(_AT_ONCE, self._pace.most(_PATIENCE_SECONDS)))

    async def _deliver_some(self, most: int) -> int:
        due = await self.outbox.claim(most) if most else []
        for entry, ended in zip(due, await asyncio.gather(*map(self._deliver_promised, due)), strict=True):
            self._metrics.count("haptik_deliveries_total", outcome=ended.state, team=ended.team or "")
            if ended.state == "connected":
                logger.info("Hand-off %s was delivered from the outbox, at try %d.", entry.handoff.id, entry.tries + 1)
        return len(due)

    async def _tell_depth(self) -> None:
        now = time.monotonic()
        if now < self._depth_at + _DEPTH_SECONDS:
            return
        self._depth_at = now
        waiting, dead = await self.outbox.depth()
        self._metrics.gauge("haptik_outbox_entries", waiting, state="waiting")
        self._metrics.gauge("haptik_outbox_entries", dead, state="dead")

    async def _work(self) -> None:
        while True:
            # In a task of its own, so that code in there that cancels its own task does not end this worker.
            turn = asyncio.get_running_loop().create_task(self._look())
            try:
                await asyncio.wait({turn})
            except asyncio.CancelledError:
                turn.cancel()
                await asyncio.wait({turn})
                raise
            if turn.cancelled() or turn.exception() is not None:
                error = asyncio.CancelledError() if turn.cancelled() else turn.exception()
                logger.error("The outbox could not be looked into; trying again.", exc_info=error)
            elif turn.result():
                continue
            await self._sleep(_POLL_SECONDS)

    async def _look(self) -> bool:
        """Deliver what is due, and tell whether more may be due: then the worker looks again without a pause."""
        await self._tell_depth()
        batch = self._batch()
        return await self._deliver_some(batch) >= batch > 0

    async def _deliver_promised(self, entry: Entry) -> Delivered:
        """Deliver what a user was promised: it stays until Haptik has it, or until a person drops it."""
        if not await self._pace.turn(_TURN_SECONDS):
            await self.outbox.later(entry, _PATIENCE_SECONDS)
            return Delivered(state="delayed", team=entry.handoff.team, reason="TooManyAtOnce")
        return await self._deliver(entry, None)

    async def _deliver(
        self, entry: Entry, terms: Terms | None, *, kept: bool = True, pauses: Callable[[], bool] = lambda: False
    ) -> Delivered:
        """Try an entry; without `terms` it is one that a user was promised before."""
        handoff = entry.handoff
        try:
            link = await self._ties.prepare(entry, None if terms is None else terms.running)
            if link is not None and link.receipt != handoff.id:
                await self._confirm(handoff, terms)
                return Delivered(state="duplicate", team=handoff.team, id=link.receipt)
            team = await self._send_in_time(handoff, link)
        except HaptikError as error:
            # A token that is rejected now may be renewed in a minute.
            if terms is None or (error.temporary and kept):
                return await self._try_later(entry, error)
            await self.outbox.refuse(handoff)
            await self._ties.refused(handoff)
            logger.error("Hand-off %s is not possible: %s. %s", handoff.id, str(error).rstrip("."), error.remedy)
            return Delivered(state="unavailable", team=handoff.team, reason=type(error).__name__)
        here = await self._ties.confirmed(handoff, link, pauses)
        await self._confirm(handoff, terms)
        return Delivered(state="connected", team=team, here=here)

    async def _confirm(self, handoff: HandOff, terms: Terms | None) -> None:
        erasing = self.outbox.confirm(handoff, episode=None if terms is None else terms.episode)
        if terms is None:
            await erasing
            # The bot has gone on talking, so no resume will tell when the agent is done. Where no webhook does either,
            # the next failure asks Haptik again, which takes a chat that still waits as the same one.
            if not await self._ties.hears_of_ends():
                await self.outbox.end_episode(handoff.chat)
        else:
            # In the background: the user need not wait until the entry is erased.
            self._in_background(erasing)

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._erasing.add(task)
        task.add_done_callback(self._erased)

    def _erased(self, task: asyncio.Task[None]) -> None:
        self._erasing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            line = "A hand-off that Haptik has stands in the outbox still, and is sent again."
            logger.error(line, exc_info=task.exception())

    async def _send_in_time(self, handoff: HandOff, link: Link | None) -> str | None:
        try:
            # One call has a deadline of its own. Several teams, or the opening of a chat, take several calls.
            if len(handoff.teams) == 1 and handoff.opening is None:
                return await self._move(handoff, handoff.user_name)
            async with deadline(self._seconds):
                return await self._send(handoff, link)
        except DeadlinePassed as late:
            raise DeadlineExceeded(f"No team had taken the chat after {self._seconds:g} s.") from late
        except asyncio.CancelledError as error:
            # Only this class cancels the tasks that deliver, so the cancellation comes from within the client.
            if self._closing:
                raise
            raise TransportError("The call was cancelled from within, for example by a client being closed.") from error
        except HaptikError:
            raise
        except Exception as error:
            # An error that nobody foresaw counts as a try as well, so that the entry is not tried for ever.
            raise _Unforeseen(f"{type(error).__name__}: {error}") from error

    async def _send(self, handoff: HandOff, link: Link | None) -> str | None:
        if handoff.opening is None or link is None:
            return await self._move(handoff, handoff.user_name)
        await self._open(handoff, handoff.opening, link)
        # Without a `user_name` the relay moves the chat later, when an event names it.
        return handoff.team if link.user_name is None else await self._move_opened(handoff, link.user_name)

    async def _open(self, handoff: HandOff, opening: Opening, link: Link) -> None:
        """Register the user, and log the message that puts the chat before agents."""
        await self._client.create_user(
            auth_id=link.id, name=opening.name, language_code=opening.language, business_id=handoff.business_id
        )
        try:
            await self._client.log_message_from_user(
                auth_id=link.id, business_id=handoff.business_id, message_body=opening.text
            )
        except TransportError as error:
            if not was_not_sent(error):
                line = "Haptik may have the opening of hand-off %s or not. It is sent again: twice is better than lost."
                logger.warning(line, handoff.id)
            raise

    async def _move_opened(self, handoff: HandOff, user_name: str) -> str | None:
        """Move a chat that agents can see already: what fails here is no reason to open it once more."""
        if not handoff.teams:
            return None
        try:
            team = await self._move(handoff, user_name)
        except HaptikError as error:
            logger.warning("The chat of hand-off %s is open, and not moved to its team: %s", handoff.id, error)
            return handoff.team
        await self._ties.moved(handoff)
        return team

    async def _move(self, handoff: HandOff, user_name: str | None) -> str:
        """Return the team that took the chat: the next one where one is unknown or inactive."""
        for position, team in enumerate(handoff.teams, start=1):
            try:
                await self._send_to(team, handoff, user_name or "")
            except (UnknownTeam, InactiveTeam) as error:
                if position == len(handoff.teams):
                    raise
                logger.warning("Hand-off %s goes to the next team: %s %s", handoff.id, error, error.remedy)
            else:
                return team
        raise AssertionError("a hand-off names at least one team")

    async def _send_to(self, team: str, handoff: HandOff, user_name: str) -> None:
        ends = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                await self._client.send_chat_to_agent(
                    user_name=user_name,
                    business_id=handoff.business_id,
                    team_name=team,
                    countdown=handoff.countdown,
                )
            except RateLimited as error:
                self._pace.refused(error.retry_after)
                if not await self._pace.turn(ends - time.monotonic()):
                    raise
            else:
                self._pace.took()
                return

    async def _try_later(self, entry: Entry, error: HaptikError) -> Delivered:
        name = type(error).__name__
        tried = msgspec.structs.replace(entry, tries=entry.tries + 1, error=name)
        if tried.tries >= _MOST_TRIES:
            await self.outbox.bury(tried)
            self._metrics.count("haptik_deliveries_total", outcome="given_up", team=entry.handoff.team or "")
            logger.error("Hand-off %s is given up after %d tries: %s", entry.handoff.id, tried.tries, error)
        else:
            await self.outbox.later(tried, _pause(tried.tries, error))
            logger.warning("Hand-off %s waits in the outbox: %s", entry.handoff.id, error)
        return Delivered(state="delayed", team=entry.handoff.team, reason=name)

    def _say_storm(self, team: str, limit: int, wait: float) -> None:
        # A storm has hundreds of chats, so this logs the first of every `limit` and not each.
        held = self._storms[team] = self._storms.get(team, 0) + 1
        if held % limit == 1 or limit == 1:
            logger.warning(
                "More than %d hand-offs a minute for team %s: %d wait their turn, the last for %.0f s.",
                *(limit, team, held, wait),
            )


def _pause(tries: int, error: HaptikError) -> float:
    """Seconds to the next try: half of it jitter, under a doubling ceiling; or what the platform asked for."""
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return min(error.retry_after, _LONGEST_WISH)
    ceiling: float = min(_LONGEST_PAUSE, 2.0 ** min(tries - 1, 10))
    return ceiling / 2 + random.uniform(0, ceiling / 2)
