"""Many conversations at once through one side, its processes killed in the middle: what was lost, doubled, shuffled."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from haptik_actions.relay import Link
from support.processes import Valkey
from support.relay_world import Side, World, at_times, ledgers, world

HOLD_BACK = 0.3
BURST, SPACING, JITTER = 4, 0.08, 0.2
"""An agent writes four lines quickly; each event is on its way for up to 0.2 s, so that neighbours change places."""
DOUBLED, LATE, LATE_SECONDS = 0.25, 0.01, 1.5
KILLS = (0.35, 0.55, 0.75)
"""When, as parts of the run: the door and the worker, the door, the worker."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much: so many conversations, messages each way in each, in about so many seconds."""

    chats: int
    messages: int
    seconds: float
    lease: float
    stalled: float
    """Seconds without a change after which nothing more is expected."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """What became of the messages in one direction, summed over the chats.

    `doubled_unnamed`: doubled and not named by the ledger. `late`: came behind a successor because it arrived, or
    arrived again after a process was killed, more than the hold-back later. `unanswered`: the process was killed while
    it had the user's message; nobody knows whether it took it, and it does not count as lost.
    """

    taken: int
    lost: int
    doubled: int
    doubled_unnamed: int
    out_of_order: int
    late: int
    unanswered: int = 0


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """One side: both directions, and seconds until the last message had arrived."""

    to_users: Way
    to_agents: Way
    seconds: float
    doubled_deliveries: int
    refused: int
    ledger: dict[str, int]


async def run_crowd(folder: Path, size: Size, role: str) -> Crowd:
    """Treat one side (`relay` or `forwarder`) badly, and count."""
    valkey = Valkey(folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(valkey.kill)
        await valkey.start()
        around = await stack.enter_async_context(world(size.chats, valkey if role == "relay" else None))
        options = {"redis": valkey.url, "outside": around.url, "hold_back": HOLD_BACK, "lease": size.lease}
        sides = [Side(folder, role=name, **options) for name in (role, "worker")[: 2 if role == "relay" else 1]]
        for side in sides:
            stack.push_async_callback(side.kill)
        await asyncio.gather(*(side.start() for side in sides))
        began = time.monotonic()
        doubles = await _load(around, sides, size)
        ended = await _settle(around, size)
        rows = await ledgers(valkey.url, around.links) if role == "relay" else {}
        return count(around, rows, ended - began, doubles)


async def _load(around: World, sides: list[Side], size: Size) -> int:
    chances = random.Random(12)
    door = sides[0]
    events, doubles = _events(around, door, size, chances)
    users = [_write(around, door, link, size, random.Random(number)) for number, link in enumerate(around.links)]
    await asyncio.gather(at_times(events), *users, _kill(sides, size))
    return doubles


def _events(
    around: World, door: Side, size: Size, chances: random.Random
) -> tuple[list[tuple[float, Callable[[], Awaitable[None]]]], int]:
    planned: list[tuple[float, Callable[[], Awaitable[None]]]] = []
    doubles = 0
    for link in around.links:
        bursts = -(-size.messages // BURST)
        each = size.seconds / bursts
        starts = [each * (burst + 0.5 * chances.random()) for burst in range(bursts)]
        for number in range(size.messages):
            at = starts[number // BURST] + SPACING * (number % BURST) + JITTER * chances.random()
            at += LATE_SECONDS if chances.random() < LATE else 0.0
            post = partial(around.post_event, door, link.id, number)
            planned.append((at, post))
            if chances.random() < DOUBLED:
                planned.append((at + chances.choice((0.0, 0.05, 2.0)), post))
                doubles += 1
    return planned, doubles


async def _write(around: World, door: Side, link: Link, size: Size, chances: random.Random) -> None:
    began = time.monotonic()
    for number, at in enumerate(sorted(size.seconds * chances.random() for _ in range(size.messages))):
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        await around.post_words(door, link, number)


async def _kill(sides: list[Side], size: Size) -> None:
    began = time.monotonic()
    for part, which in zip(KILLS, (sides, sides[:1], sides[1:]), strict=True):
        await asyncio.sleep(max(0.0, began + part * size.seconds - time.monotonic()))
        for side in which:
            side.send(signal.SIGKILL)
        await asyncio.gather(*(side.restart() for side in which))


async def _settle(around: World, size: Size) -> float:
    """Wait until everything that was taken has arrived, or nothing changes any more; return when the last one came."""
    last, at = -1, time.monotonic()
    while time.monotonic() - at < size.stalled:
        arrived = sum(map(len, around.said.values())) + sum(map(len, around.read.values()))
        if arrived != last:
            last, at = arrived, time.monotonic()
        with suppress(StopIteration):
            next(_missing(around))
            await asyncio.sleep(0.2)
            continue
        # A repetition of what was in doubt may still be under way.
        if time.monotonic() - at > 2.0:
            break
        await asyncio.sleep(0.2)
    return at


def _missing(around: World) -> Iterator[tuple[str, int]]:
    for wanted, found in ((around.taken, around.said), (around.written, around.read)):
        sets = {id_: set(numbers) for id_, numbers in found.items()}
        yield from (key for key in wanted if key[1] not in sets.get(key[0], ()))


def count(around: World, rows: dict[str, list[str]], seconds: float, doubles: int) -> Crowd:
    """What arrived, against what was taken and what the ledger says."""
    ids = [link.id for link in around.links]
    return Crowd(
        to_users=_way(ids, around.taken, around.said, rows, "message said_again", around),
        to_agents=_way(ids, around.written, around.read, rows, "words sent_again", None, len(around.unanswered)),
        seconds=round(seconds, 1),
        doubled_deliveries=doubles,
        refused=around.not_taken,
        ledger=dict(Counter(row for each in rows.values() for row in each)),
    )


def _way(
    ids: list[str],
    taken: set[tuple[str, int]],
    arrived: dict[str, list[int]],
    rows: dict[str, list[str]],
    named: str,
    events: World | None,
    unanswered: int = 0,
) -> Way:
    sums: Counter[str] = Counter()
    for id_ in ids:
        found = arrived.get(id_, [])
        first = list(dict.fromkeys(found))
        doubled = sum(found.count(number) > 1 for number in first)
        sums["doubled"] += doubled
        sums["unnamed"] += max(0, doubled - rows.get(id_, []).count(named))
        sums.update(_order(id_, first, events))
    sets = {id_: set(numbers) for id_, numbers in arrived.items()}
    lost = sum(number not in sets.get(id_, ()) for id_, number in taken)
    return Way(
        taken=len(taken),
        lost=lost,
        doubled=sums["doubled"],
        doubled_unnamed=sums["unnamed"],
        out_of_order=sums["out_of_order"],
        late=sums["late"],
        unanswered=unanswered,
    )


def _order(id_: str, first: list[int], events: World | None) -> Counter[str]:
    found: Counter[str] = Counter()
    for place, number in enumerate(first):
        before = [other for other in first[:place] if other > number]
        if before:
            late = events is not None and any(_is_late(events, (id_, number), (id_, other)) for other in before)
            found["late" if late else "out_of_order"] += 1
    return found


def _is_late(events: World, one: tuple[str, int], successor: tuple[str, int]) -> bool:
    return events.came.get(one, 0.0) > events.tried.get(successor, 1e99) + HOLD_BACK


def as_json(crowd: Crowd) -> dict[str, Any]:
    """A crowd as plain values."""
    return asdict(crowd)
