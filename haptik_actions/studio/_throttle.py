"""The brake on guessing passwords: tries to sign in are counted per user and address, per user, and per address.

Counted in Redis, so that it holds for all processes of the studio and across a restart. A right password takes its
count back, so that nobody is kept out by their own visits. An office has one address: above the first limit of an
address a right password is still let in, and only a wrong one is told to wait.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis.asyncio import Redis

from haptik_actions._namespace import ROOT

__all__ = ["Knock", "Throttle"]

# In braces: one slot of a cluster, so that one script counts in all three places.
_PREFIX = f"{ROOT}studio:{{tries}}:"
_WINDOW_SECONDS = 15 * 60
# Per user and address few, so that guessing ends soon; per user more, so that a stranger elsewhere cannot lock a user
# out with a handful of tries; per address for those who try one password on many users.
_PAIR, _USER, _ADDRESS, _ADDRESS_AT_ALL = 5, 50, 30, 300

# KEYS: pair, user, address. ARGV: now, window, the four limits. Each key is a list of times. Returns how many seconds
# full places stay full: those that refuse the try, which is not counted then; and the address by its first limit.
_KNOCK = """
local function full(key, limit)
  if redis.call('LLEN', key) < tonumber(limit) then return 0 end
  return tonumber(redis.call('LINDEX', key, -tonumber(limit))) + tonumber(ARGV[2]) - tonumber(ARGV[1])
end
local wait = math.max(full(KEYS[1], ARGV[3]), full(KEYS[2], ARGV[4]), full(KEYS[3], ARGV[6]))
if wait > 0 then return {tostring(wait), '0'} end
local crowded = full(KEYS[3], ARGV[5])
for at, key in ipairs(KEYS) do
  redis.call('RPUSH', key, ARGV[1])
  redis.call('LTRIM', key, -tonumber(ARGV[6]), -1)
  redis.call('EXPIRE', key, ARGV[2])
end
return {'0', tostring(crowded)}
"""
_SUCCEEDED = """
redis.call('DEL', KEYS[1])
redis.call('RPOP', KEYS[2])
redis.call('RPOP', KEYS[3])
"""


@dataclass(frozen=True, slots=True)
class Knock:
    """Seconds to wait: `wait` before the password is looked at, `wait_if_wrong` after a wrong one; 0 for at once."""

    wait: int
    wait_if_wrong: int


class Throttle:
    """Tells how long a visitor has to wait before the next try; `clock` gives seconds since 1970."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        self._redis: Any = redis
        self._clock = clock

    async def knock(self, name: str, address: str) -> Knock:
        """Count a try, before the password is looked at: tries that come at once shall not all be the first."""
        limits = (_PAIR, _USER, _ADDRESS, _ADDRESS_AT_ALL)
        wait, crowded = await self._run(_KNOCK, name, address, self._clock(), _WINDOW_SECONDS, *limits)
        return Knock(math.ceil(max(0.0, float(wait))), math.ceil(max(0.0, float(crowded))))

    async def succeeded(self, name: str, address: str) -> None:
        """Take the try back, and forget the failures of this user at this address."""
        await self._run(_SUCCEEDED, name, address)

    async def unlock(self, name: str) -> bool:
        """Forget all failures of a user, at every address; tell whether there were any."""
        found = [key async for key in self._redis.scan_iter(f"{_PREFIX}pair:{_digest(_folded(name))}:*", count=1000)]
        gone = [await self._redis.delete(key) for key in (*found, _keys(name, "")[1])]
        return any(gone)

    async def _run(self, script: str, name: str, address: str, *arguments: Any) -> Any:
        call: Awaitable[Any] = self._redis.eval(script, 3, *_keys(name, address), *arguments)
        return await call


def _keys(name: str, address: str) -> tuple[str, str, str]:
    # Digests: a name may be anything that somebody typed, a password by mistake among it.
    user, place = _digest(_folded(name)), _digest(address)
    return f"{_PREFIX}pair:{user}:{place}", f"{_PREFIX}user:{user}", f"{_PREFIX}address:{place}"


def _folded(name: str) -> str:
    return name.casefold()[:64]


def _digest(text: str) -> str:
    return hashlib.blake2s(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
