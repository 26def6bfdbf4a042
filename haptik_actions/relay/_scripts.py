"""What is done on Redis as one step. Every script gets the thirteen keys of `_keys.keys_of`, the id and the time.

Times are milliseconds by the clock of Redis; a test gives its own in place of 0. Behind the time may stand a colon and
the name of the process, which then need not be told what it has just enqueued itself. Members of the link are JSON, so
a string is compared with its quotes. Where a connection broke and redis-py asked again, the second answer is that of
the first: whatever adds something carries a name of its own, which is noted under `seen`.
"""

from __future__ import annotations

from haptik_actions.relay._board import WAKE

__all__ = ["ASKED", "CONVERSATION", "PREPARE", "RESTORE", "UPDATE", "WITHDRAW"]

CONVERSATION = (
    f"local WAKE = '{WAKE}'"
    + """
local link, work, order, said, words = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local seen, inbox, ledger, timers = KEYS[6], KEYS[7], KEYS[8], KEYS[13]
local leases = {user = KEYS[9], agent = KEYS[10]}
local dues = {user = KEYS[11], agent = KEYS[12]}
local id, stamp, from = ARGV[1], string.match(ARGV[2], '^(%d+)(.*)$')
local now = tonumber(stamp)
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local WEEK, SEEN_MS, MOST_SEEN = 604800000, 10800000, 5000
local MOST, MOST_SAID_BYTES, MOST_WORDS_BYTES = 1000, 8000000, 32000000

local function whole(number) return string.format('%.0f', number) end
local function get(member) return redis.call('HGET', link, member) end
-- One string is read much faster than forty.
local function link_as_json()
  local all, members = redis.call('HGETALL', link), {}
  for place = 1, #all, 2 do table.insert(members, '"' .. all[place] .. '":' .. all[place + 1]) end
  return '{' .. table.concat(members, ',') .. '}'
end
local function keep()
  for place = 1, 6 do redis.call('PEXPIRE', KEYS[place], WEEK) end
  redis.call('PEXPIRE', ledger, WEEK)
end
local function due(lane, at)
  local known = redis.call('ZSCORE', dues[lane], id)
  if not known or tonumber(known) > at then redis.call('ZADD', dues[lane], whole(at), id) end
end
local function wake(lane, after)
  due(lane, now + after)
  -- A user who may not publish is served by polling.
  redis.pcall('PUBLISH', WAKE, lane .. ':' .. id .. ':' .. whole(after) .. from)
end
local function is_new(name)
  if redis.call('ZADD', seen, 'NX', whole(now), name) == 0 then return false end
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', whole(now - SEEN_MS))
  redis.call('ZREMRANGEBYRANK', seen, 0, -MOST_SEEN - 1)
  return true
end
local function note(row)
  redis.call('RPUSH', ledger, row)
  redis.call('LTRIM', ledger, -500, -1)
end
local function count(name, by) return redis.call('HINCRBY', work, name, by) end
local function number(name) return tonumber(redis.call('HGET', work, name) or '0') end
local function is_handed_over()
  local state = get('state')
  return (state == '"asked"' or state == '"agent"') and get('closing') ~= 'true'
end
local function has_room(payload)
  return redis.call('ZCARD', order) < MOST and number('said_bytes') + #payload <= MOST_SAID_BYTES
end
-- What waits for the user: when it came, in thirteen digits, and the content. `arrived` 0: no need to hold it back.
local function queue(score, member, arrived, payload)
  if redis.call('HEXISTS', said, member) == 1 then return end
  redis.call('ZADD', order, score, member)
  redis.call('HSET', said, member, string.format('%013.0f', arrived) .. payload)
  count('said_bytes', #payload + 13)
end
local function behind_all(mark)
  local last = redis.call('HGET', work, 'last') or string.rep('0', 20)
  return tonumber(last), last .. ':' .. mark .. ':' .. string.format('%012d', count('number', 1))
end
local function say_own(payload)
  local score, member = behind_all('3')
  queue(score, member, 0, payload)
  wake('user', 0)
end
local function hold_lease(lane, token, ms)
  local holder = redis.call('GET', leases[lane])
  if holder and holder ~= token then return math.max(1, redis.call('PTTL', leases[lane])) end
  redis.call('SET', leases[lane], token, 'PX', ms)
  return 0
end
local function let_go(lane, token)
  if redis.call('GET', leases[lane]) == token then redis.call('DEL', leases[lane]) end
end
local function over()
  redis.call('HSET', link, 'state', '"ended"', 'closing', 'false', 'paused', 'false')
  redis.call('HDEL', work, 'told_delayed', 'pause_agent', 'tries_agent')
  redis.call('ZREM', timers, id)
  if redis.call('LLEN', words) > 0 then wake('agent', 0) end
end
"""
)

# ARGV 3: how many pairs of member and JSON follow that are set in any case. The pairs behind them are set where nothing
# stands there.
PREPARE = (
    CONVERSATION
    + """
if is_handed_over() then return redis.call('HGETALL', link) end
local place, set = 4, {}
for _ = 1, tonumber(ARGV[3]) do
  table.insert(set, ARGV[place])
  table.insert(set, ARGV[place + 1])
  place = place + 2
end
redis.call('HSET', link, unpack(set))
while ARGV[place] do
  if not get(ARGV[place]) then redis.call('HSET', link, ARGV[place], ARGV[place + 1]) end
  place = place + 2
end
redis.call('HDEL', work, 'told_delayed', 'told_nobody', 'note', 'pause_agent', 'tries_agent')
redis.call('ZREM', timers, id)
keep()
return redis.call('HGETALL', link)
"""
)

# ARGV 3: receipt; 4: paused; 5: when the user is told that nobody came, in ms, or an empty string.
ASKED = (
    CONVERSATION
    + """
if get('receipt') ~= ARGV[3] then return {} end
local state = get('state')
if state == '"bot"' then redis.call('HSET', link, 'state', '"asked"') end
if state ~= '"ended"' then
  redis.call('HSET', link, 'paused', ARGV[4])
  if ARGV[5] ~= '' and get('closing') ~= 'true' and get('state') == '"asked"' then
    redis.call('ZADD', timers, ARGV[5], id)
  end
  wake('agent', 0)
end
keep()
return redis.call('HGETALL', link)
"""
)

WITHDRAW = (
    CONVERSATION
    + """
if get('receipt') ~= ARGV[3] or get('state') ~= '"bot"' then return 0 end
over()
return 1
"""
)

# ARGV 3 and on: pairs of member and JSON.
UPDATE = (
    CONVERSATION
    + """
if redis.call('EXISTS', link) == 0 then return {} end
redis.call('HSET', link, unpack(ARGV, 3))
redis.call('HDEL', work, 'pause_agent')
if is_handed_over() then wake('agent', 0) end
keep()
return redis.call('HGETALL', link)
"""
)

# Redis has lost the link. ARGV 3: when the user is told that nobody came, in ms, or an empty string; then pairs of
# member and JSON.
RESTORE = (
    CONVERSATION
    + """
if redis.call('EXISTS', link) == 1 then return redis.call('HGETALL', link) end
redis.call('HSET', link, unpack(ARGV, 4))
if ARGV[3] ~= '' and tonumber(ARGV[3]) > now then redis.call('ZADD', timers, ARGV[3], id) end
wake('agent', 0)
keep()
return redis.call('HGETALL', link)
"""
)
