"""The scripts that take something out of a queue, and put it off."""

from __future__ import annotations

from haptik_actions.relay._scripts import CONVERSATION

__all__ = ["COLLECT", "FOR_AGENT", "FOR_USER", "LATER", "MOVED", "POLL", "RELEASE", "RENEW"]

# Tick one entry off and get the next. ARGV 3: token; 4: lease; 5: hold-back; 6: name of this call; 7: member that is
# done, or ''; 8: its row for the ledger; 9: for the inbox, or ''; 10: '1' where it was the end of the chat; 11: '1'
# where it may have been said twice.
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
elseif done ~= '' and ARGV[11] == '1' then
  -- Another process, which had lost its lease, was faster. It happened twice all the same.
  note(ARGV[8])
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
return {'go', head, string.sub(waiting, 14), again, whole(number('tries_user')), link_as_json()}
"""
)

# As FOR_USER, for what users wrote. ARGV 3: token; 4: lease; 5: name of this call; 6: number that is done, or '';
# 7: its row; 8: the platform's id of the message, or ''; 9: how long the move to a team has to wait, or ''; 10: '1'
# where it may have been sent twice.
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
elseif done ~= '' and ARGV[10] == '1' then
  note(ARGV[7])
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
  is_told and '1' or '0', team and '1' or '0', link_as_json()}
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
