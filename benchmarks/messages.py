"""The message store: a cached text, an edit in eight processes, 100,000 messages, a minute without Redis.

    .venv/bin/python benchmarks/messages.py                      # prints JSON; the outages alone take 150 s
    .venv/bin/python benchmarks/messages.py --only cached,edits

Sides of a comparison run in turns. The figures that count have a goal beside them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from support.message_edits import measure_edits
from support.message_outage import measure_outage
from support.message_reads import measure_cached, measure_large

PARTS: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
    "cached": measure_cached,
    "edits": measure_edits,
    "large": measure_large,
    "outage": measure_outage,
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
