"""What production code would set: where the credentials come from. The lease is short so that nobody waits long."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from haptik_actions._redis import connect
from haptik_actions.actions import Runtime, configure
from haptik_actions.credentials import Credentials
from haptik_actions.escalation import RedisOutbox, ResilientOutbox


class Vault:
    """A source of credentials that is down while its file is missing."""

    async def get(self) -> Credentials:
        client_id, token = (await asyncio.to_thread(self._read)).split()
        return Credentials(client_id=client_id, token=token)

    def _read(self) -> str:
        return Path(os.environ["BENCH_CREDENTIALS"]).read_text(encoding="utf-8")


def make_runtime() -> Runtime:
    redis = connect(os.environ["REDIS_URL"], seconds=0.5)
    lease = float(os.environ["BENCH_LEASE"])
    return Runtime(credentials=Vault(), outbox=ResilientOutbox(RedisOutbox(redis, lease=lease)))


configure(make_runtime)
