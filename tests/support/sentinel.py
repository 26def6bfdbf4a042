"""A real Sentinel that watches a master and its replica on loopback, and TLS in front of all three."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from tests.support.ports import free_port

USER, PASSWORD, SENTINEL_PASSWORD = "bot", "s3cr3t-bot", "s3cr3t-watch"
MASTER = "mymaster"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The ports of a Sentinel and of the servers that it watches; `kill` ends the first master as a crash would."""

    sentinel: int
    servers: tuple[int, int]
    processes: tuple[subprocess.Popen[bytes], ...]

    def kill(self) -> None:
        self.processes[0].kill()
        self.processes[0].wait()

    def client(self, server: int) -> Any:
        return redis.Redis(port=self.servers[server], username=USER, password=PASSWORD)


@contextmanager
def watched(binary: Path, folder: Path) -> Iterator[Watched]:
    """Start them, and leave nothing running."""
    folder.mkdir(exist_ok=True)
    first, second, sentinel = free_port(), free_port(), free_port()
    common = f"bind 127.0.0.1\ndir {folder}\nprotected-mode no\n"
    server = f'{common}save ""\nuser {USER} on >{PASSWORD} ~* &* +@all\nmasteruser {USER}\nmasterauth {PASSWORD}\n'
    server += "user default off\nrepl-diskless-sync-delay 0\n"
    watch = f"sentinel monitor {MASTER} 127.0.0.1 {first} 1\nsentinel auth-user {MASTER} {USER}\n"
    watch += f"sentinel auth-pass {MASTER} {PASSWORD}\nsentinel down-after-milliseconds {MASTER} 500\n"
    watch += f"sentinel failover-timeout {MASTER} 3000\nrequirepass {SENTINEL_PASSWORD}\n"
    processes = [_start(binary, folder / "first", f"{server}port {first}\n")]
    try:
        processes.append(_start(binary, folder / "second", f"{server}port {second}\nreplicaof 127.0.0.1 {first}\n"))
        # The replica has to be in step before a Sentinel takes it for one that may take over.
        found = Watched(sentinel=sentinel, servers=(first, second), processes=tuple(processes))
        _wait(lambda: found.client(1).info("replication")["master_link_status"] == "up")
        processes.append(_start(binary, folder / "watch", f"{common}{watch}port {sentinel}\n", "--sentinel"))
        watcher: Any = redis.Redis(port=sentinel, password=SENTINEL_PASSWORD)
        _wait(lambda: watcher.sentinel_masters()[MASTER]["num-slaves"] == 1)
        yield Watched(sentinel=sentinel, servers=(first, second), processes=tuple(processes))
    finally:
        for process in processes:
            process.kill()
            process.wait()


@asynccontextmanager
async def behind_tls(plain: Watched, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve all three behind TLS; yields the port of the Sentinel, which names the ports of the servers there."""
    ports = {port: free_port() for port in plain.servers}
    named = {f"\r\n{port}\r\n".encode(): f"\r\n{own}\r\n".encode() for port, own in ports.items()}
    sentinel = free_port()
    async with contextlib.AsyncExitStack() as servers:
        for port, own in ports.items():
            await servers.enter_async_context(await _tls(port, own, context, {}))
        await servers.enter_async_context(await _tls(plain.sentinel, sentinel, context, named))
        yield sentinel


async def _tls(plain: int, own: int, context: ssl.SSLContext, named: dict[bytes, bytes]) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to, back = await asyncio.open_connection("127.0.0.1", plain)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pass(reader, back, {}), _pass(to, writer, named))

    return await asyncio.start_server(serve, "127.0.0.1", own, ssl=context)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, named: dict[bytes, bytes]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1_000_000):
            for plain, own in named.items():
                data = data.replace(plain, own)
            writer.write(data)
            await writer.drain()
    writer.close()


def _start(binary: Path, place: Path, config: str, *options: str) -> subprocess.Popen[bytes]:
    path = place.with_suffix(".conf")
    path.write_text(config)
    with place.with_suffix(".log").open("ab") as log:
        return subprocess.Popen([str(binary), str(path), *options], stdout=log, stderr=log)


def _wait(for_what: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while True:
        with contextlib.suppress(redis.RedisError, KeyError):
            if for_what():
                return
        assert time.monotonic() < ends, "the Sentinel and its servers did not come up"
        time.sleep(0.05)
