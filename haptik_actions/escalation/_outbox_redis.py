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

import logging
import time
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions.escalation._outbox import (
    ENTRY_SECONDS,
    LEASE_SECONDS,
    WINDOW_SECONDS,
    Entry,
    HandOff,
    Terms,
    Ticket,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["RedisOutbox"]

logger = logging.getLogger(__name__)

_PREFIX = "haptik:{outbox}"
_AT_ONCE = 500

_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "

_OPEN = (
    _NOW
    + """
local entry, due, episode, dead, turns = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local chat, payload, id = ARGV[1], ARGV[2], ARGV[3]
local limit, lasts, resumed = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local lease, keep, window = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local began = redis.call('HGET', episode, 'began')
if began and tonumber(began) > resumed then
  local known = redis.call('HMGET', episode, 'id', 'turn')
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
if payload and ARGV[2] ~= '' and cjson.decode(payload).handoff.id ~= ARGV[2] then return 0 end
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
    table.insert(claimed, payload)
  else
    redis.call('ZREM', KEYS[1], chat)
    table.insert(claimed, chat)
  end
end
return claimed
"""
)


class RedisOutbox:
    """An outbox on the Redis that `client` is connected to; `client` is closed with it.

    `window` is the time in seconds over which a team's limit counts, `lease` how long one delivery may take.
    """

    def __init__(self, client: Redis, *, window: float = WINDOW_SECONDS, lease: float = LEASE_SECONDS) -> None:
        self._redis, self._window, self._lease = client, window, lease
        self._scripts = {
            script: client.register_script(script) for script in (_OPEN, _CONFIRM, _ERASE, _LATER, _BURY, _CLAIM, _END)
        }

    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        """See `Outbox`."""
        payload = msgspec.json.encode(Entry(handoff=handoff, created=time.time()))
        state, wait, known = await self._scripts[_OPEN](
            keys=[*_keys(handoff.chat), f"{_PREFIX}:turns:{handoff.teams[0]}"],
            args=[
                *(handoff.chat, payload, handoff.id, terms.limit, _ms(terms.episode), _ms(terms.resumed_at)),
                *(_ms(self._lease), _ms(ENTRY_SECONDS), _ms(self._window)),
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
        payloads = await self._scripts[_CLAIM](
            keys=[f"{_PREFIX}:due"], args=[most, _ms(self._lease), f"{_PREFIX}:entry:"]
        )
        for lost in (payload for payload in payloads if not payload.startswith(b"{")):
            logger.error(
                "The hand-off of chat %s is lost: Redis has no entry for it any more. It keeps one for a day. Set its "
                "maxmemory-policy to noeviction.",
                lost.decode(),
            )
        found = (_entry(payload) for payload in payloads if payload.startswith(b"{"))
        return [entry for entry in found if entry is not None]

    async def entries(self) -> list[Entry]:
        """See `Outbox`."""
        # The shapes are those of RESP2 and RESP3 alike: pairs of member and score, and members.
        waiting: Any = await self._redis.zrange(f"{_PREFIX}:due", 0, -1, withscores=True)
        dead: Any = await self._redis.zrange(f"{_PREFIX}:dead", 0, -1)
        chats = [*((chat, due / 1000) for chat, due in waiting), *((chat, None) for chat in dead)]
        found: list[Entry] = []
        for start in range(0, len(chats), _AT_ONCE):
            found += await self._read(chats[start : start + _AT_ONCE])
        return found

    async def _read(self, chats: list[tuple[bytes, float | None]]) -> list[Entry]:
        payloads = await self._redis.mget([f"{_PREFIX}:entry:{chat.decode()}" for chat, _ in chats])
        return [
            msgspec.structs.replace(entry, due=due)
            for (_, due), payload in zip(chats, payloads, strict=True)
            if payload is not None and (entry := _entry(payload)) is not None
        ]

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
        entry = msgspec.structs.replace(msgspec.json.decode(payload, type=Entry), tries=0)
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


def _entry(payload: bytes | str) -> Entry | None:
    # One that another version has written keeps nobody else waiting: its lease ends, and that version may come for it.
    try:
        return msgspec.json.decode(payload, type=Entry)
    except msgspec.DecodeError as error:
        logger.error("A hand-off in the outbox cannot be read and stays there: another version wrote it (%s).", error)
        return None


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
