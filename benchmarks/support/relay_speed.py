"""How fast a side brings an event to the host's `say`, and how much it takes when all come at once."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from support.load import cpu_seconds
from support.processes import Valkey, until
from support.relay_world import Side, World, at_times, world

RATE, AT_ONCE = 200, 64
LANES = {"relay": ("relay", 0.0), "relay_held_back": ("relay", 0.3), "forwarder": ("forwarder", 0.0)}
"""Name -> role and hold-back."""


class Lane:
    """One running side. `numbers` go on from round to round: the relay knows what it has had."""

    def __init__(self, around: World, side: Side, valkey: Valkey, hold_back: float) -> None:
        self.around, self.side, self.valkey, self.hold_back = around, side, valkey, hold_back
        self._numbers = count()

    async def delays(self, seconds: float) -> list[float]:
        """Milliseconds from `take` to `say` at 200 events a second, the hold-back set aside."""
        await self._post([number / RATE for number in range(round(RATE * seconds))])
        found = await self.around.delays(self.side)
        return [1000 * (each - self.hold_back) for each in found]

    async def rush(self, events: int) -> tuple[float, dict[str, float]]:
        """Messages a second that reach users when all come at once, and the CPU that each took (ms)."""
        began, used = time.perf_counter(), self._cpu()
        await self._post([0.0] * events, asyncio.Semaphore(AT_ONCE))
        took = time.perf_counter() - began
        await self.around.delays(self.side)
        return events / took, {name: 1000 * (value - used[name]) / events for name, value in self._cpu().items()}

    def _cpu(self) -> dict[str, float]:
        return {"process": cpu_seconds(self.side.pid), "redis": cpu_seconds(self.valkey.pid)}

    async def _post(self, times: list[float], gate: asyncio.Semaphore | None = None) -> None:
        wanted = sum(map(len, self.around.said.values())) + len(times)

        async def post(id_: str, number: int) -> None:
            async with gate or asyncio.Semaphore():
                await self.around.post_event(self.side, id_, number)

        links, planned = self.around.links, []
        for at in times:
            number = next(self._numbers)
            # Neighbours are of different chats; within one the numbers ascend.
            planned.append((at, partial(post, links[number % len(links)].id, number // len(links))))
        await at_times(planned)
        assert await until(lambda: sum(map(len, self.around.said.values())) >= wanted, 600.0, 0.005), "some are lost"


@asynccontextmanager
async def lane(folder: Path, role: str, chats: int, hold_back: float, **options: Any) -> AsyncIterator[Lane]:
    """Start a side for measuring."""
    valkey = Valkey(folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(valkey.kill)
        await valkey.start()
        around = await stack.enter_async_context(world(chats, valkey if role == "relay" else None))
        given = {"redis": valkey.url, "outside": around.url, "hold_back": hold_back, "lease": 15.0, **options}
        side = Side(folder, role=role, **given)
        stack.push_async_callback(side.kill)
        await side.start()
        yield Lane(around, side, valkey, hold_back)


async def run_speed(
    folders: dict[str, Path], *, chats: int, rounds: int, seconds: float, events: int
) -> dict[str, Any]:
    """Measure in turns: the relay, the relay with its hold-back, the forwarder."""
    async with AsyncExitStack() as stack:
        lanes = {
            name: await stack.enter_async_context(lane(folders[name], role, chats, hold))
            for name, (role, hold) in LANES.items()
        }
        delays: dict[str, list[float]] = {name: [] for name in LANES}
        rushes: dict[str, list[tuple[float, dict[str, float]]]] = {name: [] for name in LANES}
        for number in range(rounds + 1):
            for name in list(lanes)[:: -1 if number % 2 else 1]:
                found, rush = await lanes[name].delays(seconds), await lanes[name].rush(events)
                # The first round warms up.
                if number:
                    delays[name] += found
                    rushes[name].append(rush)
    return {
        "delay_ms": {name: percentiles(each) for name, each in delays.items()},
        "messages_a_second": {name: round(max(rate for rate, _ in each)) for name, each in rushes.items()},
        "cpu_ms_a_message": {name: _least([cpu for _, cpu in each]) for name, each in rushes.items()},
    }


def percentiles(times: list[float]) -> dict[str, float]:
    """p50 and p99."""
    cut = statistics.quantiles(times, n=100, method="inclusive")
    return {"p50": round(cut[49], 2), "p99": round(cut[98], 2), "count": len(times)}


def _least(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(min(each[name] for each in found), 2) for name in found[0]}
