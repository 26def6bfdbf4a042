"""What goes wrong around the calls of one cell, and how it is healed afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from haptik_actions._redis import connect, disconnect
from haptik_actions.sandbox import Fault, Sandbox
from support.calls import Rasa, call_of
from support.processes import ActionServer, Valkey, WatchedValkey, until

PLATFORM_TIMEOUT = 8.0
"""Seconds that the plugin gives one call to the platform, all repetitions included."""

FREEZES_WITHIN = 0.5
"""Seconds after which the call that freezes a worker runs there."""

REST = 1.5
"""The plugin leaves a Redis that failed alone for a second. A trouble with Redis begins when that is over."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One lane's parts."""

    sandbox: Sandbox
    valkey: Valkey
    server: ActionServer
    credentials: Path
    users: int

    def heal(self) -> None:
        self.sandbox.clear_faults()
        self.credentials.write_text("demo-client demo-token", encoding="utf-8")

    async def written_down(self) -> int:
        """How many hand-offs stand in the outbox."""
        client = connect(self.valkey.url, seconds=5)
        try:
            return int(await client.zcard("haptik:{outbox}:due"))
        finally:
            await disconnect(client)

    async def forget(self) -> None:
        """Empty Redis."""
        client = connect(self.valkey.url, seconds=5)
        try:
            await client.flushall()
        finally:
            await disconnect(client)


Around = Callable[[Stack], AbstractAsyncContextManager["aiohttp.ClientSession | None"]]
"""What it gives is the connections over which Rasa calls, where they are there already."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One row of the table: how the integration behaves, what happens around it, and which team is asked for.

    `refused` says that the platform takes no such chat, so that users have to be told that no agent comes; `kills` that
    the action server is killed, so that a hand-off may be sent twice; with `cuts` while calls are being answered.
    `takes` are seconds that an answer may take longer because others are in the way.
    One that is `watched` needs a Redis behind a Sentinel.
    """

    name: str
    title: str
    integration: str = "raises"
    around: Around = lambda stack: nullcontext()
    team: str = "orders"
    refused: bool = False
    kills: bool = False
    cuts: bool = False
    takes: float = 0.0
    watched: bool = False


@asynccontextmanager
async def _haptik_down(stack: Stack) -> AsyncIterator[None]:
    stack.sandbox.outage = True
    yield


@asynccontextmanager
async def _haptik_slow(stack: Stack) -> AsyncIterator[None]:
    stack.sandbox.fail(Fault.latency(PLATFORM_TIMEOUT + 4))
    yield


@asynccontextmanager
async def _token_rejected(stack: Stack) -> AsyncIterator[None]:
    stack.sandbox.fail(Fault.status(401, "invalid token provided"))
    yield


@asynccontextmanager
async def _token_rejected_meanwhile(stack: Stack) -> AsyncIterator[None]:
    """Users were told that it takes a while; then the token is rejected for some seconds, until somebody renews it."""
    stack.sandbox.outage = True
    yield
    stack.sandbox.outage = False
    stack.sandbox.fail(Fault.status(401, "invalid token provided"))
    await asyncio.sleep(3)


@asynccontextmanager
async def _redis_down(stack: Stack) -> AsyncIterator[None]:
    await asyncio.sleep(REST)
    await stack.valkey.kill()
    yield
    await stack.valkey.start()


@asynccontextmanager
async def _redis_slow(stack: Stack) -> AsyncIterator[None]:
    await asyncio.sleep(REST)
    stack.valkey.freeze()
    yield
    stack.valkey.thaw()


@asynccontextmanager
async def _redis_restarted(stack: Stack) -> AsyncIterator[None]:
    """While hand-offs wait in it."""
    await asyncio.sleep(REST)
    stack.sandbox.outage = True
    yield
    await stack.valkey.kill()
    await stack.valkey.start()


@asynccontextmanager
async def _redis_unpersisted(stack: Stack) -> AsyncIterator[None]:
    """It is killed while hand-offs wait in it, and comes back without them."""
    await asyncio.sleep(REST)
    stack.sandbox.outage = True
    yield
    await stack.valkey.forget()


@asynccontextmanager
async def _failover(stack: Stack) -> AsyncIterator[None]:
    """The master is killed while calls are being answered, and hand-offs wait."""
    assert isinstance(stack.valkey, WatchedValkey)
    stack.sandbox.outage = True
    taking_over = asyncio.create_task(stack.valkey.fail_over())
    yield
    await taking_over


@asynccontextmanager
async def _redis_lost_between(stack: Stack) -> AsyncIterator[None]:
    """Redis takes the hand-off and is gone when it is confirmed."""
    await asyncio.sleep(REST)
    stack.sandbox.fail(Fault.latency(0.5))

    async def freeze() -> None:
        await asyncio.sleep(0.25)
        stack.valkey.freeze()

    freezing = asyncio.create_task(freeze())
    yield
    await freezing
    stack.valkey.thaw()


@asynccontextmanager
async def _credentials_down(stack: Stack) -> AsyncIterator[None]:
    """Before the server has ever seen any: later ones would hide it."""
    stack.credentials.unlink()
    await stack.server.restart()
    yield


@asynccontextmanager
async def _all_down(stack: Stack) -> AsyncIterator[None]:
    async with _haptik_down(stack), _redis_down(stack), _credentials_down(stack):
        yield


@asynccontextmanager
async def _worker_killed(stack: Stack) -> AsyncIterator[None]:
    """The main process lives on, and nobody restarts it."""
    stack.server.kill_workers()
    yield


@asynccontextmanager
async def _frozen(stack: Stack) -> AsyncIterator[None]:
    """A regular expression of one call lets nothing else run, in a thread; the users' calls come meanwhile."""
    call = call_of("rest", "action_check_order_blocking", "freezes", "freezes", {})
    freezing = asyncio.create_task(Rasa(stack.server, 60.0).post_all([call]))
    await asyncio.sleep(FREEZES_WITHIN)
    yield
    freezing.cancel()
    await asyncio.gather(freezing, return_exceptions=True)


@asynccontextmanager
async def _no_descriptors(stack: Stack) -> AsyncIterator[aiohttp.ClientSession | None]:
    """Rasa is connected already. The server can open nothing more: no connection, no file, no module."""
    await stack.server.restart()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        if not stack.server.grpc:
            await asyncio.gather(*(_connect(session, stack.server.port) for _ in range(stack.users)))
        # gRPC has one connection for all calls, and it is not there yet.
        with stack.server.few_descriptors(spare=int(stack.server.grpc)):
            yield None if stack.server.grpc else session


async def _connect(session: aiohttp.ClientSession, port: int) -> None:
    async with session.get(f"http://127.0.0.1:{port}/health") as answer:
        await answer.read()


@asynccontextmanager
async def _killed_waiting(stack: Stack) -> AsyncIterator[None]:
    """Users were told that it takes a while; the server dies, and after its restart nobody writes."""
    stack.sandbox.outage = True
    yield
    await stack.server.kill()
    stack.sandbox.outage = False
    await stack.server.start()


@asynccontextmanager
async def _killed_delivering(stack: Stack) -> AsyncIterator[None]:
    """Users were told that it takes a while; the server dies while it delivers their chats."""
    stack.sandbox.outage = True
    yield
    stack.sandbox.outage = False
    stack.sandbox.fail(Fault.latency(1.0, carried_out=True))
    await until(lambda: bool(stack.sandbox.queue()), 10)
    await stack.server.kill()
    stack.sandbox.clear_faults()
    await stack.server.start()


@asynccontextmanager
async def _killed_answering(stack: Stack) -> AsyncIterator[None]:
    """The server dies while Haptik takes the chats; nobody can answer these calls any more.

    The last of them has been written down by then: what a process had not even begun to do nobody can know of.
    """
    stack.sandbox.fail(Fault.latency(1.0, carried_out=True))

    async def kill() -> None:
        await until(stack_is_full, 5)
        await stack.server.kill()

    async def stack_is_full() -> bool:
        return await stack.written_down() >= stack.users

    killing = asyncio.create_task(kill())
    yield
    await killing
    stack.sandbox.clear_faults()
    await stack.server.start()


TROUBLES = (
    Trouble(name="raises", title="integration raises"),
    Trouble(name="hangs", title="… hangs", integration="hangs"),
    Trouble(name="hangs_blocking", title="… hangs synchronously", integration="hangs_blocking"),
    # Before the next: an action that has blocked runs in a thread for five minutes, and cannot be interrupted there.
    Trouble(name="freezes", title="… a regex freezes the event loop", integration="freezes", takes=15),
    Trouble(name="hangs_on_loop", title="… blocks the event loop", integration="hangs_on_loop"),
    Trouble(name="hangs_stubborn", title="… hangs and swallows its cancellation", integration="hangs_stubborn"),
    Trouble(name="garbage", title="… returns garbage", integration="garbage"),
    Trouble(name="unknown_event", title="… returns an event Rasa does not know", integration="unknown_event"),
    Trouble(name="not_exception", title="… raises SystemExit", integration="exits"),
    Trouble(name="cancelled", title="… raises CancelledError", integration="cancelled"),
    Trouble(name="haptik_down", title="Haptik down", around=_haptik_down),
    Trouble(name="haptik_slow", title="Haptik slow", around=_haptik_slow),
    Trouble(name="team_refused", title="Haptik refuses the team", team="night", refused=True),
    Trouble(name="token_rejected", title="Haptik rejects the token", around=_token_rejected, refused=True),
    Trouble(name="token_meanwhile", title="… while hand-offs wait", around=_token_rejected_meanwhile),
    Trouble(name="redis_down", title="Redis down", around=_redis_down),
    Trouble(name="redis_slow", title="Redis does not answer", around=_redis_slow),
    Trouble(name="redis_lost", title="Redis stops answering in between", around=_redis_lost_between),
    Trouble(name="redis_restarted", title="Redis restarted", around=_redis_restarted),
    Trouble(name="redis_unpersisted", title="Redis restarted without its data", around=_redis_unpersisted),
    Trouble(name="sentinel_failover", title="Sentinel failover", around=_failover, watched=True),
    Trouble(name="credentials_down", title="credentials source down", around=_credentials_down),
    Trouble(name="all_down", title="all three down", around=_all_down),
    Trouble(name="worker_killed", title="worker killed, server lives", around=_worker_killed),
    Trouble(name="frozen", title="worker frozen by a regex in a thread", around=_frozen, takes=30),
    Trouble(name="no_descriptors", title="worker out of file descriptors", around=_no_descriptors),
    Trouble(name="killed_waiting", title="server killed, hand-offs wait", around=_killed_waiting, kills=True),
    Trouble(name="killed_delivering", title="… while it delivers", around=_killed_delivering, kills=True),
    Trouble(name="killed_answering", title="… while it answers", around=_killed_answering, kills=True, cuts=True),
)
"""In all but the first ten the integration raises, too: that is what makes a hand-off necessary."""
