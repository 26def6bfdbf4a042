"""The action server is killed again and again while users fail: what was promised is kept, and no chat is two."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import redis.asyncio

from haptik_actions.sandbox import Fault, Sandbox, serve
from tests.support.action_server import ActionServer
from tests.support.patience import SECONDS, until
from tests.support.rasa import action_call
from tests.support.valkey import Valkey

ACTIONS = Path(__file__).parents[1] / "support" / "killed_actions"
USERS = [f"user-{number}" for number in range(300)]
BUSINESS = 1201
CALLERS = 8
KILLS = 5
SEED = 20261122


class KillableServer(ActionServer):
    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def start(self) -> None:
        self.__enter__()

    @property
    def webhook(self) -> str:
        return f"http://127.0.0.1:{self._port}/webhook"


class Run:
    """300 users fail; the server dies at seeded moments. Knows what each was told, and what was written down."""

    def __init__(self, server: KillableServer, outbox: redis.asyncio.Redis) -> None:
        self._server, self._outbox = server, outbox
        self._waiting = list(reversed(USERS))
        self._up = asyncio.Event()
        self._ended = asyncio.Semaphore(0)
        self._random = random.Random(SEED)
        self.told: dict[str, str] = {}
        self.cut: set[str] = set()
        self.written_down: set[str] = set()

    async def play(self) -> None:
        self._up.set()
        await asyncio.gather(self._kill_now_and_then(), *(self._call() for _ in range(CALLERS)))

    async def settle(self) -> None:
        async def is_empty() -> bool:
            return not await self.outbox_chats()

        await until(is_empty, look=0.05)

    async def outbox_chats(self) -> set[str]:
        members: list[Any] = await self._outbox.zrange("haptik:{outbox}:due", 0, -1)
        return {member.decode().partition(":")[2] for member in members}

    async def _call(self) -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            while self._waiting:
                await self._up.wait()
                user = self._waiting.pop() if self._waiting else None
                if user is not None:
                    await self._fail_for(client, user)
                    self._ended.release()

    async def _fail_for(self, client: httpx.AsyncClient, user: str) -> None:
        slots = {"haptik": {"team": "orders", "countdown": 5, "limit": 100_000}}
        call = action_call("action_fails", slots=slots, metadata={"user_name": user, "business_id": BUSINESS})
        try:
            answer = (await client.post(self._server.webhook, json=call)).json()
        except httpx.TransportError:
            self.cut.add(user)
            return
        receipt = next(event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff")
        self.told[user] = receipt["state"]

    async def _kill_now_and_then(self) -> None:
        seen = 0
        for count in sorted(self._random.sample(range(20, len(USERS) - 20), KILLS)):
            while seen < count:
                await self._ended.acquire()
                seen += 1
            await asyncio.sleep(self._random.uniform(0, 0.1))
            self._up.clear()
            await asyncio.to_thread(self._server.kill)
            self.written_down |= await self.outbox_chats()
            await asyncio.to_thread(self._server.start)
            self._up.set()


async def test_what_was_promised_or_written_down_survives_kills(tmp_path: Path, own_valkey: Valkey) -> None:
    sandbox = Sandbox.from_mapping(
        {
            "partners": [{"client_id": "demo-client", "token": "demo-token"}],
            "businesses": [{"id": BUSINESS, "name": "Shop"}],
            "teams": [{"name": "orders"}],
            "users": [{"user_name": user, "businesses": [BUSINESS]} for user in USERS],
        }
    )
    # Half of the chats are moved before the answer is late, half after: a kill falls into both.
    sandbox.fail(Fault.latency(0.05, carried_out=True, probability=0.5, seed=SEED))
    sandbox.fail(Fault.latency(0.05))
    async with serve(sandbox) as url, redis.asyncio.Redis.from_url(own_valkey.url) as outbox:
        server = KillableServer(
            tmp_path,
            ACTIONS,
            HAPTIK_BASE_URL=url,
            HAPTIK_CLIENT_ID="demo-client",
            HAPTIK_TOKEN="demo-token",
            REDIS_URL=own_valkey.url,
            PATIENCE=str(SECONDS),
        )
        await asyncio.to_thread(server.start)
        try:
            run = Run(server, outbox)
            await run.play()
            await run.settle()
        finally:
            await asyncio.to_thread(server.__exit__)

    chats = Counter(chat.user_name for chat in sandbox.queue())
    assert set(run.told) | run.cut == set(USERS)
    assert set(run.told.values()) <= {"connected", "delayed"}
    assert set(chats) >= set(run.told) | run.written_down, "a promise was broken"
    assert set(chats.values()) == {1}, "a chat is two"
    assert run.cut, "no kill fell into a call: the test has tested nothing"
    assert run.written_down & run.cut, "no kill fell between the writing down and the confirmation"
    moved = Counter(entry.fields["user_name"] for entry in sandbox.journal if entry.status == 200)
    assert {user for user, count in moved.items() if count > 1} <= run.written_down, "handed over twice without a kill"
