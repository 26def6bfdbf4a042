"""What is done on Redis as one step. Every script gets the thirteen keys of `_keys.keys_of`, the id and the time.

Times are milliseconds by the clock of Redis; a test gives its own in place of 0. Members of the link are JSON, so a
string is compared with its quotes. Where a connection broke and redis-py asked again, the second answer is that of the
first: whatever adds something carries a name of its own, which is noted under `seen`.
"""

from __future__ import annotations

__all__ = [
    "ASKED",
    "COLLECT",
    "CONVERSATION",
    "EVENT",
    "FOR_AGENT",
    "FOR_USER",
    "LATER",
    "LEAVE",
    "MOVED",
    "OWN",
    "POLL",
    "PREPARE",
    "RELEASE",
    "RENEW",
    "TIMER",
    "UPDATE",
    "WITHDRAW",
    "WORDS",
]

CONVERSATION = """
local link, work, order, said, words = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local seen, inbox, ledger, timers = KEYS[6], KEYS[7], KEYS[8], KEYS[13]
local leases = {user = KEYS[9], agent = KEYS[10]}
local dues = {user = KEYS[11], agent = KEYS[12]}
local id, now = ARGV[1], tonumber(ARGV[2])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local WEEK, SEEN_MS, MOST_SEEN = 604800000, 10800000, 5000
local MOST, MOST_SAID_BYTES, MOST_WORDS_BYTES = 1000, 8000000, 32000000

local function whole(number) return string.format('%.0f', number) end
local function get(member) return redis.call('HGET', link, member) end
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
  redis.pcall('PUBLISH', 'haptik:relay:wake', lane .. ':' .. id .. ':' .. whole(after))
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

# ARGV 3: hold-back; 4: name under which it is seen; 5: business_id; 6: automated, human, pinned or ended; 7: order of
# twenty digits or an empty string; 8: content; 9: content of "an agent is here"; 10: the agent's name, 11: user_name,
# 12: auth_id, 13: conversation_no, each as JSON or an empty string; 14: when it happened; 15: whether it tells all.
EVENT = (
    CONVERSATION
    + """
if get('business_id') ~= ARGV[5] then return 'unknown' end
local hold, kind, at_order, content = tonumber(ARGV[3]), ARGV[6], ARGV[7], ARGV[8]
if not is_new(ARGV[4]) then return 'twice' end
local learnt = false
for place, member in pairs({[11] = 'user_name', [12] = 'auth_id'}) do
  local known = get(member)
  if ARGV[place] ~= '' and (not known or known == 'null') then
    redis.call('HSET', link, member, ARGV[place])
    learnt = true
  end
end
if learnt then
  redis.call('HDEL', work, 'pause_agent')
  wake('agent', 0)
end
local function ended()
  local opened = tonumber(get('opened_at') or '0') * 1000
  -- Clocks differ a little. An end that comes from an earlier episode is older than that.
  if tonumber(ARGV[14]) < opened - 2000 then return 'old' end
  local receipt = get('receipt') or '""'
  local member = '~end:' .. receipt
  if get('state') == '"ended"' or get('state') == nil then
    -- Nobody is there any more to read that the user has left.
    redis.call('HDEL', work, 'note')
    wake('agent', 0)
    return 'twice'
  end
  if ARGV[13] ~= '' then redis.call('HSET', link, 'conversation_no', ARGV[13]) end
  local known = redis.call('HGET', said, member)
  if known then
    if ARGV[15] == '1' and redis.call('HEXISTS', said, member .. '!') == 0 then
      count('said_bytes', #content + 13 - #known)
      redis.call('HSET', said, member, string.sub(known, 1, 13) .. content)
    end
    return 'twice'
  end
  redis.call('HSET', link, 'closing', 'true')
  redis.call('ZREM', timers, id)
  queue('+inf', member, now, content)
  wake('user', hold)
  return 'stored'
end
if kind == 'ended' then
  local became = ended()
  keep()
  return became
end
if at_order ~= '' and at_order > (redis.call('HGET', work, 'last') or '') then
  redis.call('HSET', work, 'last', at_order)
end
local state, known = get('state'), get('agent')
if kind ~= 'automated' and state ~= '"ended"' and get('closing') ~= 'true' then
  local is_another = known ~= ARGV[10] and ARGV[10] ~= ''
  if state ~= '"agent"' or (kind == 'pinned' and is_another) then
    redis.call('HSET', link, 'state', '"agent"')
    if is_another then redis.call('HSET', link, 'agent', ARGV[10]) end
    redis.call('ZREM', timers, id)
    local score, member = tonumber(at_order), at_order .. ':0'
    if at_order == '' then score, member = behind_all('0') end
    queue(score, member, now, ARGV[9])
    redis.call('HSET', work, 'here', member)
    wake('user', hold)
  else
    -- It was a later message that said first that an agent is there. Nobody has told the user yet.
    local here = redis.call('HGET', work, 'here')
    local waiting = here and at_order ~= '' and at_order < here and redis.call('HGET', said, here)
    if waiting and redis.call('HEXISTS', said, here .. '!') == 0 then
      redis.call('ZREM', order, here)
      redis.call('HDEL', said, here)
      redis.call('ZADD', order, tonumber(at_order), at_order .. ':0')
      redis.call('HSET', said, at_order .. ':0', waiting)
      redis.call('HSET', work, 'here', at_order .. ':0')
    end
  end
end
if kind == 'pinned' then
  keep()
  return 'stored'
end
if not has_room(content) then
  keep()
  return 'full'
end
if at_order == '' then
  local score, member = behind_all('2')
  queue(score, member, now, content)
else
  queue(tonumber(at_order), at_order .. ':1', now, content)
end
wake('user', hold)
keep()
return 'stored'
"""
)

# A sentence of the relay's own. ARGV 3: its name under `seen`; 4: content; 5: a field that says it was told, or ''.
OWN = (
    CONVERSATION
    + """
if redis.call('EXISTS', link) == 0 or not has_room(ARGV[4]) then return 0 end
if ARGV[5] ~= '' and redis.call('HSETNX', work, ARGV[5], '1') == 0 then return 0 end
if not is_new(ARGV[3]) then return 0 end
say_own(ARGV[4])
keep()
return 1
"""
)

# Nobody has come in time. ARGV 3: content.
TIMER = (
    CONVERSATION
    + """
local at = redis.call('ZSCORE', timers, id)
if not at or tonumber(at) > now then return 0 end
redis.call('ZREM', timers, id)
if get('state') ~= '"asked"' or not is_handed_over() then return 0 end
if redis.call('HSETNX', work, 'told_nobody', '1') == 0 then return 0 end
say_own(ARGV[3])
keep()
return 1
"""
)

# The user goes back to the bot. ARGV 3: name under `seen`; 4: content of the end; 5: content of the note for the agent.
LEAVE = (
    CONVERSATION
    + """
if not is_handed_over() or not is_new(ARGV[3]) then return 0 end
redis.call('HSET', link, 'closing', 'true')
redis.call('ZREM', timers, id)
queue('+inf', '~end:' .. (get('receipt') or '""'), 0, ARGV[4])
local number = count('words', 1)
redis.call('RPUSH', words, string.format('%012d', number) .. ARGV[5])
count('words_bytes', #ARGV[5] + 12)
redis.call('HSET', work, 'note', number)
wake('user', 0)
wake('agent', 0)
keep()
return 1
"""
)

# Words of the user. ARGV 3: name under `seen`; 4: content.
WORDS = (
    CONVERSATION
    + """
if redis.call('EXISTS', link) == 0 then return 'unknown' end
if redis.call('ZSCORE', seen, ARGV[3]) then return 'twice' end
if redis.call('LLEN', words) >= MOST or number('words_bytes') + #ARGV[4] > MOST_WORDS_BYTES then return 'full' end
is_new(ARGV[3])
redis.call('RPUSH', words, string.format('%012d', count('words', 1)) .. ARGV[4])
count('words_bytes', #ARGV[4] + 12)
wake('agent', 0)
keep()
return 'stored'
"""
)

# Tick one entry off and get the next. ARGV 3: token; 4: lease; 5: hold-back; 6: name of this call; 7: member that is
# done, or ''; 8: its row for the ledger; 9: for the inbox, or ''; 10: '1' where it was the end of the chat.
FOR_USER = (
    CONVERSATION
    + """
local token, done = ARGV[3], ARGV[7]
local content = done ~= '' and redis.call('HGET', said, done)
if content then
  redis.call('ZREM', order, done)
  redis.call('HDEL', said, done, done .. '!')
  redis.call('HDEL', work, 'tries_user', 'pause_user')
  count('said_bytes', -#content)
  note(ARGV[8])
  if ARGV[9] ~= '' then
    redis.call('RPUSH', inbox, string.format('%012d', count('inbox', 1)) .. string.format('%013.0f', now) .. ARGV[9])
    redis.call('LTRIM', inbox, -500, -1)
    redis.call('PEXPIRE', inbox, 86400000)
  end
  if ARGV[10] == '1' and '~end:' .. (get('receipt') or '""') == done then over() end
  keep()
end
if redis.call('EXISTS', link) == 0 then
  redis.call('ZREM', dues.user, id)
  return {'nothing'}
end
local other = hold_lease('user', token, ARGV[4])
if other > 0 then
  redis.call('ZADD', dues.user, whole(now + other), id)
  return {'wait', whole(other)}
end
local head, waiting
repeat
  head = redis.call('ZRANGE', order, 0, 0)[1]
  waiting = head and redis.call('HGET', said, head)
  if head and not waiting then redis.call('ZREM', order, head) end
until waiting or not head
if not head then
  redis.call('DEL', said, leases.user)
  redis.call('HDEL', work, 'said_bytes')
  redis.call('ZREM', dues.user, id)
  return {'nothing'}
end
local at = math.max(tonumber(string.sub(waiting, 1, 13)) + tonumber(ARGV[5]), number('pause_user'))
if string.sub(waiting, 1, 13) == '0000000000000' then at = number('pause_user') end
if at > now then
  redis.call('DEL', leases.user)
  redis.call('ZADD', dues.user, whole(at), id)
  return {'wait', whole(at - now)}
end
local before = redis.call('HGET', said, head .. '!')
redis.call('HSET', said, head .. '!', ARGV[6])
redis.call('ZADD', dues.user, whole(now + tonumber(ARGV[4])), id)
local again = before and before ~= ARGV[6] and '1' or '0'
return {'go', head, string.sub(waiting, 14), again, whole(number('tries_user')), redis.call('HGETALL', link)}
"""
)

# As FOR_USER, for what users wrote. ARGV 3: token; 4: lease; 5: name of this call; 6: number that is done, or '';
# 7: its row; 8: the platform's id of the message, or ''; 9: how long the move to a team has to wait, or ''.
FOR_AGENT = (
    CONVERSATION
    + """
local token, done = ARGV[3], ARGV[6]
local head = redis.call('LINDEX', words, 0)
if done ~= '' and head and string.sub(head, 1, 12) == done then
  redis.call('LPOP', words)
  redis.call('HDEL', work, 'begun_agent', 'tries_agent', 'pause_agent')
  count('words_bytes', -#head)
  note(ARGV[7])
  if ARGV[8] ~= '' then
    redis.call('HSET', work, 'sent', ARGV[8])
    redis.call('HDEL', work, 'told_delayed')
  end
  if number('note') == tonumber(done) then redis.call('HDEL', work, 'note') end
  head = redis.call('LINDEX', words, 0)
  keep()
end
local state = get('state')
local team = state == '"asked"' and get('moved') ~= 'true' and (get('teams') or '[]') ~= '[]'
  and (get('user_name') or 'null') ~= 'null' and get('closing') ~= 'true'
-- What was written before the user left is for the agent; what was written while the chat ends is for the bot.
local is_told = head and tonumber(string.sub(head, 1, 12)) <= number('note')
-- Until an event tells who the user is on Haptik, nothing can be sent.
local is_known = (get('auth_id') or 'null') ~= 'null'
local ready = head and ((is_known and (is_told or is_handed_over())) or (state == '"ended"' and not is_told))
local is_put_off = team and ARGV[9] ~= ''
if is_put_off then team = false end
if not state or not (ready or team) then
  let_go('agent', token)
  redis.call('ZREM', dues.agent, id)
  if is_put_off then due('agent', now + tonumber(ARGV[9])) end
  return {'nothing'}
end
local other = hold_lease('agent', token, ARGV[4])
if other > 0 then
  redis.call('ZADD', dues.agent, whole(now + other), id)
  return {'wait', whole(other)}
end
local pause = number('pause_agent')
if pause > now then
  redis.call('DEL', leases.agent)
  redis.call('ZADD', dues.agent, whole(pause), id)
  return {'wait', whole(pause - now)}
end
local before, again = redis.call('HGET', work, 'begun_agent'), '0'
if head and ready then
  if before and before ~= ARGV[5] then again = '1' end
  if not team then redis.call('HSET', work, 'begun_agent', ARGV[5]) end
end
redis.call('ZADD', dues.agent, whole(now + tonumber(ARGV[4])), id)
return {'go', ready and head or '', again, whole(number('tries_agent')), redis.call('HGET', work, 'sent') or '',
  is_told and '1' or '0', team and '1' or '0', redis.call('HGETALL', link)}
"""
)

# The chat is with a team, or stays where it is. ARGV 3: receipt; 4: row for the ledger.
MOVED = (
    CONVERSATION
    + """
if get('receipt') ~= ARGV[3] then return 0 end
redis.call('HSET', link, 'moved', 'true')
note(ARGV[4])
return 1
"""
)

# The head could not be done. ARGV 3: lane; 4: token; 5: pause; 6: the member whose mark `begun` goes, or ''.
LATER = (
    CONVERSATION
    + """
local lane, pause = ARGV[3], tonumber(ARGV[5])
if redis.call('GET', leases[lane]) ~= ARGV[4] then return 0 end
redis.call('DEL', leases[lane])
if ARGV[6] ~= '' then
  if lane == 'user' then redis.call('HDEL', said, ARGV[6] .. '!') else redis.call('HDEL', work, 'begun_agent') end
end
count('tries_' .. lane, 1)
redis.call('HSET', work, 'pause_' .. lane, whole(now + pause))
redis.call('ZADD', dues[lane], whole(now + pause), id)
return 1
"""
)

# ARGV 3: lane; 4: token; 5: lease.
RENEW = (
    CONVERSATION
    + """
local lane = ARGV[3]
if redis.call('GET', leases[lane]) ~= ARGV[4] then return 0 end
redis.call('PEXPIRE', leases[lane], ARGV[5])
redis.call('ZADD', dues[lane], whole(now + tonumber(ARGV[5])), id)
return 1
"""
)

# Nothing was done. ARGV 3: lane; 4: token; 5: the member whose mark `begun` goes, or ''; 6: look again after.
RELEASE = (
    CONVERSATION
    + """
local lane = ARGV[3]
if redis.call('GET', leases[lane]) ~= ARGV[4] then return 0 end
redis.call('DEL', leases[lane])
if ARGV[5] ~= '' then
  if lane == 'user' then redis.call('HDEL', said, ARGV[5] .. '!') else redis.call('HDEL', work, 'begun_agent') end
end
redis.call('ZADD', dues[lane], whole(now + tonumber(ARGV[6])), id)
return 1
"""
)

# ARGV 3: what is above this number, or an empty string for what was not returned yet.
COLLECT = (
    CONVERSATION
    + """
local after = ARGV[3] ~= '' and tonumber(ARGV[3]) or number('collected')
local found, last = {}, number('collected')
for _, entry in ipairs(redis.call('LRANGE', inbox, 0, -1)) do
  local at = tonumber(string.sub(entry, 1, 12))
  if at > after then table.insert(found, entry) end
  if at > after and at > last then last = at end
end
redis.call('HSET', work, 'collected', last)
redis.call('PEXPIRE', work, WEEK)
return found
"""
)

# KEYS: due for users, due for agents, timers. ARGV 1: time; 2: how many; 3 to 5: how many to pass over in each.
POLL = """
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local found = {}
for place = 1, 3 do
  found[place] = redis.call('ZRANGEBYSCORE', KEYS[place], '-inf', now, 'LIMIT', ARGV[place + 2], ARGV[2])
end
return found
"""
