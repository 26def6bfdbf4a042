"""Requests a second of an action server with a guarded action, against one with the same action unguarded."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

from support.calls import call_of
from support.cost import MICRO, OPTIONS
from support.processes import ActionServer

SIDES = ("plain", "guarded")
CONNECTIONS = 16
REQUESTS = 3200
LAUNCHES = 5
"""Two servers of the same code differ by up to a tenth, by where their memory lies: so each side is started anew."""
ROUNDS = 5


class _Connection(asyncio.Protocol):
    """One connection that posts the same request again and again. No HTTP library: the server is to be the slow one."""

    def __init__(self, request: bytes, count: int) -> None:
        self._request, self._left = request, count
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        assert head.startswith(b"HTTP/1.1 200"), head
        self._buffer = b""
        self._left -= 1
        if self._left:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server hung up"))


def _post_all(port: int, body: bytes, requests: int) -> float:
    """Requests a second. Runs in a process of its own."""
    head = f"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    request = head.encode() + b"\r\n\r\n" + body

    async def run() -> float:
        loop = asyncio.get_running_loop()
        began = time.perf_counter()
        connections = [
            await loop.create_connection(lambda: _Connection(request, requests // CONNECTIONS), "127.0.0.1", port)
            for _ in range(CONNECTIONS)
        ]
        await asyncio.gather(*(protocol.done for _, protocol in connections))
        return requests / (time.perf_counter() - began)

    return asyncio.run(run())


def cpu_seconds(group: int) -> float:
    """CPU that the processes of a group have used so far."""
    threads = [thread for pid, _ in processes_of(group) for thread in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def processes_of(group: int) -> list[tuple[int, list[str]]]:
    """The processes of a group, with the fields of /proc/PID/stat from the third on (the state) in order."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[2]) == group:
                found.append((int(entry.name), fields))
    return found


async def measure_throughput() -> dict[str, Any]:
    """Two servers, loaded in turns, and again with new ones: what else the machine does slows both sides down."""
    body = json.dumps(call_of("rest", "action_check_order", "asha", "works", OPTIONS)).encode()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return _throughput([await _launch(pool, body) for _ in range(LAUNCHES)])


async def _launch(pool: Pool, body: bytes) -> dict[str, tuple[float, float]]:
    """The best rounds of two new servers: microseconds that pass, and of CPU, per request."""
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        servers = {}
        for side in SIDES:
            (Path(folder) / side).mkdir()
            servers[side] = ActionServer(Path(folder) / side, "rasa_sdk", f"speed_{side}")
        try:
            for server in servers.values():
                await server.start()
            rounds = []
            for number in range(ROUNDS + 1):
                turns = list(servers.items())[:: -1 if number % 2 else 1]
                rounds.append({side: await _round(pool, server, body) for side, server in turns})
        finally:
            for server in servers.values():
                await server.kill()
    # The first one warms up. What else the machine does only ever slows a round down.
    return {side: _best([each[side] for each in rounds[1:]]) for side in SIDES}


def _best(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    return min(took for took, _ in rounds), min(cpu for _, cpu in rounds)


async def _round(pool: Pool, server: ActionServer, body: bytes) -> tuple[float, float]:
    used = cpu_seconds(server.pid)
    rate = await asyncio.to_thread(pool.apply, _post_all, (server.port, body, REQUESTS))
    return MICRO / rate, MICRO * (cpu_seconds(server.pid) - used) / REQUESTS


def _throughput(launches: list[dict[str, tuple[float, float]]]) -> dict[str, Any]:
    took, cpu = ({side: [each[side][which] for each in launches] for side in SIDES} for which in (0, 1))

    def kept(times: dict[str, list[float]], choose: Callable[[list[float]], float]) -> float:
        return round(choose(times["plain"]) / choose(times["guarded"]), 3)

    return {
        "requests_per_second": {side: round(MICRO / min(took[side])) for side in SIDES},
        "server_cpu_us_per_request": {side: [round(each, 1) for each in sorted(cpu[side])] for side in SIDES},
        "guarded_vs_plain": {"measured": kept(took, min), "goal": "at least 0.95"},
        "guarded_vs_plain_by_cpu": {"best": kept(cpu, min), "median": kept(cpu, statistics.median)},
    }
