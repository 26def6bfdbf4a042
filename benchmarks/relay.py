"""The relay against a plain forwarder: what is lost, doubled and shuffled, how long it takes, how much it takes.

    .venv/bin/python benchmarks/relay.py                   # some minutes, two tables
    .venv/bin/python benchmarks/relay.py --only crowd --json
    .venv/bin/python benchmarks/relay.py --quick           # a small run, for tests

crowd: 500 conversations at once, 20 messages each way. Events are shuffled, a quarter of them comes twice, a hundredth
too late. The process that takes events and words, and a worker beside it, are killed with SIGKILL and started again:
both, then the one, then the other. The forwarder (webhook -> user at once, user -> Bot API at once, no queue and no
ledger; one process) gets the same. speed: from the event to the host's `say` at 200 a second, then all at once.

Real processes, a real Valkey that writes to its file, the real HaptikClient. The platform is a small fake over HTTP in
the benchmark's own process. An event without its 200 is posted again, as the platform does; what a user wrote is not.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from support.ending import run
from support.relay_crowd import Size, as_json, run_crowd
from support.relay_speed import LANES, run_speed

SIDES = ("relay", "forwarder")
WHOLE = Size(chats=500, messages=20, seconds=50.0, lease=15.0, stalled=45.0)
QUICK = Size(chats=20, messages=8, seconds=6.0, lease=3.0, stalled=20.0)
COUNTS = ("taken", "lost", "doubled", "doubled_unnamed", "out_of_order", "late", "unanswered")


async def measure(only: list[str], *, quick: bool, seconds: float | None) -> dict[str, Any]:
    """Run the parts, one after the other."""
    found: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory(prefix="relay-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if "crowd" in only:
            size = replace(QUICK if quick else WHOLE, **({} if seconds is None else {"seconds": seconds}))
            found["crowd"] = {side: as_json(await run_crowd(_made(folder, side), size, side)) for side in SIDES}
        if "speed" in only:
            small: dict[str, Any] = {"chats": 20, "rounds": 1, "seconds": 1.0, "events": 100}
            large: dict[str, Any] = {"chats": 500, "rounds": 3, "seconds": 10.0, "events": 2000}
            folders = {name: _made(folder, f"speed-{name}") for name in LANES}
            found["speed"] = await run_speed(folders, **(small if quick else large))
    return {**found, "load_after": round(os.getloadavg()[0], 1)}


def _made(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def show(found: dict[str, Any]) -> None:
    """Print tables."""
    console = Console(width=120)
    console.print(f"Load of the machine: {found['load_before']} before, {found['load_after']} after.")
    if "crowd" in found:
        console.print(crowd_table(found["crowd"]))
    if "speed" in found:
        console.print(speed_table(found["speed"]))


def crowd_table(crowd: dict[str, Any]) -> Table:
    """What became of the messages."""
    table = Table(title="Killed in the middle")
    for column in ("", *(f"{side}, to {who}" for side in SIDES for who in ("users", "agents"))):
        table.add_column(column)
    for name in COUNTS:
        table.add_row(
            name.replace("_", " "),
            *(str(crowd[side][way][name]) for side in SIDES for way in ("to_users", "to_agents")),
        )
    return table


def speed_table(speed: dict[str, Any]) -> Table:
    """Delays, messages a second, CPU."""
    names = list(speed["delay_ms"])
    table = Table(title="Speed", caption="Goals of the relay: p50 at most 20 ms, p99 at most 100 ms.")
    for column in ("", *(name.replace("_", " ") for name in names), "relay against forwarder"):
        table.add_column(column)
    for which in ("p50", "p99"):
        row = {name: speed["delay_ms"][name][which] for name in names}
        table.add_row(
            f"event -> say, {which}, ms", *map(str, row.values()), f"+{row['relay'] - row['forwarder']:.2f} ms"
        )
    rates = speed["messages_a_second"]
    table.add_row("messages a second", *map(str, rates.values()), f"{rates['relay'] / rates['forwarder']:.2f}x")
    for part in ("process", "redis"):
        cpu = {name: speed["cpu_ms_a_message"][name][part] for name in names}
        ratio = f"{cpu['relay'] / cpu['forwarder']:.2f}x" if part == "process" else ""
        table.add_row(f"CPU of a message, {part}, ms", *map(str, cpu.values()), ratio)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="crowd,speed", help="crowd, speed or both, with a comma")
    parser.add_argument("--quick", action="store_true", help="a small run")
    parser.add_argument("--seconds", type=float, help="how long the crowd writes (50, or 6 with --quick)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    arguments = parser.parse_args()
    found = run(measure(arguments.only.split(","), quick=arguments.quick, seconds=arguments.seconds))
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
