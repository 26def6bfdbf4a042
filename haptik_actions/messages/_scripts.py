"""The scripts that change a message: value, history and draft as one, and only if nobody was faster.

All keys of one message lie in one slot of a cluster (see `_names`). A history is a list, newest first, of

    {"number": 4, "action": "publish", "author": "asha", "at": "2026-11-25T02:00:00+00:00", "why": "…",
     "value": "Hello!", "digest": "<SHA-1 of the value, empty where it was deleted>"}

The revision of a message is `<number>-<digest>`. Where the digest of the live value is not that of the newest version,
somebody has edited it by hand: that counts as a version of its own, and is written into the history before the next.
"""

from __future__ import annotations

__all__ = ["DRAFT", "LOOK", "WRITE"]

# What is no string is no draft: it is in the way of nothing, and the next draft takes its place.
_DRAFT_OF = """
local function draft_of(key)
  return redis.call('TYPE', key).ok == 'string' and redis.call('GET', key) or ''
end
local function digest_of(draft) return draft == '' and '' or redis.sha1hex(draft) end
"""

_STATE = f"""{_DRAFT_OF}
local kind = redis.call('TYPE', KEYS[1]).ok
local current = kind == 'string' and redis.call('GET', KEYS[1])
local digest = kind == 'none' and '' or current and redis.sha1hex(current) or kind
local head, number, known = redis.call('LINDEX', KEYS[2], 0), 0, ''
if head then
  local read, entry = pcall(cjson.decode, head)
  if read and type(entry) == 'table' then number, known = tonumber(entry.number) or 0, entry.digest
  else number, known = redis.call('LLEN', KEYS[2]), '?' end
end
local outside = digest ~= known
if outside then number = number + 1 end
local revision = string.format('%.0f', number) .. '-' .. digest
"""

# KEYS live, history, draft. Gives revision, number, kind, value, newest version, draft, edited by hand.
LOOK = f"""{_STATE}
return {{revision, number, kind, current or '', head or '', draft_of(KEYS[3]), outside and 1 or 0}}
"""

# KEYS live, history, draft; ARGV expected revision, `set` or `delete`, value, the version's JSON without its beginning,
# time, versions to keep, `1` to drop the draft, the draft's expected digest (empty: none). Gives 0 where the message is
# another one by now, -1 where the draft is.
WRITE = f"""{_STATE}
if revision ~= ARGV[1] then return 0 end
if ARGV[7] == '1' and digest_of(draft_of(KEYS[3])) ~= ARGV[8] then return -1 end
if outside then
  redis.call('LPUSH', KEYS[2], cjson.encode({{number = number, action = 'outside', author = '', at = ARGV[5], why = '',
    value = current or cjson.null, digest = digest}}))
end
redis.call('LPUSH', KEYS[2], '{{"number":' .. string.format('%.0f', number + 1) .. ',' .. ARGV[4])
redis.call('LTRIM', KEYS[2], 0, ARGV[6] - 1)
if ARGV[2] == 'set' then redis.call('SET', KEYS[1], ARGV[3]) else redis.call('DEL', KEYS[1]) end
if ARGV[7] == '1' then redis.call('DEL', KEYS[3]) end
return number + 1
"""

# KEYS draft; ARGV expected digest, new draft (empty: none).
DRAFT = f"""{_DRAFT_OF}
if digest_of(draft_of(KEYS[1])) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1
"""
