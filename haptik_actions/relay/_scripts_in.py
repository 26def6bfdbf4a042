"""The scripts that put something into a queue: events of the platform, words of users, sentences of our own."""

from __future__ import annotations

from haptik_actions.relay._scripts import CONVERSATION

__all__ = ["EVENT", "LEAVE", "OWN", "TIMER", "WORDS"]

# ARGV 3: hold-back; 4: how long ago the process got it; 5: name under which it is seen; 6: business_id; 7: automated,
# human, pinned or ended; 8: order of twenty digits or an empty string; 9: content; 10: content of "an agent is here";
# 11: the agent's name, 12: user_name, 13: auth_id, 14: conversation_no, each as JSON or an empty string; 15: when it
# happened; 16: whether it tells all; 17: the token of the process where it says events to users itself, or ''.
EVENT = (
    CONVERSATION
    + """
if get('business_id') ~= ARGV[6] then return 'unknown' end
local hold, kind, at_order, content = tonumber(ARGV[3]), ARGV[7], ARGV[8], ARGV[9]
-- Whoever wants nothing held back need not wait for slow processes either.
local lag = hold > 0 and tonumber(ARGV[4]) or 0
if not is_new(ARGV[5]) then return 'twice' end
-- An earlier event may be in the hands of the process that has stored this one. Only that process knows, so it is given
-- a little more time than the others to say what is due.
local function wait_and_say()
  if ARGV[17] ~= '' and hold > 0 then
    redis.call('SET', leases.user, ARGV[17], 'PX', whole(hold + 2 * lag + 50), 'NX')
  end
  wake('user', hold + lag)
end
local learnt = false
for place, member in pairs({[12] = 'user_name', [13] = 'auth_id'}) do
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
  if tonumber(ARGV[15]) < opened - 2000 then return 'old' end
  local receipt = get('receipt') or '""'
  local member = '~end:' .. receipt
  if get('state') == '"ended"' or get('state') == nil then
    -- Nobody is there any more to read that the user has left.
    redis.call('HDEL', work, 'note')
    wake('agent', 0)
    return 'twice'
  end
  if ARGV[14] ~= '' then redis.call('HSET', link, 'conversation_no', ARGV[14]) end
  local known = redis.call('HGET', said, member)
  if known then
    if ARGV[16] == '1' and redis.call('HEXISTS', said, member .. '!') == 0 then
      count('said_bytes', #content + 13 - #known)
      redis.call('HSET', said, member, string.sub(known, 1, 13) .. content)
    end
    return 'twice'
  end
  redis.call('HSET', link, 'closing', 'true')
  redis.call('ZREM', timers, id)
  queue('+inf', member, now + lag, content)
  wait_and_say()
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
  local is_another = known ~= ARGV[11] and ARGV[11] ~= ''
  if state ~= '"agent"' or (kind == 'pinned' and is_another) then
    redis.call('HSET', link, 'state', '"agent"')
    if is_another then redis.call('HSET', link, 'agent', ARGV[11]) end
    redis.call('ZREM', timers, id)
    local score, member = tonumber(at_order), at_order .. ':0'
    if at_order == '' then score, member = behind_all('0') end
    queue(score, member, now + lag, ARGV[10])
    redis.call('HSET', work, 'here', member)
    wait_and_say()
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
  queue(score, member, now + lag, content)
else
  queue(tonumber(at_order), at_order .. ':1', now + lag, content)
end
wait_and_say()
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

# Words of the user. ARGV 3: name under `seen`; 4: content; 5: '1' where the user knows already that it takes long.
WORDS = (
    CONVERSATION
    + """
if redis.call('EXISTS', link) == 0 then return 'unknown' end
if redis.call('ZSCORE', seen, ARGV[3]) then return 'twice' end
if redis.call('LLEN', words) >= MOST or number('words_bytes') + #ARGV[4] > MOST_WORDS_BYTES then return 'full' end
is_new(ARGV[3])
redis.call('RPUSH', words, string.format('%012d', count('words', 1)) .. ARGV[4])
count('words_bytes', #ARGV[4] + 12)
if ARGV[5] == '1' then redis.call('HSET', work, 'told_delayed', '1') end
wake('agent', 0)
keep()
return 'stored'
"""
)
