"""Ways into the action server, and one cell of the table: a way, a trouble, some users."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haptik_actions.sandbox import Sandbox, serve
from support.calls import BUSINESS, Answer, Rasa, call_of, is_silent
from support.faults import PLATFORM_TIMEOUT, Stack, Trouble
from support.processes import ActionServer, Valkey, WatchedValkey, until

DEADLINE = 1.0
LEASE = PLATFORM_TIMEOUT + 2
FROZEN_SECONDS = "3"
PATIENCE = DEADLINE + PLATFORM_TIMEOUT + 5
"""Seconds until a user counts as silent: what docs/configuration.md promises. The action's deadline, the platform's,
and Redis that does not answer."""
DELIVERY_SECONDS = LEASE + 50
"""Seconds until a hand-off counts as lost: nearly all are there at once, and a slow machine starts a server slowly."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way into the action server: which recorded call, and what serves it with the plugin and without.

    `served_with` and `served_without` are the command (`rasa_sdk` or `run`) and a module of the bot.
    """

    name: str
    title: str
    recorded: str
    action: str
    blocking: str
    served_with: tuple[str, str] = ("run", "plain")
    served_without: tuple[str, str] = ("rasa_sdk", "plain")
    grpc: bool = False
    watched: bool = False
    leaves_out: tuple[str, ...] = ()

    def meets(self, trouble: Trouble) -> bool:
        """Whether the trouble can happen here: a way behind a Sentinel is there for what is `watched`."""
        return trouble.name not in self.leaves_out and trouble.watched is self.watched

    def action_for(self, trouble: Trouble) -> str:
        return self.blocking if trouble.integration == "hangs_blocking" else self.action


_CHECK = {"recorded": "rest", "action": "action_check_order", "blocking": "action_check_order_blocking"}
_MISBEHAVIOUR = (
    *("hangs", "hangs_blocking", "hangs_on_loop", "hangs_stubborn", "freezes", "frozen"),
    *("garbage", "unknown_event", "not_exception", "cancelled"),
)
"""Troubles of the integration itself."""
_FALLBACK = {
    "recorded": "default_fallback",
    "action": "action_default_fallback",
    "blocking": "action_default_fallback",
}

WAYS = (
    Way(name="decorated", title="decorated", served_with=("rasa_sdk", "decorated"), **_CHECK),
    Way(name="base_class", title="base class", served_with=("rasa_sdk", "base_class"), **_CHECK),
    Way(name="run", title="run", **_CHECK),
    Way(name="run_sentinel", title="run, Sentinel", watched=True, **_CHECK),
    Way(name="run_grpc", title="run --grpc", grpc=True, leaves_out=("worker_killed", "frozen"), **_CHECK),
    Way(
        name="form",
        title="form validation",
        recorded="validate_form",
        action="validate_my_form",
        blocking="validate_blocking_form",
    ),
    Way(
        name="ask",
        title="ask",
        recorded="ask_slot",
        action="action_ask_ask_form_ask_slot",
        blocking="action_ask_blocking_form_ask_slot",
    ),
    Way(
        name="fallback",
        title="default fallback",
        served_with=("rasa_sdk", "ready_fallback"),
        served_without=("rasa_sdk", "handmade_fallback"),
        # It has no integration but Haptik.
        leaves_out=_MISBEHAVIOUR,
        **_FALLBACK,
    ),
    Way(
        name="own_fallback",
        title="own fallback, run",
        served_with=("run", "own_fallback"),
        served_without=("rasa_sdk", "own_fallback"),
        # Its one `run` is blocking.
        leaves_out=("hangs", "hangs_on_loop", "hangs_stubborn", "freezes", "frozen"),
        **_FALLBACK,
    ),
    Way(
        name="missing",
        title="no such action, run",
        recorded="rest",
        # As while Rasa's model is newer than the server.
        action="action_of_tomorrow",
        blocking="action_of_tomorrow",
        leaves_out=_MISBEHAVIOUR,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What became of the users of one cell.

    `silent`: Rasa would show them nothing. `lost`: they were told that an agent comes, or that none can come although
    the platform would have taken their chat, and it never reached the queue. `doubled`: their chat was handed over more
    than once. `cut`: the server was killed while it worked on their call, so that nobody could answer it, and an agent
    has their chat all the same; `slowest` is in seconds.
    """

    way: str
    trouble: str
    plugin: bool
    users: int
    silent: int
    lost: int
    doubled: int
    cut: int
    slowest: float
    receipts: dict[str, int]


@asynccontextmanager
async def start_stack(way: Way, troubles: Sequence[Trouble], users: int, *, plugin: bool) -> AsyncIterator[Stack]:
    """Start one lane: a sandbox that knows the users of all troubles, a Valkey, an action server."""
    names = [user_of(trouble, number) for trouble in troubles for number in range(users)]
    sandbox = Sandbox.from_mapping(
        {
            "partners": [{"client_id": "demo-client", "token": "demo-token"}],
            "businesses": [{"id": BUSINESS, "name": "Shop"}],
            "teams": [{"name": "orders"}, {"name": "night", "active": False}],
            "users": [{"user_name": name, "businesses": [BUSINESS]} for name in names],
        }
    )
    command, module = way.served_with if plugin else way.served_without
    with tempfile.TemporaryDirectory(prefix="no-silence-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        async with serve(sandbox) as url:
            valkey = WatchedValkey(folder) if way.watched else Valkey(folder)
            server = ActionServer(
                *(folder, command, module),
                grpc=way.grpc,
                HAPTIK_BASE_URL=url,
                REDIS_URL=valkey.url,
                BENCH_CREDENTIALS=str(folder / "credentials"),
                BENCH_LEASE=str(LEASE),
                HAPTIK_FROZEN_SECONDS=FROZEN_SECONDS,
                **({"BENCH_WITH_PLUGIN": "yes"} if plugin else {}),
            )
            stack = Stack(
                sandbox=sandbox, valkey=valkey, server=server, credentials=folder / "credentials", users=users
            )
            stack.heal()
            try:
                await valkey.start()
                await server.start()
                yield stack
            finally:
                if keep := os.environ.get("BENCH_KEEP_LOGS"):
                    shutil.copy(server.log, Path(keep) / f"{way.name}-{'with' if plugin else 'without'}.log")
                await server.kill()
                await valkey.kill()


def user_of(trouble: Trouble, number: int) -> str:
    return f"{trouble.name}-{number}"


async def run_cell(stack: Stack, way: Way, trouble: Trouble, users: int, *, plugin: bool) -> Cell:
    """Let the users meet the trouble, heal it, wait for what was promised, and count."""
    names = [user_of(trouble, number) for number in range(users)]
    action = way.action_for(trouble)
    options = {"team": trouble.team, "countdown": 5, "deadline": DEADLINE, "limit": 100_000}
    calls = [call_of(way.recorded, action, name, trouble.integration, options) for name in names]
    stack.sandbox.reset()
    async with trouble.around(stack) as connections:
        answers = await Rasa(stack.server, PATIENCE + trouble.takes).post_all(calls, connections)
    stack.heal()
    settled = not plugin or await until(lambda: _is_settled(stack, trouble, names, answers), DELIVERY_SECONDS)
    cell = _count(stack.sandbox, way, trouble, names, answers, plugin=plugin)
    if not settled:
        # What is left over would turn up among the users of the next cell. The server would write it down again.
        await stack.server.kill()
        await stack.forget()
    if not settled or not await stack.server.is_healthy():
        await stack.server.restart()
    return cell


async def _is_settled(stack: Stack, trouble: Trouble, names: list[str], answers: list[Answer]) -> bool:
    """Whether every promise is kept and nothing waits in the outbox: what does might be handed over again."""
    if _lost(stack.sandbox, trouble, names, answers):
        return False
    return await stack.written_down() == 0


def _lost(sandbox: Sandbox, trouble: Trouble, names: list[str], answers: list[Answer]) -> list[str]:
    queued = {chat.user_name for chat in sandbox.queue()}
    return [
        name
        for name, answer in zip(names, answers, strict=True)
        if name not in queued and (answer.promises_an_agent or (answer.receipt and not trouble.refused))
    ]


def _count(
    sandbox: Sandbox, way: Way, trouble: Trouble, names: list[str], answers: list[Answer], *, plugin: bool
) -> Cell:
    queued = Counter(chat.user_name for chat in sandbox.queue())
    assert all(count == 1 for count in queued.values()), "the platform shows a chat twice"
    silent = {n for n, answer in zip(names, answers, strict=True) if is_silent(way.action_for(trouble), answer)}
    cut = {name for name in silent if trouble.cuts and name in queued}
    return Cell(
        way=way.name,
        trouble=trouble.name,
        plugin=plugin,
        users=len(names),
        silent=len(silent - cut),
        lost=len(_lost(sandbox, trouble, names, answers)),
        doubled=sum(count > 1 for count in _moves(sandbox, trouble).values()),
        cut=len(cut),
        slowest=round(max(answer.seconds for answer in answers), 2),
        receipts=dict(Counter(str(answer.receipt) for answer in answers)),
    )


def _moves(sandbox: Sandbox, trouble: Trouble) -> Counter[Any]:
    """How often each chat was handed over. What a killed server had sent was carried out; nobody got its answer (0)."""
    carried_out = (200, 0) if trouble.kills else (200,)
    return Counter(
        entry.fields.get("user_name")
        for entry in sandbox.journal
        if entry.status in carried_out and entry.fault in (None, "latency")
    )
