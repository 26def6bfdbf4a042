"""How long Rasa waits at `/nlg` while editors work: the studio as it is served, and all of it in one process.

    .venv/bin/python -m benchmarks.beside_editors [--json]

Real Valkey, servers that begin with 1,024 file descriptors, as a shell gives them. Both sides are asked one after the
other in each row, by a client in a process of its own, 50 times a second, in turns on a connection made for the call
and on one that is kept open: Rasa does both. A call counts from the moment at which it was due, so that a server that
stands still is not asked less. The half-open requests are there when the first call is made, and in the last row they
all come two seconds later. `cpu_ms` is what the answering process took for the row, whatever else the machine did.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from threading import Event
from typing import TypeAlias

import httpx
import redis

from benchmarks.support.valkey import running

CALL = {"response": "utter_state", "arguments": {}, "tracker": {"slots": {}}, "channel": {"name": "rest"}}
DESCRIPTORS, HALF_OPEN, GOAL_MS = 1_024, 1_200, 50
SECONDS, RATE = 12.0, 50
SERVER = """
import asyncio, sys
from haptik_actions.config import Settings

async def one_process(url):
    from redis.asyncio import Redis
    from haptik_actions._serving import serve_app
    from haptik_actions.messages import Catalogue, MessageStore
    from haptik_actions.nlg import nlg_app
    from haptik_actions.studio import Studio
    redis, store = Redis.from_url(url), MessageStore.from_url(url)
    catalogue = Catalogue(redis)
    store.start()
    catalogue.start()
    async with serve_app(Studio(redis, catalogue, nlg=nlg_app(store)).app) as base:
        print(base, flush=True)
        await asyncio.Event().wait()

async def as_served(url):
    from haptik_actions.studio import serve
    async with serve(Settings(redis_url=url)) as base:
        print(base, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run((one_process if sys.argv[1] == "one process" else as_served)(sys.argv[2]))
"""
SIDES = ("one process", "as served")

Work: TypeAlias = Callable[[str, Event], None]
"""What editors do at a base URL; it sets the event when it is under way."""
Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def main(as_json: bool) -> None:
    context = multiprocessing.get_context("spawn")
    with running() as valkey, context.Manager() as manager, context.Pool(2) as pool:
        ready = manager.Event()
        redis.Redis.from_url(valkey.url).set("haptik:messages:en:utter_state", "Order 1001 is on its way.")
        measured = {name: _row(work, pool, valkey.url, ready) for name, work in WORK.items()}
    rows = [{"while": name, "goal_p99_ms": GOAL_MS, **figures} for name, figures in measured.items()]
    print(json.dumps(rows, indent=2) if as_json else "\n".join(map(_line, rows)))
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", file=sys.stderr)


def _row(work: Work, pool: Pool, url: str, ready: Event) -> dict[str, float]:
    figures: dict[str, float] = {}
    for side in SIDES:
        with _server(side, url) as (base, process_id):
            ready.clear()
            before = _cpu_ms(process_id)
            working = pool.apply_async(work, (base, ready))
            ready.wait()
            by_kind = pool.apply(ask, (int(base.rsplit(":", 1)[1]),))
            figures[f"{side}: cpu_ms"] = _cpu_ms(process_id) - before
            working.get(timeout=600)
        for kind, took in by_kind.items():
            figures[f"{side}, {kind}: p99_ms"] = round(took[int(len(took) * 0.99)] * 1_000, 1)
            figures[f"{side}, {kind}: worst_ms"] = round(took[-1] * 1_000, 1)
    figures["ratio of p99"] = round(figures["one process, new: p99_ms"] / figures["as served, new: p99_ms"], 1)
    return figures


@contextmanager
def _server(side: str, url: str) -> Iterator[tuple[str, int]]:
    words = [sys.executable, "-c", SERVER, side, url]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, preexec_fn=_few_descriptors
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.wait()


def _few_descriptors() -> None:
    # What a shell gives; the hard limit stays.
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _cpu_ms(process_id: int) -> float:
    """What the process itself has taken of the processor, without the pages' process."""
    ticks = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return round(1_000 * sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"))


def ask(port: int) -> dict[str, list[float]]:
    """Ask `RATE` times a second for `SECONDS`, and return the seconds of each answer by kind, the longest last."""
    return asyncio.run(_ask(port))


async def _ask(port: int) -> dict[str, list[float]]:
    began = time.perf_counter() + 0.5
    calls = [began + number / RATE for number in range(int(SECONDS * RATE))]
    idle: list[Streams] = []
    new = asyncio.gather(*(_call(port, due, None) for due in calls[::2]))
    kept = asyncio.gather(*(_call(port, due, idle) for due in calls[1::2]))
    return {"new": sorted(await new), "kept open": sorted(await kept)}


async def _call(port: int, due: float, idle: list[Streams] | None) -> float:
    """Make one call; `idle` are connections that are kept open, None makes one for this call."""
    await asyncio.sleep(due - time.perf_counter())
    answer = b""
    while b"on its way" not in answer:
        # Rasa gives up on one that is refused; here the time runs on until there is an answer.
        try:
            streams = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
            answer = await _exchange(*streams, is_last=idle is None)
        except (OSError, EOFError):
            await asyncio.sleep(0.01)
            continue
        if idle is not None:
            idle.append(streams)
    return time.perf_counter() - due


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_last: bool) -> bytes:
    body = json.dumps(CALL)
    kept = "close" if is_last else "keep-alive"
    head = f"POST /nlg HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: {kept}\r\n\r\n"
    writer.write((head + body).encode())
    told = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", told)
    assert length is not None
    answer = await reader.readexactly(int(length[1]))
    if is_last:
        writer.close()
    return answer


def quiet(base: str, ready: Event) -> None:
    """Let nobody else ask."""
    ready.set()
    time.sleep(SECONDS)


def import_csv(base: str, ready: Event) -> None:
    """Send a table of 3 MB."""
    rows = "".join(f"faq/zone_{number},en,,{'Shipping takes a few days. ' * 8}{number}\r\n" for number in range(13_000))
    _send_file(base, ready, "copy.csv", f"key,locale,origin,value\r\n{rows}")


def import_yaml(base: str, ready: Event) -> None:
    """Send a YAML file of 3 MB."""
    rows = "".join(f"  faq/zone_{number}: {'Shipping takes a few days. ' * 8}{number}\n" for number in range(13_000))
    _send_file(base, ready, "copy.yml", f"en:\n{rows}")


def preview(base: str, ready: Event) -> None:
    """Send a message of 200 KB to the preview, again and again."""
    until = time.monotonic() + SECONDS
    with httpx.Client(base_url=base, timeout=120) as http:
        form = {"csrf": _csrf(http), "key": "utter_state", "locale": "en", "variations": "1", "v0.text": "*a " * 66_000}
        ready.set()
        while time.monotonic() < until:
            http.post("/message/form", data=form, headers={"X-Requested-With": "studio"})


def half_open(base: str, ready: Event) -> None:
    """Begin 1,200 requests, half of them with a body that never comes, and begin each anew that is closed."""
    asyncio.run(_half_open(int(base.rsplit(":", 1)[1]), ready))


def flood(base: str, ready: Event) -> None:
    """Let calls be answered for two seconds, and then begin 1,200 requests at once."""
    ready.set()
    time.sleep(2)
    half_open(base, ready)


async def _half_open(port: int, ready: Event) -> None:
    there: set[int] = set()
    begun = [asyncio.ensure_future(_begin(port, number, there)) for number in range(HALF_OPEN)]
    # A server that runs out of descriptors never has them all.
    for _ in range(100):
        await asyncio.sleep(0.1)
        if len(there) == HALF_OPEN:
            break
    ready.set()
    await asyncio.wait(begun, timeout=SECONDS + 2)
    for each in begun:
        each.cancel()
    await asyncio.wait(begun)


async def _begin(port: int, number: int, there: set[int]) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /nlg HTTP/1.1\r\nHost: localhost\r\n")
            if number % 2 == 0:
                writer.write(b"Content-Length: 100000\r\n\r\n{")
            there.add(number)
            await reader.read()
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(1)


WORK: dict[str, Work] = {
    "nobody edits": quiet,
    "an import of 3 MB, CSV": import_csv,
    "an import of 3 MB, YAML": import_yaml,
    "previews of 200 KB": preview,
    "1,200 half-open requests": half_open,
    "1,200 that begin at once": flood,
}


def _send_file(base: str, ready: Event, name: str, text: str) -> None:
    with httpx.Client(base_url=base, timeout=300) as http:
        form = {"csrf": _csrf(http, "/transfer")}
        ready.set()
        http.post("/transfer", data=form, files={"file": (name, text.encode(), "text/plain")}).raise_for_status()


def _csrf(http: httpx.Client, page: str = "/message?key=utter_state&locale=en") -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', http.get(page).text)
    assert found is not None
    return found[1]


def _line(row: dict[str, object]) -> str:
    return f"{row['while']:<26}" + "  ".join(f"{name} {value}" for name, value in row.items() if name != "while")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    main(parser.parse_args().json)
