"""All that a relay needs, as processes: two Rasas, an action server, Haptik's sandbox, and two Redis servers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from redis import Redis

from haptik_actions.relay import conversation_id
from tests.support.ports import free_port
from tests.support.valkey import Valkey

from .bot import PATIENCE_SECONDS, Installation
from .platforms import CREDENTIALS, Platforms, platforms
from .relay_users import BUSINESS, Callbacks, Desk, User
from .stack import REPOSITORY, Server, action_server, rasa_server, services


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """Everything that runs. Haptik's events go to the first Rasa."""

    one: Installation
    second: Server
    callbacks: Callbacks
    platforms: Platforms
    desk: Desk
    redis: Valkey
    rasas_redis: Valkey

    @property
    def rasa(self) -> str:
        return self.one.rasa.url

    def link(self, user: User) -> str:
        """The id of a user's conversation, by which Haptik knows them too."""
        return conversation_id(user.channel, user.sender)

    def kill_rasas(self) -> None:
        for server in (self.one.rasa, self.second):
            assert server.process is not None
            server.process.kill()

    def start_rasas(self) -> None:
        """Start both again, at the addresses that they had."""
        processes = [server.process for server in (self.one.rasa, self.second) if server.process is not None]
        for process in processes:
            process.start()
        for process in processes:
            process.wait()

    def occupy(self, user: User) -> None:
        """Take the lock of a user's conversation, as a process of Rasa that is at work on it."""
        ticket = json.dumps({"number": 0, "expires": time.time() + 600})
        with self._locks() as locks:
            locks.set(_lock(user), json.dumps({"conversation_id": user.sender, "tickets": [ticket]}))

    def let_go(self, user: User) -> None:
        """Free that lock, for whoever waits for it as well."""
        with self._locks() as locks:
            locks.delete(_lock(user))

    def queued(self, user: User) -> int:
        """How many have the lock of a user's conversation, or wait for it."""
        with self._locks() as locks:
            return len(json.loads(locks.get(_lock(user)) or '{"tickets": []}')["tickets"])

    def _locks(self) -> Redis:
        return Redis(port=self.rasas_redis.port, db=2)

    async def has_read(self, user: User, count: int) -> list[str]:
        """What the user wrote, as the agent has read it, as soon as that is `count` messages."""
        read: list[str] = []
        while len(read) < count:
            await asyncio.sleep(0.05)
            read = await self.desk.has_read(self.link(user))
        return read


def _lock(user: User) -> str:
    return f"lock:{user.sender}"


@contextlib.contextmanager
def relay_installation(python: str, bot: Path, folder: Path, binary: Path, secret: str) -> Iterator[Relayed]:
    """Run it all with the trained bot; `secret` is that of the webhook, `binary` the Redis server."""
    with contextlib.ExitStack() as stack:
        ours, rasas = (_valkey(stack, binary, folder / name) for name in ("ours", "rasas"))
        callbacks, callback_url = _callbacks(stack)
        everywhere, platforms_url = _platforms(stack, python)
        around = stack.enter_context(services(sys.executable, folder))
        settings = {
            "REDIS_URL": ours.url,
            "HAPTIK_MESSENGER_URL": around.sandbox,
            "HAPTIK_BASE_URL": around.sandbox,
            "HAPTIK_BUSINESS_ID": str(BUSINESS),
            "HAPTIK_CLIENT_ID": "demo-client",
            "HAPTIK_TOKEN": "demo-token",
        }
        actions = stack.enter_context(action_server(sys.executable, bot, folder, around, settings=settings))
        settings |= {"CALLBACK_URL": callback_url, "WEBHOOK_SECRET": secret, "PLATFORMS_URL": platforms_url}
        first, second = (_rasa(stack, python, bot, folder / name, actions, rasas, settings) for name in ("1", "2"))
        webhook = {"url": f"{first.url}/webhooks/haptik/events", "secret": secret}
        httpx.post(f"{around.sandbox}/_sandbox/webhook", json=webhook, timeout=PATIENCE_SECONDS).raise_for_status()
        yield Relayed(
            one=Installation(rasa=first, actions=actions, around=around),
            second=second,
            callbacks=callbacks,
            platforms=everywhere,
            desk=Desk(sandbox=around.sandbox),
            redis=ours,
            rasas_redis=rasas,
        )


def _valkey(stack: contextlib.ExitStack, binary: Path, folder: Path) -> Valkey:
    folder.mkdir()
    valkey = Valkey(binary, folder)
    # After a restart it has what it had before.
    valkey.options = ("--appendonly", "yes", "--appendfsync", "always")
    stack.callback(valkey.start().stop)
    return valkey


def _callbacks(stack: contextlib.ExitStack) -> tuple[Callbacks, str]:
    app, port = Callbacks(), free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    stack.callback(thread.join)
    stack.callback(setattr, server, "should_exit", True)
    return app, f"http://127.0.0.1:{port}/"


def _platforms(stack: contextlib.ExitStack, python: str) -> tuple[Platforms, str]:
    made = subprocess.run(
        [python, "-m", "tests.e2e.botframework_token"], cwd=REPOSITORY, capture_output=True, check=True
    )
    published = json.loads(made.stdout)
    return stack.enter_context(platforms(published["key"], published["token"]))


def _rasa(
    stack: contextlib.ExitStack,
    python: str,
    project: Path,
    folder: Path,
    actions: Server,
    valkey: Valkey,
    settings: dict[str, str],
) -> Server:
    folder.mkdir()
    place = f"\n  type: redis\n  url: 127.0.0.1\n  port: {valkey.port}\n"
    stores = f"tracker_store:{place}  db: 1\nlock_store:{place}  db: 2\n"
    credentials = folder / "credentials.yml"
    own = (project / "credentials.yml").read_text(encoding="utf-8")
    more = "".join(f"\n{channel}: {json.dumps(members)}" for channel, members in CREDENTIALS.items())
    credentials.write_text(f"{own}{more}\n", encoding="utf-8")
    return stack.enter_context(
        rasa_server(
            python,
            project,
            folder,
            actions.url,
            stores,
            settings=settings,
            module="tests.e2e.rasa_on_loopback",
            credentials=credentials,
        )
    )
