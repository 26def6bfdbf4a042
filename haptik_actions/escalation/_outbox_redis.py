"""The outbox on Redis: shared by every process of every action server, and still there after a restart.

Scripts do each step as one, in one round trip and by the clock of Redis. All keys share the hash tag `{outbox}`, so
that a cluster keeps them in one slot:

    haptik:{outbox}:due               sorted set, chat -> when it is tried next (ms)
    haptik:{outbox}:dead              sorted set, chat -> when it was given up (ms)
    haptik:{outbox}:entry:<chat>      the hand-off as JSON; expires
    haptik:{outbox}:episode:<chat>    hash with id, beginning and turn (ms); expires
    haptik:{outbox}:turns:<team>      list with the last turns of a team (ms); expires
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import msgspec
from cachetools import LRUCache

from haptik_actions._log import get_logger
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

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisOutbox"]

logger = get_logger(__name__)

_PREFIX = "haptik:{outbox}"
_AT_ONCE = 500
_UNREADABLE_SECONDS = 3600.0
"""How long an entry that cannot be read waits for a process that can: as long as other entries are tried."""
_MOST_SAID = 1000
_UNREADABLE = (ValueError, RecursionError)

_REMEDY = (
    "`haptik-actions outbox list` shows it. Let a server of the version that wrote it run, or erase it with "
    "`haptik-actions outbox drop`."
)

_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "

_OPEN = (
    _NOW
    + """
local entry, due, episode, dead, turns = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local chat, payload, id = ARGV[1], ARGV[2], ARGV[3]
local limit, lasts, resumed = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local lease, keep, window = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local ended, running = ARGV[10], ARGV[11]
local known = redis.call('HMGET', episode, 'id', 'turn', 'began')
local began = known[3]
if began and (known[1] == running or (tonumber(began) > resumed and known[1] ~= ended)) then
  if known[1] ~= id or redis.call('EXISTS', entry) == 0 then return {'duplicate', 0, known[1]} end
  -- Asked again, because the first answer was lost on the way.
  local turn = tonumber(known[2] or '0')
  if turn > now then return {'throttled', string.format('%.0f', turn - now), id} end
  redis.call('ZADD', due, string.format('%.0f', now + lease), chat)
  return {'go', 0, id}
end
local at = now
local before = redis.call('LINDEX', turns, -limit)
if before and tonumber(before) + window > now then at = tonumber(before) + window end
redis.call('RPUSH', turns, string.format('%.0f', at))
redis.call('LTRIM', turns, -limit, -1)
redis.call('PEXPIRE', turns, string.format('%.0f', at - now + window))
redis.call('SET', entry, payload, 'PX', string.format('%.0f', math.max(keep, at - now + keep)))
redis.call('ZADD', due, string.format('%.0f', at > now and at or now + lease), chat)
redis.call('ZREM', dead, chat)
redis.call('HSET', episode, 'id', id, 'began', string.format('%.0f', now), 'turn', string.format('%.0f', at))
redis.call('PEXPIRE', episode, string.format('%.0f', lasts))
if at > now then return {'throttled', string.format('%.0f', at - now), id} end
return {'go', 0, id}
"""
)

# A chat has one entry. What is told late may be about an earlier hand-off of the chat than the one that stands there.
_IS_ANOTHER = """
local payload = redis.call('GET', KEYS[1])
if payload and ARGV[2] ~= '' then
  local read, entry = pcall(cjson.decode, payload)
  local handoff = read and type(entry) == 'table' and entry.handoff
  if type(handoff) ~= 'table' or handoff.id ~= ARGV[2] then return 0 end
end
"""

_CONFIRM = (
    _NOW
    + _IS_ANOTHER
    + """
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
local began, running = now - tonumber(ARGV[4]), redis.call('HMGET', KEYS[3], 'id', 'began')
if running[1] and running[1] ~= ARGV[2] and tonumber(running[2]) > began then return 0 end
redis.call('HSET', KEYS[3], 'id', ARGV[2], 'began', string.format('%.0f', began))
if ARGV[5] == '0' or redis.call('PTTL', KEYS[3]) < 0 then redis.call('PEXPIRE', KEYS[3], ARGV[3]) end
return 1
"""
)

_ERASE = (
    _IS_ANOTHER
    + """
local known = redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[3])
return known
"""
)

_LATER = (
    _NOW
    + _IS_ANOTHER
    + """
if not payload then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[4])), ARGV[1])
return 1
"""
)

_BURY = (
    _NOW
    + _IS_ANOTHER
    + """
if not payload then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('ZADD', KEYS[4], string.format('%.0f', now), ARGV[1])
return 1
"""
)

_END = """
local began = redis.call('HGET', KEYS[3], 'began')
if began and tonumber(ARGV[2]) > 0 and tonumber(began) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[3])
return 1
"""

_CLAIM = (
    _NOW
    + """
local claimed = {}
for _, chat in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local payload = redis.call('GET', ARGV[3] .. chat)
  if payload then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), chat)
  else
    redis.call('ZREM', KEYS[1], chat)
  end
  table.insert(claimed, chat)
  table.insert(claimed, payload)
end
-- Dead letters that have expired are not counted for ever.
local long_ago = string.format('%.0f', now - tonumber(ARGV[4]))
for _, chat in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', long_ago, 'LIMIT', 0, ARGV[1])) do
  if redis.call('EXISTS', ARGV[3] .. chat) == 0 then
    redis.call('ZREM', KEYS[2], chat)
    table.insert(claimed, chat)
    table.insert(claimed, false)
  end
end
return claimed
"""
)

# What nobody has been able to read in time is a dead letter, as it stands: a person sees it, and nobody is asked again.
_SET_ASIDE = (
    _NOW
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[2] or redis.call('PTTL', KEYS[1]) > tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('ZADD', KEYS[4], string.format('%.0f', now), ARGV[1])
return 1
"""
)


class RedisOutbox:
    """An outbox on the Redis that `client` is connected to; `client` is closed with it.

    `window` is the time in seconds over which a team's limit counts, `lease` how long one delivery may take.
    """

    def __init__(self, client: Redis, *, window: float = WINDOW_SECONDS, lease: float = LEASE_SECONDS) -> None:
        self._redis, self._window, self._lease = client, window, lease
        self._scripts = {
            script: client.register_script(script)
            for script in (_OPEN, _CONFIRM, _ERASE, _LATER, _BURY, _CLAIM, _SET_ASIDE, _END)
        }
        self._said: LRUCache[str, bytes] = LRUCache(_MOST_SAID)

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """See `Outbox`."""
        payload = msgspec.json.encode(Entry(handoff=handoff, created=time.time()))
        state, wait, known = await self._scripts[_OPEN](
            keys=[*_keys(handoff.chat), f"{_PREFIX}:turns:{handoff.team or ''}"],
            args=[
                *(handoff.chat, payload, handoff.id, terms.limit, _ms(terms.episode), _ms(terms.resumed_at)),
                *(_ms(self._lease), _ms(ENTRY_SECONDS), _ms(self._window), terms.ended or "", terms.running or ""),
            ],
        )
        return Ticket(state=state.decode(), wait=float(wait) / 1000, id=known.decode())

    async def confirm(self, handoff: HandOff, *, episode: float | None, ago: float = 0.0) -> None:
        """See `Outbox`."""
        # Redis expires nothing in the past.
        left = max(1, _ms((Terms().episode if episode is None else episode) - ago))
        await self._run(_CONFIRM, handoff.chat, handoff.id, left, _ms(ago), int(episode is None))

    async def refuse(self, handoff: HandOff) -> None:
        """See `Outbox`."""
        await self._run(_ERASE, handoff.chat, handoff.id)

    async def later(self, entry: Entry, seconds: float) -> None:
        """See `Outbox`."""
        await self._run(_LATER, entry.handoff.chat, entry.handoff.id, msgspec.json.encode(entry), _ms(seconds))

    async def bury(self, entry: Entry) -> None:
        """See `Outbox`."""
        await self._run(_BURY, entry.handoff.chat, entry.handoff.id, msgspec.json.encode(entry))

    async def claim(self, most: int) -> list[Entry]:
        """See `Outbox`."""
        answer = await self._scripts[_CLAIM](
            keys=[f"{_PREFIX}:due", f"{_PREFIX}:dead"],
            args=[most, _ms(self._lease), f"{_PREFIX}:entry:", _ms(ENTRY_SECONDS)],
        )
        claimed: list[Entry] = []
        for name, payload in zip(answer[::2], answer[1::2], strict=True):
            chat = _name(name)
            if payload is None:
                logger.error(
                    "The hand-off of chat %s is lost: Redis has no entry for it any more. It keeps one for a day, one "
                    "that was given up as well. Set its maxmemory-policy to noeviction.",
                    chat,
                )
                continue
            try:
                claimed.append(_read(chat, payload))
            except _UNREADABLE as error:
                await self._leave(chat, payload, error)
        return claimed

    async def _leave(self, chat: str, payload: bytes, error: Exception) -> None:
        """Leave what cannot be read to a process that can: it keeps nobody else waiting, its lease ends."""
        if await self._run(_SET_ASIDE, chat, payload, _ms(ENTRY_SECONDS - _UNREADABLE_SECONDS)):
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
                left: Any = await self._redis.pttl(f"{_PREFIX}:entry:{chat}")
                age = ENTRY_SECONDS - left / 1000
                since = None if left < 0 else time.time() - max(0.0, age)
                found.append(Unreadable(chat=chat, since=since, due=due, why=str(error)))
        return found

    async def _stored(self) -> list[tuple[str, float | None, bytes]]:
        """Return chats, when they are due and what stands there, those that wait first."""
        # The shapes are those of RESP2 and RESP3 alike: pairs of member and score, and members.
        waiting: Any = await self._redis.zrange(f"{_PREFIX}:due", 0, -1, withscores=True)
        dead: Any = await self._redis.zrange(f"{_PREFIX}:dead", 0, -1)
        chats = [*((_name(chat), due / 1000) for chat, due in waiting), *((_name(chat), None) for chat in dead)]
        found: list[tuple[str, float | None, bytes]] = []
        for start in range(0, len(chats), _AT_ONCE):
            some = chats[start : start + _AT_ONCE]
            payloads: Any = await self._redis.mget([f"{_PREFIX}:entry:{chat}" for chat, _ in some])
            found += ((*each, payload) for each, payload in zip(some, payloads, strict=True) if payload is not None)
        return found

    async def depth(self) -> tuple[int, int]:
        """See `Outbox`."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.zcard(f"{_PREFIX}:due")
        pipeline.zcard(f"{_PREFIX}:dead")
        waiting, dead = await pipeline.execute()
        return int(waiting), int(dead)

    async def revive(self, chat: str) -> bool:
        """See `Outbox`."""
        payload = await self._redis.get(f"{_PREFIX}:entry:{chat}")
        if payload is None:
            return False
        try:
            entry = msgspec.structs.replace(_read(chat, payload), tries=0)
        except _UNREADABLE:
            return False
        await self._redis.zrem(f"{_PREFIX}:dead", chat)
        return bool(await self._run(_LATER, chat, entry.handoff.id, msgspec.json.encode(entry), 0))

    async def drop(self, chat: str) -> bool:
        """See `Outbox`."""
        return bool(await self._run(_ERASE, chat, ""))

    async def end_episode(self, chat: str, *, before: float | None = None) -> bool:
        """See `Outbox`."""
        return bool(await self._run(_END, chat, 0 if before is None else _ms(before)))

    async def warn_of_eviction(self) -> None:
        """Log it where this Redis may forget hand-offs that it was told to keep. Not every Redis tells."""
        from redis.exceptions import RedisError

        try:
            memory: Any = await self._redis.info("memory")
        except (RedisError, OSError) as error:
            logger.debug("Redis does not say whether it evicts keys (%s).", type(error).__name__)
            return
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        # Without a limit nothing is evicted.
        if memory.get("maxmemory") and policy != "noeviction":
            logger.warning(
                "Redis may evict hand-offs before they are delivered: its maxmemory-policy is %s. Set noeviction.",
                policy,
            )

    async def aclose(self) -> None:
        """Close the connections."""
        from haptik_actions._redis import disconnect

        await disconnect(self._redis)

    async def _run(self, script: str, chat: str, *args: Any) -> Any:
        return await self._scripts[script](keys=_keys(chat), args=[chat, *args])


def _keys(chat: str) -> list[str]:
    return [f"{_PREFIX}:entry:{chat}", f"{_PREFIX}:due", f"{_PREFIX}:episode:{chat}", f"{_PREFIX}:dead"]


def _read(chat: str, payload: bytes | str) -> Entry:
    """Return the entry; raises one of `_UNREADABLE`."""
    entry = msgspec.json.decode(payload, type=Entry)
    if entry.handoff.chat != chat:
        raise ValueError(f"it is of chat {entry.handoff.chat}")
    return entry


def _name(member: bytes) -> str:
    # What a person has put there by hand must not keep others waiting.
    return member.decode(errors="backslashreplace")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
