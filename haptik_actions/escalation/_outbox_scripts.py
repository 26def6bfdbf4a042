"""What the outbox does on Redis as one step: the scripts. `_outbox_redis` names the keys and runs them.

Every script but CLAIM, LOOK and SETTLE gets the five keys of a chat; OPEN gets that of the team's turns as well.
"""

from __future__ import annotations

__all__ = [
    *("ALL", "BURY", "CLAIM", "CONFIRM", "END", "ERASE", "LATER", "LOOK", "OPEN", "PUT_BACK", "REVIVE", "SETTLE"),
    "SET_ASIDE",
]

_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "

# A day is as long as an entry lives.
_DONE = """
local function done_with(done, id, now)
  if not id or id == '' then return end
  redis.call('ZADD', done, string.format('%.0f', now), id)
  redis.call('ZREMRANGEBYSCORE', done, '-inf', string.format('%.0f', now - 86400000))
end
-- The writer puts the id first; what another version wrote is read in full.
local function is_of(payload, id)
  if string.find(payload, '"id":"' .. id .. '"', 1, true) then return true end
  local read, entry = pcall(cjson.decode, payload)
  local handoff = read and type(entry) == 'table' and entry.handoff
  return type(handoff) == 'table' and handoff.id == id
end
"""

OPEN = (
    _NOW
    + """
local entry, due, episode, dead, turns = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6]
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

CONFIRM = (
    _NOW
    + _DONE
    + _IS_ANOTHER
    + """
done_with(KEYS[5], ARGV[2], now)
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

ERASE = (
    _NOW
    + _DONE
    + _IS_ANOTHER
    + """
local id = ARGV[2]
if id == '' and payload then
  -- A person drops it: whichever it is.
  local read, entry = pcall(cjson.decode, payload)
  id = read and type(entry) == 'table' and type(entry.handoff) == 'table' and entry.handoff.id
  if type(id) ~= 'string' then id = redis.call('HGET', KEYS[3], 'id') end
end
done_with(KEYS[5], id, now)
local known = redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[3])
return known
"""
)

LATER = (
    _NOW
    + _IS_ANOTHER
    + """
if not payload then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[4])), ARGV[1])
return 1
"""
)

BURY = (
    _NOW
    + _DONE
    + _IS_ANOTHER
    + """
done_with(KEYS[5], ARGV[2], now)
if not payload then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('ZADD', KEYS[4], string.format('%.0f', now), ARGV[1])
return 1
"""
)

END = """
local began = redis.call('HGET', KEYS[3], 'began')
if began and tonumber(ARGV[2]) > 0 and tonumber(began) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[3])
return 1
"""

CLAIM = (
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
SET_ASIDE = (
    _NOW
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[2] or redis.call('PTTL', KEYS[1]) > tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
redis.call('ZADD', KEYS[4], string.format('%.0f', now), ARGV[1])
return 1
"""
)

# A person brings it back. ARGV: chat, id, payload.
REVIVE = (
    _NOW
    + _IS_ANOTHER
    + """
if not payload then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[2])
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[1])
return 1
"""
)

# What a process holds: is it still there? KEYS: due, dead, done. ARGV: what keys of entries begin with, then for each
# chat, id, and for how many ms nobody else may deliver it.
LOOK = (
    _NOW
    + _DONE
    + """
local found = {}
for place = 2, #ARGV, 3 do
  local chat, id, held = ARGV[place], ARGV[place + 1], tonumber(ARGV[place + 2])
  local payload = redis.call('GET', ARGV[1] .. chat)
  local at = redis.call('ZSCORE', KEYS[1], chat)
  local state = 'there'
  if redis.call('ZSCORE', KEYS[3], id) then
    state = 'done'
  elseif payload and not is_of(payload, id) then
    state = 'done'
  elseif not payload then
    state = 'lost'
  elseif redis.call('ZSCORE', KEYS[2], chat) then
    state = 'done'
  elseif not at then
    state = 'lost'
  elseif held > 0 and tonumber(at) < now + held then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + held), chat)
  end
  table.insert(found, state)
end
return found
"""
)

# Redis has lost it. ARGV: chat, id, payload, when it was written, how long the entry lives, how long it waits, when the
# episode ends (all ms).
PUT_BACK = (
    _NOW
    + _DONE
    + """
local chat, id, created = ARGV[1], ARGV[2], tonumber(ARGV[4])
if redis.call('ZSCORE', KEYS[5], id) then return 0 end
local payload = redis.call('GET', KEYS[1])
local running = redis.call('HMGET', KEYS[3], 'id', 'began')
local is_late = running[1] and running[1] ~= id and tonumber(running[2]) >= created
-- A later hand-off of the chat has been made meanwhile.
if is_late or (payload and not is_of(payload, id)) then
  done_with(KEYS[5], id, now)
  return 0
end
if redis.call('ZSCORE', KEYS[4], chat) then return 0 end
if not payload then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[5]) end
redis.call('ZADD', KEYS[2], 'NX', string.format('%.0f', now + tonumber(ARGV[6])), chat)
if running[1] ~= id and tonumber(ARGV[7]) > now then
  redis.call('HSET', KEYS[3], 'id', id, 'began', ARGV[4], 'turn', '0')
  redis.call('PEXPIREAT', KEYS[3], ARGV[7])
end
return 1
"""
)

# What this process knows to be done with: Redis may have forgotten that as well, and another process may have put the
# entry back. KEYS: due, dead, done. ARGV: what keys of entries begin with, then for each chat and id.
SETTLE = (
    _NOW
    + _DONE
    + """
for place = 2, #ARGV, 2 do
  local chat, id = ARGV[place], ARGV[place + 1]
  if not redis.call('ZSCORE', KEYS[3], id) then
    done_with(KEYS[3], id, now)
    local payload = redis.call('GET', ARGV[1] .. chat)
    if payload and is_of(payload, id) then
      redis.call('DEL', ARGV[1] .. chat)
      redis.call('ZREM', KEYS[1], chat)
      redis.call('ZREM', KEYS[2], chat)
    end
  end
end
return 1
"""
)

ALL = (
    *(OPEN, CONFIRM, ERASE, LATER, BURY, END, CLAIM, SET_ASIDE, REVIVE),
    *(LOOK, PUT_BACK, SETTLE),
)
