"""Ten minutes of calls that work, fail, hang, block and swallow: does the worker's memory stay as it is?

    .venv/bin/python benchmarks/soak.py                  # ten minutes
    .venv/bin/python benchmarks/soak.py --minutes 1      # one, to try it
    .venv/bin/python benchmarks/soak.py --picture docs/images/soak.svg

A real server (`haptik-actions run`, one worker) without Haptik and Redis. Every half minute a line: seconds, calls, MiB
of the worker, objects, and how many errors and calls are held. Exits with 1 where the second half grew by a tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.guarded_server import action_server, write_actions
from tests.support.rasa import action_call

LANES, EVERY_SECONDS = 30, 30.0
DEADLINE = 0.3
SHARES = {"action_works": 60, "action_fails": 15, "action_hangs": 10, "action_swallows": 10, "action_blocks": 5}
MOST_GROWTH = 1.1

ACTIONS = """
import asyncio
import gc
import json
import time

from rasa_sdk import Action


class Works(Action):
    def name(self):
        return "action_works"

    async def run(self, dispatcher, tracker, domain):
        await asyncio.sleep(0.001)
        return []


class Fails(Works):
    def name(self):
        return "action_fails"

    async def run(self, dispatcher, tracker, domain):
        raise ValueError("down")


class Hangs(Works):
    def name(self):
        return "action_hangs"

    async def run(self, dispatcher, tracker, domain):
        await asyncio.sleep(60)


class Swallows(Works):
    def name(self):
        return "action_swallows"

    async def run(self, dispatcher, tracker, domain):
        while True:
            try:
                await asyncio.sleep(60)
            except BaseException:
                await asyncio.sleep(0)


class Blocks(Works):
    def name(self):
        return "action_blocks"

    async def run(self, dispatcher, tracker, domain):
        time.sleep(2)


class Counts(Works):
    def name(self):
        return "action_counts"

    async def run(self, dispatcher, tracker, domain):
        held = [type(each).__name__ for each in gc.get_objects()]
        kinds = ("CancelledError", "IntegrationTimeout", "Call", "traceback")
        with open("/proc/self/statm") as pages:
            mib = int(pages.read().split()[1]) * 4096 >> 20
        told = {"mib": mib, "objects": len(held), **{kind: held.count(kind) for kind in kinds}}
        dispatcher.utter_message(text=json.dumps(told))
        return []
"""


async def soak(url: str, seconds: float) -> list[dict[str, Any]]:
    """Call until so many seconds are over; return what was counted on the way."""
    ends, calls, counted = time.monotonic() + seconds, 0, []
    began = time.monotonic()
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=LANES + 5)) as client:

        async def call_on() -> None:
            nonlocal calls
            while time.monotonic() < ends:
                calls += 1
                (name,) = random.choices([*SHARES], [*SHARES.values()])
                slots = {"haptik": {"deadline": DEADLINE, "limit": 1_000_000}}
                who = {"user_name": f"u{calls}", "business_id": 1}
                await client.post("/webhook", json=action_call(name, slots=slots, metadata=who))

        async def count_on() -> None:
            while time.monotonic() < ends:
                await asyncio.sleep(min(EVERY_SECONDS, seconds / 4))
                reply = await client.post("/webhook", json=action_call("action_counts"))
                told = json.loads(reply.json()["responses"][0]["text"])
                counted.append({"seconds": round(time.monotonic() - began), "calls": calls, **told})
                print(counted[-1], flush=True)

        await asyncio.gather(count_on(), *(call_on() for _ in range(LANES)))
    return counted


def picture(counted: list[dict[str, Any]]) -> str:
    """Draw MiB over minutes, from zero, as SVG."""
    wide, high, left, low = 720, 240, 60, 40
    last, most = counted[-1], -(-max(each["mib"] for each in counted) // 50) * 50

    def at(seconds: float, mib: float) -> tuple[float, float]:
        return left + (wide - left - 20) * seconds / last["seconds"], 20 + (high - 20 - low) * (1 - mib / most)

    lines = []
    for mib in range(0, most + 1, 50):
        _, y = at(0, mib)
        lines.append(f'<path d="M{left} {y:.0f}H{wide - 20}" stroke="#ddd"/>')
        lines.append(f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{mib}</text>')
    for minute in range(0, last["seconds"] // 60 + 1, 2):
        lines.append(
            f'<text x="{at(60 * minute, 0)[0]:.0f}" y="{high - low + 20}" text-anchor="middle">{minute}</text>'
        )
    curve = " ".join("{:.1f},{:.1f}".format(*at(each["seconds"], each["mib"])) for each in counted)
    said = f"MiB of one worker over minutes; {last['calls']:,} calls that work, fail, hang, block or swallow"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" aria-label="{said}" '
        f'font-family="sans-serif" font-size="13" fill="#333">\n<rect width="{wide}" height="{high}" fill="#fff"/>\n'
        + "\n".join(lines)
        + f'\n<polyline points="{curve}" fill="none" stroke="#06c" stroke-width="2"/>\n'
        f'<text x="{left}" y="{high - 4}">{said}</text>\n</svg>\n'
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--picture", type=Path, help="where to draw the curve, as SVG")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_actions(Path(folder), code=ACTIONS)
        with action_server(["haptik_actions.cli", "run"], Path(folder)) as server:
            counted = asyncio.run(soak(server.url, 60 * given.minutes))
    if given.picture is not None:
        given.picture.write_text(picture(counted))
    half = counted[len(counted) // 2]["mib"]
    return int(counted[-1]["mib"] > MOST_GROWTH * half)


if __name__ == "__main__":
    sys.exit(main())
