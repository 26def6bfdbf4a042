"""An outbox that goes on without Redis while Redis is down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from haptik_actions._deadline import DeadlinePassed, cancel_all, deadline
from haptik_actions._log import get_logger
from haptik_actions._redis_health import Rest
from haptik_actions.escalation._outbox import LEASE_SECONDS, Entry, HandOff, MemoryOutbox, Outbox, Terms, Ticket
from haptik_actions.escalation._promises import MOST, MOST_BYTES, Promise, Promises, SharedOutbox

__all__ = ["ResilientOutbox"]

logger = get_logger(__name__)

T = TypeVar("T")

_SECONDS = 1.0
_REST_SECONDS = 1.0
_CALLS = 50
"""The most calls to Redis at once: fewer than the pool of connections of any redis-py allows."""
_NO_LIMIT = 100_000
_MOST_UNTOLD = 10_000
_AT_ONCE = 50
_CLOSING_SECONDS = 5.0
"""How long a process that stops goes on asking a Redis that takes nothing. Less than an orchestrator waits for it."""
_CLOSING_PAUSE_SECONDS = 0.1
_LOOKS = 500
"""Entries that are looked for in one step: Redis serves nobody else meanwhile, for a millisecond or two."""


class ResilientOutbox:
    """Writes to `shared`, and to this process's memory where `shared` does not answer, twice, within `patience`.

    `patience` is in seconds. After it has not answered in time `shared` is left alone for one, so that a Redis that
    hangs holds up few callers. What was opened in memory moves to `shared` when that is back. What `shared` could not
    be told (that a hand-off is confirmed, refused or put off) is told first when it answers again. Where that comes too
    late, because its lease has ended meanwhile or this process has, another try follows, which the platform takes as
    the same chat.

    What `shared` was told is held as well until it is done with. Every `look` seconds it is looked for: what `shared`
    has lost is written down again, to be tried after `grace` seconds, so that another process can say first that it is
    done with. At most `most` entries of `most_bytes` in all are held.
    """

    def __init__(
        self,
        shared: Outbox,
        *,
        timer: Callable[[], float] = time.monotonic,
        look: float = 1.0,
        grace: float = 3.0,
        patience: float = _SECONDS,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._shared, self._timer = shared, timer
        self._promises = Promises(most=most, most_bytes=most_bytes)
        self._look_seconds, self._grace, self._patience = look, grace, patience
        self._lease = shared.lease if isinstance(shared, SharedOutbox) else LEASE_SECONDS
        self._keeper: asyncio.Task[None] | None = None
        self._memory = MemoryOutbox()
        self._terms: dict[str, Terms] = {}
        self._untold: dict[str, Callable[[], Awaitable[None]]] = {}
        self._moving: dict[str, Callable[[Outbox], Awaitable[None]] | None] = {}
        self._rest = Rest(_REST_SECONDS, timer)
        self._is_down = False
        self._gate = asyncio.Semaphore(_CALLS)

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """See `Outbox`."""
        self._begin_to_look()
        if self._memory.holds(handoff.chat):
            # Memory decides: Redis may be back, but it does not know of this hand-off yet.
            return await self._memory.open(handoff, terms)
        ticket = await self._ask(lambda: self._shared.open(handoff, terms))
        if ticket is not None:
            self._hold(Entry(handoff=handoff, created=time.time()), ticket, terms)
            return ticket
        logger.warning(
            "Hand-off %s is kept in this process until Redis answers again. A restart would lose it.", handoff.id
        )
        ticket = await self._memory.open(handoff, terms)
        if self._memory.holds(handoff.chat):
            self._terms[handoff.chat] = terms
        return ticket

    async def confirm(self, handoff: HandOff, *, episode: float | None, ago: float = 0.0) -> None:
        """See `Outbox`."""
        self._promises.settle(handoff)
        if self._memory.holds(handoff.chat):
            await self._memory.confirm(handoff, episode=episode, ago=ago)
        # Redis is told also of a hand-off that was in memory: its episode goes on, and every process should know.
        at = self._timer() - ago
        await self._tell(handoff.chat, lambda outbox: outbox.confirm(handoff, episode=episode, ago=self._timer() - at))

    async def refuse(self, handoff: HandOff) -> None:
        """See `Outbox`."""
        self._promises.settle(handoff)
        await self._tell(handoff.chat, lambda outbox: outbox.refuse(handoff))

    async def later(self, entry: Entry, seconds: float) -> None:
        """See `Outbox`."""
        if self._promises.holds(entry.handoff):
            self._promises.hold(entry, seconds=seconds, leased=False)
        await self._tell(entry.handoff.chat, lambda outbox: outbox.later(entry, seconds))

    async def bury(self, entry: Entry) -> None:
        """See `Outbox`."""
        self._promises.release(entry.handoff)
        await self._tell(entry.handoff.chat, lambda outbox: outbox.bury(entry))

    async def claim(self, most: int) -> list[Entry]:
        """See `Outbox`."""
        self._begin_to_look()
        await self._move_to_shared()
        claimed = await self._ask(lambda: self._shared.claim(most)) or []
        for entry in claimed:
            self._promises.hold(entry, seconds=self._lease, leased=True)
        return [*await self._memory.claim(most), *claimed]

    async def recall(self) -> int:
        """Look for what this process holds; return how many entries had been lost and are written down again.

        All of them are looked for where one is lost, a part of them where none is.
        """
        shared, back, seen = self._shared, 0, 0
        if not isinstance(shared, SharedOutbox):
            return 0
        await self._settle(shared)
        while seen < len(self._promises):
            held = self._promises.turn(_LOOKS)
            seen += len(held)
            lost = await self._lost(shared, held)
            back += sum(await asyncio.gather(*(self._put_back(shared, promise) for promise in lost)))
            if not lost:
                break
        if back:
            logger.error(
                "Redis has lost %d hand-offs that users were promised; they are written down again. It has been "
                "restarted without its data, was emptied, evicts keys, or a replica that lagged has taken over.",
                back,
            )
        return back

    async def entries(self) -> list[Entry]:
        """See `Outbox`."""
        return [*await self._memory.entries(), *(await self._ask(self._shared.entries) or [])]

    async def depth(self) -> tuple[int, int]:
        """See `Outbox`."""
        both = (await self._memory.depth(), await self._ask(self._shared.depth) or (0, 0))
        return both[0][0] + both[1][0], both[0][1] + both[1][1]

    async def revive(self, chat: str) -> bool:
        """See `Outbox`."""
        return await self._memory.revive(chat) or bool(await self._ask(lambda: self._shared.revive(chat)))

    async def drop(self, chat: str) -> bool:
        """See `Outbox`."""
        self._promises.release_chat(chat)
        return await self._memory.drop(chat) or bool(await self._ask(lambda: self._shared.drop(chat)))

    async def end_episode(self, chat: str, *, before: float | None = None) -> bool:
        """See `Outbox`."""
        here = await self._memory.end_episode(chat, before=before)
        return here and await self._ask(lambda: self._shared.end_episode(chat, before=before)) is not False

    async def aclose(self) -> None:
        """Tell what is still untold, write down again what is lost, and close the connections of `shared`."""
        if self._keeper is not None:
            await cancel_all(self._keeper)
        await self._tell_all()
        await self.recall()
        for entry in await self._memory.entries():
            logger.error("Hand-off %s is lost: the process stops before Haptik or Redis took it.", entry.handoff.id)
        await self._shared.aclose()

    async def _tell_all(self) -> None:
        """Tell `shared` what it does not know. What only this process holds ends with it, so do not give up at once."""
        ends = time.monotonic() + _CLOSING_SECONDS
        while True:
            before = len(self._terms)
            self._rest.end()
            if self._untold:
                await self._ask(self._nothing)
            await self._move_to_shared()
            if len(self._terms) < before:
                ends = time.monotonic() + _CLOSING_SECONDS
            if not self._terms or time.monotonic() >= ends:
                return
            if self._is_down:
                await asyncio.sleep(_CLOSING_PAUSE_SECONDS)

    def _begin_to_look(self) -> None:
        if self._keeper is None and isinstance(self._shared, SharedOutbox):
            self._keeper = asyncio.get_running_loop().create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        # A task of its own, because deliveries may take long.
        adopted = False
        while True:
            await asyncio.sleep(self._look_seconds)
            try:
                adopted = adopted or await self._adopt()
                await self.recall()
            except Exception:
                logger.exception("What Redis holds could not be looked at; trying again.")

    async def _adopt(self) -> bool:
        """Hold what processes have left that are gone; False where Redis does not tell."""
        entries = await self._ask(self._shared.entries)
        for entry in entries or ():
            if entry.due is not None and not self._promises.holds(entry.handoff):
                self._promises.hold(entry, seconds=max(0.0, entry.due - time.time()), leased=False)
        return entries is not None

    def _hold(self, entry: Entry, ticket: Ticket, terms: Terms) -> None:
        if ticket.state in ("go", "throttled"):
            seconds = self._lease if ticket.state == "go" else ticket.wait
            self._promises.hold(entry, seconds=seconds, leased=ticket.state == "go", episode=terms.episode)

    async def _settle(self, shared: SharedOutbox) -> None:
        done = self._promises.settled(_LOOKS)
        if done:
            await self._ask(lambda: shared.settle(done))

    async def _lost(self, shared: SharedOutbox, held: list[Promise]) -> list[Promise]:
        """Return those of `held` that Redis has lost; those that are done with are let go."""
        now = time.time()
        found = await self._ask(lambda: shared.look([promise.held(now) for promise in held])) if held else None
        lost: list[Promise] = []
        for promise, state in zip(held, found or (), strict=False):
            if state == "done":
                self._promises.release(promise.entry.handoff)
            elif state == "lost":
                lost.append(promise)
        return lost

    async def _put_back(self, shared: SharedOutbox, promise: Promise) -> bool:
        entry = promise.entry
        if not self._promises.holds(entry.handoff):
            return False
        wait = max(self._grace, promise.due - time.time())
        is_back = await self._ask(lambda: shared.put_back(entry, seconds=wait, episode=promise.episode))
        if is_back is False:
            self._promises.release(entry.handoff)
        return bool(is_back)

    async def _tell(self, chat: str, what: Callable[[Outbox], Awaitable[None]]) -> None:
        if self._memory.holds(chat):
            if chat in self._moving:
                self._moving[chat] = what
            await what(self._memory)
            return

        async def tell() -> bool:
            await what(self._shared)
            return True

        if not await self._ask(tell) and (chat in self._untold or len(self._untold) < _MOST_UNTOLD):
            # Of all that could not be told of a chat only the last counts.
            self._untold[chat] = lambda: what(self._shared)

    async def _move_to_shared(self) -> None:
        """Write what is in memory to `shared`: there a restart does not lose it."""
        for chat, terms in list(self._terms.items())[:_AT_ONCE]:
            entry = self._memory.entry(chat)
            if entry is None or entry.due is None:
                # It was delivered meanwhile, or is a dead letter.
                del self._terms[chat]
                continue
            self._moving[chat] = None
            try:
                is_there = await self._move(entry, entry.due, terms)
            finally:
                told = self._moving.pop(chat, None)
            if not is_there:
                return
            # From here on `shared` is told how its delivery ends.
            self._memory.forget(chat)
            self._terms.pop(chat, None)
            # How its delivery ended during the move is known only here.
            if told is not None:
                await self._tell(chat, told)

    async def _move(self, entry: Entry, due: float, terms: Terms) -> bool:
        # It got its turn when it was opened in memory, so the team's limit does not count it again.
        whenever = msgspec.structs.replace(terms, limit=_NO_LIMIT)
        ticket = await self._ask(lambda: self._shared.open(entry.handoff, whenever))
        # `duplicate` means that `shared` has it already.
        if ticket is not None and ticket.state == "go":
            left = max(0.0, due - time.time())
            self._promises.hold(entry, seconds=left, leased=True, episode=terms.episode)
            await self._ask(lambda: self._shared.later(entry, left))
        return ticket is not None

    async def _ask(self, call: Callable[[], Awaitable[T]]) -> T | None:
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as RedisTimeout

        try:
            # In a storm calls wait for one another at the gate. That time does not count as Redis being slow.
            async with self._gate:
                if self._rest.is_owed and self._rest.is_on:
                    return None
                answer = await self._twice(call)
        except (RedisError, OSError, DeadlinePassed) as error:
            # Only a Redis that hangs is left alone. One that refuses answers at once, so it is asked each time: it may
            # be back, and what is only in memory does not survive this process.
            if isinstance(error, (RedisTimeout, DeadlinePassed)):
                self._rest.begin()
            # Logged once for each outage, because the worker asks every second.
            if not self._is_down:
                logger.warning("The outbox on Redis does not answer: %s.", type(error).__name__)
            self._is_down = True
            return None
        if self._is_down:
            self._is_down = False
            logger.info("The outbox on Redis answers again.")
        return answer

    async def _twice(self, call: Callable[[], Awaitable[T]]) -> T:
        from redis.exceptions import TimeoutError as RedisTimeout

        try:
            return await self._once(call)
        except (RedisTimeout, DeadlinePassed):
            if self._is_down:
                raise
            # It may have been this event loop that was busy, and not Redis that was late.
            return await self._once(call)

    async def _once(self, call: Callable[[], Awaitable[T]]) -> T:
        async with deadline(self._patience):
            if self._untold:
                await self._catch_up()
            return await call()

    async def _catch_up(self) -> None:
        untold = list(self._untold.items())
        for start in range(0, len(untold), _AT_ONCE):
            some = untold[start : start + _AT_ONCE]
            await asyncio.gather(*(tell() for _, tell in some))
            for chat, tell in some:
                if self._untold.get(chat) is tell:
                    del self._untold[chat]

    async def _nothing(self) -> None:
        pass
