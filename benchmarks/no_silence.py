"""Who is left without an answer, whose hand-off is lost or doubled: each trouble by each way in, with and without.

    .venv/bin/python benchmarks/no_silence.py                    # a table for people
    .venv/bin/python benchmarks/no_silence.py --json             # the same for programs
    .venv/bin/python benchmarks/no_silence.py --only 'redis|killed' --users 20

Real processes: an action server (rasa-sdk's or `haptik-actions run`), a Valkey, and the sandbox on a port. Rasa is
played by the bodies that a real one posted. Exits with 1 where the plugin left somebody silent or lost a hand-off.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib.util
import json
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from support.cells import WAYS, Cell, Way, run_cell, start_stack
from support.faults import TROUBLES, Trouble

AT_ONCE = 4
"""Lanes at a time. Most of a lane's time is waiting."""

TOTALS = ("users", "silent", "lost", "doubled")


async def run_lane(way: Way, troubles: Sequence[Trouble], users: int, *, plugin: bool) -> list[Cell]:
    """Let one way in meet all of its troubles, one after the other."""
    async with start_stack(way, troubles, users, plugin=plugin) as stack:
        return [await run_cell(stack, way, trouble, users, plugin=plugin) for trouble in troubles]


async def run_all(only: re.Pattern[str], users: int, sides: Sequence[bool]) -> list[Cell]:
    """Run the cells whose `way:trouble` matches `only`."""
    task = asyncio.current_task()
    assert task is not None
    # Who ends this process ends the processes that it has started as well.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    seats = asyncio.Semaphore(AT_ONCE)

    async def lane(way: Way, plugin: bool) -> list[Cell]:
        troubles = [t for t in TROUBLES if way.meets(t) and only.search(f"{way.name}:{t.name}")]
        if not troubles:
            return []
        async with seats:
            cells = await run_lane(way, troubles, users, plugin=plugin)
            print(f"{way.title}, {'with' if plugin else 'without'} the plugin: done", file=sys.stderr)
            return cells

    has_grpc = importlib.util.find_spec("grpc") is not None
    ways = [way for way in WAYS if has_grpc or not way.grpc]
    lanes = await asyncio.gather(*(lane(way, plugin) for plugin in sides for way in ways))
    return [cell for cells in lanes for cell in cells]


def totals(cells: Sequence[Cell], names: Sequence[str] = TOTALS) -> dict[str, int]:
    """The sums over the cells of one side."""
    return {name: sum(getattr(cell, name) for cell in cells) for name in names}


def report(cells: Sequence[Cell]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "cells": [dataclasses.asdict(cell) for cell in cells],
        "with": totals([cell for cell in cells if cell.plugin]),
        "without": totals([cell for cell in cells if not cell.plugin]),
    }


def table(cells: Sequence[Cell], title: str) -> Table:
    """One side as a table."""
    ways = [way for way in WAYS if any(cell.way == way.name for cell in cells)]
    found = {(cell.way, cell.trouble): cell for cell in cells}
    sums = totals(cells, (*TOTALS, "cut"))
    shown = Table(title=title, caption=", ".join(f"{count} {name}" for name, count in sums.items()))
    shown.add_column("")
    for way in ways:
        shown.add_column(way.title)
    for trouble in TROUBLES:
        row = [found.get((way.name, trouble.name)) for way in ways]
        if any(row):
            shown.add_row(trouble.title, *map(in_words, row))
    return shown


def in_words(cell: Cell | None) -> Text:
    """What happened to the users of a cell."""
    if cell is None:
        return Text("")
    said = [f"{count} {name}" for name in ("silent", "lost", "doubled", "cut") if (count := getattr(cell, name))]
    if cell.silent or cell.lost:
        return Text(", ".join(said), style="red")
    return Text(", ".join(said) or "·", style="yellow" if said else "green")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--users", type=int, default=5, help="users of each cell (5)")
    parser.add_argument("--only", type=re.compile, default=re.compile(""), help="a pattern for way:trouble")
    parser.add_argument("--side", choices=("with", "without"), help="only with the plugin, or only without it")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    sides = [plugin for plugin in (True, False) if arguments.side in (None, "with" if plugin else "without")]
    cells = asyncio.run(run_all(arguments.only, arguments.users, sides))
    if arguments.json:
        print(json.dumps(report(cells), indent=2))
    else:
        for plugin in sides:
            console = Console(width=180)
            side = [cell for cell in cells if cell.plugin == plugin]
            console.print(table(side, "With the plugin" if plugin else "Without the plugin"))
    return int(any(cell.plugin and (cell.silent or cell.lost) for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
