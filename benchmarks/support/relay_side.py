"""One process of a side of benchmarks/relay.py, over HTTP: takes events and users' words. Its one argument is JSON.

`relay` is a process as Rasa's with HaptikInput: a relay with a host. `worker` is the same without visitors: it works on
the queues. `forwarder` has neither queue nor ledger: it sends what it gets at once, and then answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from haptik_actions._redis import connect
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import StaticCredentials
from haptik_actions.messages import MessageStore
from haptik_actions.relay import (
    Ending,
    FromUser,
    Link,
    Reach,
    Relay,
    RelayStore,
    Saying,
    conversation_id,
    is_signed,
    read_event,
)

SECRET, BUSINESS, CHANNEL = "events", 343, "callback"


class Users:
    """Says things to users over the callback channel, and notes how long each was on its way in this process."""

    def __init__(self, outside: str, http: aiohttp.ClientSession) -> None:
        self._outside, self._http = outside, http
        self._came: dict[str, float] = {}
        self.delays: list[float] = []

    def came(self, key: str) -> None:
        """An event is taken now."""
        self._came.setdefault(key, time.perf_counter())

    async def tell(self, id_: str, number: int | None, text: str) -> None:
        """Say it."""
        came = self._came.pop(f"{id_}:{number}", None)
        if came is not None:
            self.delays.append(time.perf_counter() - came)
        async with self._http.post(f"{self._outside}/said", json={"id": id_, "text": text}) as answer:
            answer.raise_for_status()


class Host:
    """Says it, and writes it into a file as HaptikInput writes it into the tracker; looks there before it repeats."""

    def __init__(self, users: Users, tracker: Path) -> None:
        self._users, self._path = users, tracker
        self._tracker = os.open(tracker, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def reach(self, _link: Link) -> Reach:
        return "push"

    async def say(self, link: Link, saying: Saying) -> None:
        text = str(getattr(saying.element, "text", ""))
        line = f"{link.id} {text}\n".encode()
        if saying.again and line in self._path.read_bytes():
            return
        await self._users.tell(link.id, saying.id, text)
        os.write(self._tracker, line)

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        if saying is not None:
            await self._users.tell(link.id, None, "an agent is here")

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        return

    async def hear(self, link: Link, words: FromUser) -> None:
        return


class Relayed:
    """The relay's side."""

    def __init__(self, options: dict[str, Any], users: Users, client: HaptikClient) -> None:
        store = RelayStore(connect(options["redis"], seconds=5), patience=5)
        host = Host(users, Path(options["tracker"]))
        kept = {name: options[name] for name in ("hold_back", "lease")}
        self._relay = Relay(store, client, MessageStore(), host, secret=SECRET, **kept)
        self._relay.start()

    async def take(self, body: bytes, signature: str | None) -> int:
        return await self._relay.take(body, signature)

    async def write(self, sender: str, text: str) -> str:
        link = await self._relay.holds(CHANNEL, sender)
        return "bot" if link is None else await self._relay.write(link, FromUser(text=text))


class Forwarder:
    """The other side."""

    def __init__(self, _options: dict[str, Any], users: Users, client: HaptikClient) -> None:
        self._users, self._client = users, client

    async def take(self, body: bytes, signature: str | None) -> int:
        if not is_signed(SECRET, body, signature):
            return 401
        event = read_event(body)
        if event is not None and event.kind == "message":
            await self._users.tell(str(event.auth_id), event.message_id, event.body["text"])
        return 200

    async def write(self, sender: str, text: str) -> str:
        id_ = conversation_id(CHANNEL, sender)
        await self._client.log_message_from_user(auth_id=id_, business_id=BUSINESS, message_body=text)
        return "sent"


def app_of(side: Relayed | Forwarder, users: Users) -> web.Application:
    """The routes."""

    async def take(request: web.Request) -> web.Response:
        body, at = await request.read(), time.time()
        users.came(request.query.get("key", ""))
        return web.Response(
            status=await side.take(body, request.headers.get("X-Hub-Signature")), headers={"X-Came": str(at)}
        )

    async def write(request: web.Request) -> web.Response:
        words = await request.json()
        return web.Response(text=await side.write(words["sender"], words["text"]))

    async def delays(_request: web.Request) -> web.Response:
        found, users.delays = users.delays, []
        return web.json_response(found)

    async def health(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/events", take), web.post("/user", write)])
    app.add_routes([web.get("/delays", delays), web.get("/health", health)])
    return app


async def main(options: dict[str, Any]) -> None:
    """Serve until killed."""
    server = PlatformServer(options["outside"])
    credentials = StaticCredentials(client_id="client", token="token")
    client = HaptikClient(server, credentials, messenger=server, retries=0)
    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(connector=connector) as http:
        users = Users(options["outside"], http)
        side = (Forwarder if options["role"] == "forwarder" else Relayed)(options, users, client)
        runner = web.AppRunner(app_of(side, users), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", options["port"], backlog=2000).start()
        with profiled(options.get("profile")):
            await asyncio.sleep(options.get("seconds", 1e6))


@contextlib.contextmanager
def profiled(path: str | None) -> Any:
    """Write a profile of all that this process does to `path`."""
    if path is None:
        yield
        return
    import cProfile

    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.dump_stats(path)


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        # Rasa's server runs on it.
        import uvloop

        uvloop.install()
    asyncio.run(main(json.loads(sys.argv[1])))
