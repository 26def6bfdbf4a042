"""What is around a relay in benchmarks/relay.py: users, agents, the platform between, and processes that are killed.

The platform is a small fake in this process, over HTTP: it posts signed events, repeats those that were not answered
with 200, and takes what users wrote. Users are behind a callback URL. What is counted is what arrived out here.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from haptik_actions._redis import connect
from haptik_actions._serving import free_port
from haptik_actions.relay import Link, RelayStore
from support.processes import START_SECONDS, Process, Valkey, until
from support.relay_side import BUSINESS, CHANNEL, SECRET

ROOT = Path(__file__).parents[2]


class Side(Process):
    """One process of a side."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder / f"{options['role']}.log")
        self._options = {"port": free_port(), "tracker": str(folder / "tracker"), **options}
        self.url = f"http://127.0.0.1:{self._options['port']}"
        self.up = asyncio.Event()

    async def start(self) -> None:
        """Start it, and wait until it takes requests."""
        path = f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"
        words = ("-m", "support.relay_side", json.dumps(self._options))
        await self.launch(sys.executable, *words, cwd=ROOT, PYTHONPATH=path)
        if not await until(self._is_healthy, START_SECONDS, pause=0.05):
            raise RuntimeError(f"a process did not start:\n{self.log.read_text()[-3000:]}")
        self.up.set()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        self.up.clear()
        await super().kill()

    async def restart(self) -> None:
        """Kill it, and start it again after a moment."""
        await self.kill()
        await asyncio.sleep(0.5)
        await self.start()

    async def _is_healthy(self) -> bool:
        if not self.is_running:
            raise RuntimeError(f"a process ended by itself:\n{self.log.read_text()[-3000:]}")
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self.url}/health") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False


class World:
    """Users and agents, and what each of them got, in the order in which it came."""

    def __init__(self, url: str, chats: int) -> None:
        self.url, self.chats = url, chats
        self.links = [Link.of(CHANNEL, f"user {number}", BUSINESS, receipt="r") for number in range(chats)]
        self.said: dict[str, list[int]] = defaultdict(list)
        self.read: dict[str, list[int]] = defaultdict(list)
        self.came: dict[tuple[str, int], float] = {}
        """When the process first had each event that it answered with 200."""
        self.tried: dict[tuple[str, int], float] = {}
        """When it may have had it first: an attempt may be stored although nobody answered."""
        self.taken: set[tuple[str, int]] = set()
        self.written: set[tuple[str, int]] = set()
        self.unanswered: set[tuple[str, int]] = set()
        self.not_taken = 0
        self._number = 5000
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=300))

    async def aclose(self) -> None:
        await self._http.close()

    def app(self) -> web.Application:
        """What processes call: the users' callback URL, and the platform's Bot API."""

        async def say(request: web.Request) -> web.Response:
            body = await request.json()
            if body["text"].startswith("m"):
                self.said[body["id"]].append(int(body["text"][1:]))
            return web.Response()

        async def log(request: web.Request) -> web.Response:
            body = await request.json()
            self._number += 1
            self.read[body["user"]["auth_id"]].append(int(body["message_body"][1:]))
            return web.json_response({"message_id": self._number})

        app = web.Application()
        app.add_routes([web.post("/said", say), web.post("/v1.0/log_message_from_user/", log)])
        return app

    async def post_event(self, side: Side, id_: str, number: int) -> None:
        """Post an event, again and again until it is answered with 200."""
        url, body, headers = f"{side.url}/events?key={id_}:{1000 + number}", *event(id_, number)
        key = id_, number
        while True:
            await side.up.wait()
            at = time.time()
            try:
                async with self._http.post(url, data=body, headers=headers) as answer:
                    if answer.status == 200:
                        came = float(answer.headers["X-Came"])
                        self.came[key] = min(self.came.get(key, 1e99), came)
                        self.tried[key] = min(self.tried.get(key, 1e99), came)
                        self.taken.add(key)
                        return
                # A refusal in time of need (503) does not say that nothing was stored.
                self.tried[key] = min(self.tried.get(key, 1e99), at)
            except aiohttp.ClientConnectorError:
                # Nothing was sent. The process has been killed, which `up` does not know yet.
                await asyncio.sleep(0.02)
                continue
            except aiohttp.ClientError:
                self.tried[key] = min(self.tried.get(key, 1e99), at)
            await asyncio.sleep(0.05 + 0.1 * random.random())

    async def post_words(self, side: Side, link: Link, number: int) -> None:
        """Write as the user, once; where the process cannot be reached at all, when it is back."""
        key = link.id, number
        while True:
            await side.up.wait()
            try:
                words = {"sender": link.sender_id, "text": f"w{number}"}
                async with self._http.post(f"{side.url}/user", json=words) as answer:
                    taken = answer.status == 200 and await answer.text() in ("queued", "sent")
                    self.written.update([key] if taken else [])
                    self.not_taken += not taken
                return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)
            except aiohttp.ClientError:
                self.unanswered.add(key)
                return

    async def delays(self, side: Side) -> list[float]:
        """Seconds from an event to the host's `say`."""
        async with self._http.get(f"{side.url}/delays") as answer:
            return list(await answer.json())


def event(id_: str, number: int) -> tuple[bytes, dict[str, str]]:
    """The platform's event about an agent's message, and its headers."""
    body = {
        "version": "1.0",
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "business_id": BUSINESS,
        "business_name": "Shop",
        "event_name": "message",
        "user": {"auth_id": id_, "user_name": f"u-{id_}", "device_platform": 13},
        "agent": {"id": 7, "name": "Priya", "profile_image": "", "is_automated": False, "email": None},
        "message": {
            "id": 1000 + number,
            "body": {"text": f"m{number}", "type": "TEXT", "data": {"quick_replies": []}},
        },
    }
    raw = json.dumps(body).encode()
    signature = "sha1=" + hmac.new(SECRET.encode(), raw, hashlib.sha1).hexdigest()
    return raw, {"Content-Type": "application/json", "X-Hub-Signature": signature}


@asynccontextmanager
async def world(chats: int, valkey: Valkey | None) -> AsyncIterator[World]:
    """Everything but the processes. With a Valkey each chat is handed over there."""
    port = free_port()
    made = World(f"http://127.0.0.1:{port}", chats)
    runner = web.AppRunner(made.app(), access_log=None)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(made.aclose)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=2000).start()
        if valkey is not None:
            await hand_over(valkey.url, made.links)
        yield made


async def hand_over(url: str, links: list[Link]) -> None:
    """Write the links as a hand-off does."""
    store = RelayStore(connect(url, seconds=20), patience=20)
    try:
        for link in links:
            auth = {"auth_id": link.id}
            given = Link.of(CHANNEL, link.sender_id, BUSINESS, receipt="r", opened_at=time.time(), **auth)
            await store.prepare(given)
            await store.asked(link.id, "r", paused=True)
    finally:
        await store.aclose()


async def ledgers(url: str, links: list[Link]) -> dict[str, list[str]]:
    """Id -> what the ledger says of each entry."""
    store = RelayStore(connect(url, seconds=20), patience=20)
    try:
        return {link.id: [f"{row.what} {row.how}" for row in await store.ledger(link.id)] for link in links}
    finally:
        await store.aclose()


async def at_times(planned: list[tuple[float, Callable[[], Awaitable[None]]]]) -> None:
    """Begin each at its time, in seconds from now, and wait for all of them."""
    began, tasks = time.monotonic(), []
    for at, call in sorted(planned, key=lambda each: each[0]):
        if (wait := began + at - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.ensure_future(call()))
    await asyncio.gather(*tasks)
