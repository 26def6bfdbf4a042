"""The outbox on Redis: shared by every process of every action server, and still there after a restart.

Scripts do each step as one, in one round trip and by the clock of Redis (see `_outbox_scripts`). All keys share the
hash tag `{outbox}`, so that a cluster keeps them in one slot:

    haptik:{outbox}:due               sorted set, chat -> when it is tried next (ms)
    haptik:{outbox}:dead              sorted set, chat -> when it was given up (ms)
    haptik:{outbox}:done              sorted set, id of a hand-off that is done with -> since when (ms); a day
    haptik:{outbox}:entry:<chat>      the hand-off as JSON; expires
    haptik:{outbox}:episode:<chat>    hash with id, beginning and turn (ms); expires
    haptik:{outbox}:turns:<team>      list with the last turns of a team (ms); expires

`done` tells an entry that Redis has lost from one that was delivered, given up or dropped: a process that holds an
entry which is neither there nor done writes it down again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from cachetools import LRUCache

from haptik_actions._log import get_logger
from haptik_actions._namespace import ROOT
from haptik_actions.escalation import _outbox_scripts as scripts
from haptik_actions.escalation._outbox import (
    ENTRY_SECONDS,
    LEASE_SECONDS,
    WINDOW_SECONDS,
    Entry,
    HandOff,
    Terms,
    Ticket,
    Unreadable,
)
from haptik_actions.escalation._promises import Found, Held

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisOutbox"]

logger = get_logger(__name__)

_PREFIX = f"{ROOT}{{outbox}}"
_DUE, _DEAD, _DONE = _SHARED_KEYS = f"{_PREFIX}:due", f"{_PREFIX}:dead", f"{_PREFIX}:done"
_ENTRY = f"{_PREFIX}:entry:"
"""What the key of a chat's entry begins with."""

_AT_ONCE = 500
_UNREADABLE_SECONDS = 3600.0
"""How long an entry that cannot be read waits for a process that can: as long as other entries are tried."""
_MOST_SAID = 1000
_UNREADABLE = (ValueError, RecursionError)

_REMEDY = (
    "`haptik-actions outbox list` shows it. Let a server of the version that wrote it run, or erase it with "
    "`haptik-actions outbox drop`."
)


class RedisOutbox:
    """An outbox on the Redis that `client` is connected to; `client` is closed with it.

    `window` is the time in seconds over which a team's limit counts, `lease` how long one delivery may take.
    """

    def __init__(self, client: Redis, *, window: float = WINDOW_SECONDS, lease: float = LEASE_SECONDS) -> None:
        self._redis, self._window, self.lease = client, window, lease
        self._scripts = {script: client.register_script(script) for script in scripts.ALL}
        self._said: LRUCache[str, bytes] = LRUCache(_MOST_SAID)

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """See `Outbox`."""
        payload = msgspec.json.encode(Entry(handoff=handoff, created=time.time()))
        state, wait, known = await self._scripts[scripts.OPEN](
            keys=[*_keys_of(handoff.chat), f"{_PREFIX}:turns:{handoff.team or ''}"],
            args=[
                *(handoff.chat, payload, handoff.id, terms.limit, _ms(terms.episode), _ms(terms.resumed_at)),
                *(_ms(self.lease), _ms(ENTRY_SECONDS), _ms(self._window), terms.ended or "", terms.running or ""),
            ],
        )
        return Ticket(state=state.decode(), wait=float(wait) / 1000, id=known.decode())

    async def confirm(self, handoff: HandOff, *, episode: float | None, ago: float = 0.0) -> None:
        """See `Outbox`."""
        # Redis expires nothing in the past.
        left = max(1, _ms((Terms().episode if episode is None else episode) - ago))
        await self._run(scripts.CONFIRM, handoff.chat, handoff.id, left, _ms(ago), int(episode is None))

    async def refuse(self, handoff: HandOff) -> None:
        """See `Outbox`."""
        await self._run(scripts.ERASE, handoff.chat, handoff.id)

    async def later(self, entry: Entry, seconds: float) -> None:
        """See `Outbox`."""
        await self._run(scripts.LATER, entry.handoff.chat, entry.handoff.id, msgspec.json.encode(entry), _ms(seconds))

    async def bury(self, entry: Entry) -> None:
        """See `Outbox`."""
        await self._run(scripts.BURY, entry.handoff.chat, entry.handoff.id, msgspec.json.encode(entry))

    async def claim(self, most: int) -> list[Entry]:
        """See `Outbox`."""
        answer = await self._scripts[scripts.CLAIM](
            keys=[_DUE, _DEAD],
            args=[most, _ms(self.lease), _ENTRY, _ms(ENTRY_SECONDS)],
        )
        claimed: list[Entry] = []
        for name, payload in zip(answer[::2], answer[1::2], strict=True):
            chat = _name(name)
            if payload is None:
                logger.error(
                    "The hand-off of chat %s is lost, unless a process that runs holds it and writes it down again: "
                    "Redis has no entry for it any more. It keeps one for a day, one that was given up as well. Set "
                    "its maxmemory-policy to noeviction.",
                    chat,
                )
                continue
            try:
                claimed.append(_read(chat, payload))
            except _UNREADABLE as error:
                await self._leave(chat, payload, error)
        return claimed

    async def _leave(self, chat: str, payload: bytes, error: Exception) -> None:
        """Leave an entry that cannot be read to a process that can read it: it is due again when its lease ends."""
        if await self._run(scripts.SET_ASIDE, chat, payload, _ms(ENTRY_SECONDS - _UNREADABLE_SECONDS)):
            logger.error("The hand-off of chat %s is given up: no process could read it. %s", chat, _REMEDY)
        elif self._said.get(chat) != payload:
            self._said[chat] = payload
            logger.error(
                "The hand-off of chat %s cannot be read and waits for a process that can: another version wrote it, or "
                "it is damaged (%s). %s",
                *(chat, error, _REMEDY),
            )

    async def entries(self) -> list[Entry]:
        """See `Outbox`."""
        found: list[Entry] = []
        for chat, due, payload in await self._stored():
            with contextlib.suppress(*_UNREADABLE):
                found.append(msgspec.structs.replace(_read(chat, payload), due=due))
        return found

    async def unreadable(self) -> list[Unreadable]:
        """Return what stands in the outbox and cannot be read, those that wait first. `drop` erases it."""
        found: list[Unreadable] = []
        for chat, due, payload in await self._stored():
            try:
                _read(chat, payload)
            except _UNREADABLE as error:
                left: Any = await self._redis.pttl(f"{_ENTRY}{chat}")
                age = ENTRY_SECONDS - left / 1000
                since = None if left < 0 else time.time() - max(0.0, age)
                found.append(Unreadable(chat=chat, since=since, due=due, why=str(error)))
        return found

    async def _stored(self) -> list[tuple[str, float | None, bytes]]:
        """Return chats, when they are due and what stands there, those that wait first."""
        # The shapes are those of RESP2 and RESP3 alike: pairs of member and score, and members.
        waiting: Any = await self._redis.zrange(_DUE, 0, -1, withscores=True)
        dead: Any = await self._redis.zrange(_DEAD, 0, -1)
        chats = [*((_name(chat), due / 1000) for chat, due in waiting), *((_name(chat), None) for chat in dead)]
        found: list[tuple[str, float | None, bytes]] = []
        for start in range(0, len(chats), _AT_ONCE):
            some = chats[start : start + _AT_ONCE]
            payloads: Any = await self._redis.mget([f"{_ENTRY}{chat}" for chat, _ in some])
            found += ((*each, payload) for each, payload in zip(some, payloads, strict=True) if payload is not None)
        return found

    async def depth(self) -> tuple[int, int]:
        """See `Outbox`."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zcard(_DUE)
        pipeline.zcard(_DEAD)
        waiting, dead = await pipeline.execute()
        return int(waiting), int(dead)

    async def revive(self, chat: str) -> bool:
        """See `Outbox`."""
        payload = await self._redis.get(f"{_ENTRY}{chat}")
        if payload is None:
            return False
        try:
            entry = msgspec.structs.replace(_read(chat, payload), tries=0)
        except _UNREADABLE:
            return False
        return bool(await self._run(scripts.REVIVE, chat, entry.handoff.id, msgspec.json.encode(entry)))

    async def drop(self, chat: str) -> bool:
        """See `Outbox`."""
        return bool(await self._run(scripts.ERASE, chat, ""))

    async def end_episode(self, chat: str, *, before: float | None = None) -> bool:
        """See `Outbox`."""
        return bool(await self._run(scripts.END, chat, 0 if before is None else _ms(before)))

    async def look(self, held: Sequence[Held]) -> list[Found]:
        """Tell for each hand-off that this process holds whether it is there, done with, or lost."""
        words = [word for one in held for word in (one.chat, one.id, _ms(one.seconds))]
        found: Any = await self._scripts[scripts.LOOK](keys=_SHARED_KEYS, args=[_ENTRY, *words])
        return [state.decode() for state in found]

    async def put_back(self, entry: Entry, *, seconds: float, episode: float) -> bool:
        """Write down an entry that Redis has lost, to be tried in `seconds`; its episode ends at `episode`, Unix time.

        False where it is done with, or the chat has another hand-off by now.
        """
        left = max(1, _ms(entry.created + ENTRY_SECONDS - time.time()))
        payload = msgspec.json.encode(entry)
        times = (_ms(entry.created), left, _ms(seconds), _ms(episode))
        return bool(await self._run(scripts.PUT_BACK, entry.handoff.chat, entry.handoff.id, payload, *times))

    async def settle(self, done: Sequence[tuple[str, str]]) -> None:
        """Note that hand-offs (chat and id) are done with, where Redis has forgotten it."""
        words = [word for one in done for word in one]
        await self._scripts[scripts.SETTLE](keys=_SHARED_KEYS, args=[_ENTRY, *words])

    async def warn_of_eviction(self) -> None:
        """Log it where this Redis may forget hand-offs that it was told to keep. Not every Redis tells."""
        from redis.exceptions import RedisError

        from haptik_actions._redis_health import eviction

        try:
            remark = await eviction(self._redis)
        except (RedisError, OSError) as error:
            logger.debug("Redis does not say whether it evicts keys (%s).", type(error).__name__)
            return
        if remark.level == "warning":
            logger.warning("%s", remark.text)

    async def aclose(self) -> None:
        """Close the connections."""
        from haptik_actions._redis import disconnect

        await disconnect(self._redis)

    async def _run(self, script: str, chat: str, *args: Any) -> Any:
        return await self._scripts[script](keys=_keys_of(chat), args=[chat, *args])


def _read(chat: str, payload: bytes | str) -> Entry:
    """Return the entry; raises one of `_UNREADABLE`."""
    entry = msgspec.json.decode(payload, type=Entry)
    if entry.handoff.chat != chat:
        raise ValueError(f"it is of chat {entry.handoff.chat}")
    return entry


def _keys_of(chat: str) -> list[str]:
    """Return the keys of a chat in the order that the scripts want."""
    return [f"{_ENTRY}{chat}", _DUE, f"{_PREFIX}:episode:{chat}", _DEAD, _DONE]


def _name(member: bytes) -> str:
    # A member that a person has written by hand may be no UTF-8. It must not keep others from being delivered.
    return member.decode(errors="backslashreplace")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
