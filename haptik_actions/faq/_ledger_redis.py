"""The ledger in Redis or Valkey: shared by every machine that applies.

Scripts do each step as one and by the clock of Redis. All keys of a domain share a hash tag, so that a cluster keeps
them in one slot:

    haptik:{faq:<domain>}:lock              <token> <owner>; expires when it is not renewed
    haptik:{faq:<domain>}:token             the token of the last lease
    haptik:{faq:<domain>}:runs              hash, run id -> the run as JSON
    haptik:{faq:<domain>}:order             sorted set, run id -> its place
    haptik:{faq:<domain>}:applied           the id of the applied run
    haptik:{faq:<domain>}:sets              the digests of the sets that are kept
    haptik:{faq:<domain>}:nodes:<digest>    the rows of a set, gzipped CSV
    haptik:{faq:<domain>}:index:<digest>    its index
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from haptik_actions.errors import FaqLocked, FaqLockLost, LedgerError
from haptik_actions.faq._ledger import RUNS_KEPT, Lease, Run
from haptik_actions.faq._node import NodeSet

if TYPE_CHECKING:
    from redis.asyncio import Redis

from haptik_actions._namespace import ROOT

__all__ = ["LEASE_SECONDS", "RedisLedger"]

LEASE_SECONDS = 30.0

_ACQUIRE = """
local holder = redis.call('GET', KEYS[1])
if holder then return {0, holder} end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], token .. ' ' .. ARGV[1], 'PX', ARGV[2])
return {token, ''}
"""

# A lock that ran out and that nobody has taken since is still the last holder's.
_RENEW = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
"""

_RELEASE = """
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

_RECORD = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local runs, order, applied = KEYS[2], KEYS[3], KEYS[4]
local id, run, done, most = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
redis.call('HSET', runs, id, run)
local last = redis.call('ZRANGE', order, -1, -1, 'WITHSCORES')
if not redis.call('ZSCORE', order, id) then redis.call('ZADD', order, (tonumber(last[2]) or 0) + 1, id) end
if done == '1' then redis.call('SET', applied, id) end
local keep = redis.call('GET', applied)
for _, old in ipairs(redis.call('ZRANGE', order, 0, -most - 1)) do
  if old ~= keep then
    redis.call('ZREM', order, old)
    redis.call('HDEL', runs, old)
  end
end
return 1
"""


class RedisLedger:
    """The ledger of `domain` on the Redis that `client` is connected to; `client` is closed with it.

    A lock that its holder has not renewed for `lease` seconds may be taken by another.
    """

    def __init__(self, client: Redis, domain: str, *, lease: float = LEASE_SECONDS) -> None:
        self.domain = domain
        # redis-py's types allow for a client that is not asyncio, and for answers in text.
        self._redis: Any = client
        self._lease_ms = round(lease * 1000)
        self.renew_seconds = lease / 4
        self._scripts = {script: client.register_script(script) for script in (_ACQUIRE, _RENEW, _RELEASE, _RECORD)}

    async def applied(self) -> Run | None:
        """See `Ledger`."""
        with _translated():
            run_id = await self._redis.get(self._key("applied"))
            return None if run_id is None else await self._run(run_id)

    async def runs(self, most: int = RUNS_KEPT) -> list[Run]:
        """See `Ledger`."""
        with _translated():
            ids = await self._redis.zrevrange(self._key("order"), 0, most - 1)
            return [run for run in [await self._run(run_id) for run_id in ids] if run is not None]

    async def nodes(self, digest: str) -> NodeSet | None:
        """See `Ledger`."""
        with _translated():
            index = await self._redis.get(self._key(f"index:{digest}"))
            packed = await self._redis.get(self._key(f"nodes:{digest}"))
            return None if index is None or packed is None else NodeSet.from_parts(index, packed)

    async def acquire(self, owner: str) -> Lease:
        """See `Ledger`."""
        with _translated():
            token, holder = await self._do(_ACQUIRE, ["lock", "token"], owner, self._lease_ms)
        if not token:
            who = holder.decode("utf-8", "replace").partition(" ")[2]
            raise FaqLocked(f"{who or 'Another process'} is applying to {self.domain!r}.")
        return Lease(token=int(token), owner=owner)

    async def renew(self, lease: Lease) -> None:
        """See `Ledger`."""
        with _translated():
            kept = await self._do(_RENEW, ["lock", "token"], lease.token, lease.owner, self._lease_ms)
        self._refuse_unless(kept)

    async def release(self, lease: Lease) -> None:
        """See `Ledger`."""
        with _translated():
            await self._do(_RELEASE, ["lock", "token"], lease.token)

    async def record(self, lease: Lease, run: Run, nodes: NodeSet | None = None) -> None:
        """See `Ledger`."""
        with _translated():
            if nodes is not None:
                await self._save(nodes)
            done = int(run.state == "done")
            keys = ["token", "runs", "order", "applied"]
            written = await self._do(_RECORD, keys, lease.token, run.id, msgspec.json.encode(run), done, RUNS_KEPT)
            self._refuse_unless(written)
            await self._sweep(run)

    async def aclose(self) -> None:
        """See `Ledger`."""
        from haptik_actions._redis import disconnect

        await disconnect(self._redis)

    async def _run(self, run_id: bytes) -> Run | None:
        known = await self._redis.hget(self._key("runs"), run_id.decode())
        return None if known is None else msgspec.json.decode(known, type=Run)

    async def _save(self, nodes: NodeSet) -> None:
        # Named by its content, a set may be written by whoever has it; only the run that names it is guarded.
        index, packed = nodes.to_parts()
        await self._redis.sadd(self._key("sets"), nodes.digest)
        await self._redis.set(self._key(f"index:{nodes.digest}"), index)
        await self._redis.set(self._key(f"nodes:{nodes.digest}"), packed)

    async def _sweep(self, run: Run) -> None:
        applied = await self.applied()
        wanted = {run.digest, applied.digest if applied else ""}
        for member in await self._redis.smembers(self._key("sets")):
            digest = member.decode()
            if digest not in wanted:
                await self._redis.delete(self._key(f"index:{digest}"), self._key(f"nodes:{digest}"))
                await self._redis.srem(self._key("sets"), digest)

    async def _do(self, script: str, keys: list[str], *args: Any) -> Any:
        return await self._scripts[script](keys=[self._key(key) for key in keys], args=list(args))

    def _key(self, name: str) -> str:
        return f"{ROOT}{{faq:{self.domain}}}:{name}"

    def _refuse_unless(self, kept: int) -> None:
        if not kept:
            raise FaqLockLost(f"The lock on {self.domain!r} was taken over by another process.")


@contextmanager
def _translated() -> Iterator[None]:
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError) as error:
        raise LedgerError(f"Redis does not answer ({type(error).__name__}).") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise LedgerError(f"What Redis holds of the ledger is damaged: {error}.") from error
