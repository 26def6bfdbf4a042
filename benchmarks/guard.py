"""What the guard costs: an action that works, a server under load, one hand-off, two thousand at once.

    .venv/bin/python benchmarks/guard.py                     # prints JSON
    .venv/bin/python benchmarks/guard.py --only cpu,handoff

Sides run in turns, so that a machine that slows down slows all of them. The figures that count have a goal beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from support.cost import measure_cpu
from support.handoff import measure_handoff
from support.load import measure_throughput
from support.storm import measure_storm

PARTS: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    "cpu": measure_cpu,
    "throughput": measure_throughput,
    "handoff": measure_handoff,
    "storm": measure_storm,
}


async def measure(names: list[str]) -> dict[str, Any]:
    """Measure the parts, one after the other."""
    return {name: await PARTS[name]() for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}, with commas")
    names = parser.parse_args().only.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    print(json.dumps(asyncio.run(measure(names)), indent=2))


if __name__ == "__main__":
    main()
