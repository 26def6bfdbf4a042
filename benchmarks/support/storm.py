"""Two thousand conversations fail at once on one worker, and the platform takes a hundred requests a second."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import redis.asyncio

from support.calls import Answer, Rasa, call_of, is_silent
from support.load import processes_of
from support.platform import Platform, Taken, start_platform
from support.processes import ActionServer, Valkey, until

ACTION = "action_check_order"
CONVERSATIONS = 2000
PLATFORM_LIMIT = 100
DEADLINE = 8.0
NO_LIMIT = 100_000
TEAM_LIMIT = 30
MEBIBYTE = 1024 * 1024


@asynccontextmanager
async def _worker(module: str) -> AsyncIterator[tuple[ActionServer, Platform, str]]:
    with tempfile.TemporaryDirectory(prefix="guard-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        (folder / "credentials").write_text("client token", encoding="utf-8")
        async with start_platform(PLATFORM_LIMIT) as platform:
            valkey = Valkey(folder)
            server = ActionServer(
                *(folder, "rasa_sdk", module),
                HAPTIK_BASE_URL=platform.url,
                REDIS_URL=valkey.url,
                BENCH_CREDENTIALS=str(folder / "credentials"),
                BENCH_LEASE="30",
            )
            try:
                await valkey.start()
                await server.start()
                yield server, platform, valkey.url
            finally:
                await server.kill()
                await valkey.kill()


def _resident(group: int) -> int:
    """Bytes of memory that the processes of a group have in use."""
    pages = 0
    for pid, _ in processes_of(group):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return pages * 4096


class _Memory:
    """The most memory that a process group has in use while the block runs."""

    def __init__(self, group: int) -> None:
        self._group = group
        self.idle = self.most = _resident(group)

    async def __aenter__(self) -> _Memory:
        self._watch = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watch.cancel()

    @property
    def above_idle(self) -> float:
        """In MiB."""
        return round((self.most - self.idle) / MEBIBYTE, 1)

    async def _look(self) -> None:
        while True:
            self.most = max(self.most, _resident(self._group))
            await asyncio.sleep(0.05)


async def measure_storm() -> dict[str, Any]:
    """Once with every hand-off sent at once, and once behind the team's limit."""
    return {
        "without_limit": await _storm(NO_LIMIT),
        "with_limit": await _storm(TEAM_LIMIT),
        "unguarded": {"memory_above_idle_mib": await _unguarded_memory()},
    }


async def _unguarded_memory() -> float:
    """What rasa-sdk's server needs by itself to be asked two thousand times at once."""
    async with _worker("plain") as (server, _, _):
        async with _Memory(server.pid) as memory, _open_connections(server) as session:
            await Rasa(server, patience=60).post_all(_calls({}), session)
        return memory.above_idle


def _calls(options: dict[str, Any]) -> list[dict[str, Any]]:
    return [call_of("rest", ACTION, f"user-{number}", "raises", options) for number in range(CONVERSATIONS)]


async def _storm(limit: int) -> dict[str, Any]:
    options = {"team": "orders", "deadline": DEADLINE, "limit": limit}
    async with _worker("decorated") as (server, platform, redis_url):
        rasa = Rasa(server, patience=60)
        await rasa.post_all([call_of("rest", ACTION, "first", "works", options)])
        async with _Memory(server.pid) as memory, _open_connections(server) as session:
            answers = await rasa.post_all(_calls(options), session)
            began = asyncio.get_running_loop().time()
            expected = CONVERSATIONS if limit == NO_LIMIT else limit
            await until(lambda: _has_taken(platform, expected), 180, pause=0.5)
            lasted = asyncio.get_running_loop().time() - began
        return {
            **_answered(answers),
            "memory_above_idle_mib": {"measured": memory.above_idle, "goal": "below 100"},
            **_delivered(await platform.taken(), await _waiting(redis_url), limit),
            "seconds_until_delivered": round(lasted, 1),
        }


@asynccontextmanager
async def _open_connections(server: ActionServer) -> AsyncIterator[aiohttp.ClientSession]:
    """As many connections as conversations, open: how fast a kernel accepts them is not what is measured."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def greet() -> None:
            async with session.get(f"http://127.0.0.1:{server.port}/health") as reply:
                await reply.read()
                await asyncio.sleep(0.5)

        await asyncio.gather(*(greet() for _ in range(CONVERSATIONS)))
        yield session


async def _has_taken(platform: Platform, chats: int) -> bool:
    return (await platform.taken()).chats >= chats


async def _waiting(redis_url: str) -> int:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        return int(await client.zcard("haptik:{outbox}:due"))


def _answered(answers: list[Answer]) -> dict[str, Any]:
    seconds = [answer.seconds for answer in answers]
    return {
        "conversations": len(answers),
        "silent": {"measured": sum(is_silent(ACTION, answer) for answer in answers), "goal": 0},
        "receipts": dict(Counter(str(answer.receipt) for answer in answers)),
        "slowest_answer_seconds": {"measured": round(max(seconds), 2), "goal": f"at most {DEADLINE:g}"},
        "median_answer_seconds": round(statistics.median(seconds), 2),
    }


def _delivered(taken: Taken, waiting: int, limit: int) -> dict[str, Any]:
    everything = limit == NO_LIMIT
    return {
        "delivered": {"measured": taken.chats, "goal": CONVERSATIONS if everything else f"at most {limit} a minute"},
        "delivered_or_in_the_outbox": {"measured": taken.chats + waiting, "goal": CONVERSATIONS},
        "doubled": {"measured": taken.doubled, "goal": 0},
        "refused_by_the_platform": taken.refused,
    }
