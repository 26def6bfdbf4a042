"""A real cluster of three primaries on loopback."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from tests.support.patience import SECONDS
from tests.support.ports import free_port

SLOTS = 16384


@contextmanager
def running_cluster(binary: Path, folder: Path) -> Iterator[int]:
    """Start it, and leave nothing running; yields the port of one primary."""
    ports = [free_port() for _ in range(3)]
    processes = [_start(binary, port, folder / str(port)) for port in ports]
    try:
        _join(ports)
        yield ports[0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(binary: Path, port: int, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "save": "",
        "dir": folder,
        "cluster-enabled": "yes",
        # How long a server of the cluster may stall without being taken for one that is gone, in milliseconds.
        "cluster-node-timeout": int(1000 * SECONDS),
        "cluster-config-file": folder / "nodes.conf",
        # By default ten thousand above the port, which may be no port at all.
        "cluster-port": free_port(),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    log = (folder / "log").open("wb")
    return subprocess.Popen([str(binary), *words], stdout=log, stderr=log)


def _join(ports: list[int]) -> None:
    clients: list[Any] = [
        redis.Redis(port=port, socket_timeout=SECONDS, socket_connect_timeout=SECONDS) for port in ports
    ]
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
    ends = time.monotonic() + SECONDS
    while not for_what():
        assert time.monotonic() < ends, "the cluster did not come up"
        time.sleep(0.05)
