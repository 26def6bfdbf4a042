"""What HaptikInput costs: a turn over it against one over Rasa's REST channel, and a turn of REST with and without it.

    RASA_PYTHON=.venv-rasa/bin/python .venv/bin/python benchmarks/channel.py [a folder with the trained example]

Two real Rasas answer "hello", one without HaptikInput and one with it on a Redis. One request at a time, in turns, ten
to a conversation. The second Rasa goes through the relay's look at Redis in each turn.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from support.ending import run
from support.load import cpu_seconds
from support.processes import Process, Valkey, until

from haptik_actions._serving import free_port

EXAMPLE = Path(__file__).parents[1] / "examples" / "rasa_project"
SECRET = "node"
ROUNDS, MESSAGES = 30, 10
START_SECONDS, TRAIN_SECONDS = 180.0, 900.0
HAPTIK = f"haptik_actions.channel.HaptikInput:\n  business_id: 1201\n  secret: {SECRET}\n  webhook_secret: events\n"

Call = Callable[[str], tuple[str, bytes, dict[str, str]]]


def rest(sender: str) -> tuple[str, bytes, dict[str, str]]:
    """A message as Rasa's REST channel takes it."""
    return "/webhooks/rest/webhook", json.dumps({"sender": sender, "message": "hello"}).encode(), {}


def haptik(sender: str) -> tuple[str, bytes, dict[str, str]]:
    """The same as a gateway node of Haptik sends it."""
    heard = [{"entity_value": "hello", "detection": "message", "original_text": "hello"}]
    user = {"user_name": sender, "language_code": "en", "device_platform": 5}
    body = json.dumps(
        {"node": "gateway", "conversation_no": 1, "user": user, "entities": {"feedback_regex": heard}}
    ).encode()
    signature = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    return "/webhooks/haptik/webhook", body, {"X-Hub-Signature": signature}


class Rasa(Process):
    """Rasa with the example's bot and these credentials."""

    def __init__(self, folder: Path, project: Path, credentials: str) -> None:
        super().__init__(folder / "rasa.log")
        self._project, self._credentials = project, folder / "credentials.yml"
        self._credentials.write_text(credentials)
        self.url = f"http://127.0.0.1:{free_port()}"

    async def start(self, **environ: str) -> None:
        """Start it, and wait until it answers."""
        words = [os.environ["RASA_PYTHON"], "-m", "rasa", "run", "--interface", "127.0.0.1"]
        words += ["--port", self.url.rpartition(":")[2], "--credentials", str(self._credentials)]
        quiet = {"RASA_TELEMETRY_ENABLED": "false", "PYTHONPATH": str(EXAMPLE.parents[1])}
        await self.launch(*words, cwd=self._project, **quiet, **environ)
        if not await until(self._answers, START_SECONDS, 0.5):
            sys.exit(f"Rasa does not answer:\n{self.log.read_text()}")

    async def _answers(self) -> bool:
        try:
            async with aiohttp.ClientSession() as http:
                message = {"sender": "start", "message": "hello"}
                async with http.post(f"{self.url}/webhooks/rest/webhook", json=message) as answer:
                    return bool(await answer.json())
        except aiohttp.ClientError:
            return False


async def measure(without: Rasa, with_it: Rasa) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Side -> milliseconds of each turn; side -> of each conversation the milliseconds of CPU that a turn took."""
    sides: dict[str, tuple[Rasa, Call]] = {
        "rest_without": (without, rest),
        "rest_with": (with_it, rest),
        "haptik": (with_it, haptik),
    }
    took: dict[str, list[float]] = {side: [] for side in sides}
    used: dict[str, list[float]] = {side: [] for side in sides}
    async with aiohttp.ClientSession() as http:
        for number in range(ROUNDS + 1):
            for side in list(sides)[:: -1 if number % 2 else 1]:
                rasa, call = sides[side]
                # The first message of a conversation begins its session, and the first round warms up.
                await turn(http, rasa, call(f"{side}-{number}"))
                before = cpu_seconds(rasa.pid)
                each = [await turn(http, rasa, call(f"{side}-{number}")) for _ in range(MESSAGES)]
                if number:
                    took[side] += each
                    used[side].append(1000 * (cpu_seconds(rasa.pid) - before) / MESSAGES)
    return took, used


async def turn(http: aiohttp.ClientSession, rasa: Rasa, call: tuple[str, bytes, dict[str, str]]) -> float:
    """Milliseconds of one turn."""
    path, body, headers = call
    began = time.perf_counter()
    headers = {"Content-Type": "application/json", **headers}
    async with http.post(f"{rasa.url}{path}", data=body, headers=headers) as answer:
        read = await answer.read()
    took = 1000 * (time.perf_counter() - began)
    assert answer.status == 200, read
    assert b"Ask me about an order" in read, read
    return took


def summary(took: dict[str, list[float]], used: dict[str, list[float]]) -> dict[str, Any]:
    """The medians, and what they differ by. CPU says more where the machine does other things as well."""
    return {
        "turns": len(took["haptik"]),
        "p50_ms": _rounded({side: statistics.median(times) for side, times in took.items()}),
        "p90_ms": _rounded({side: statistics.quantiles(times, n=10)[-1] for side, times in took.items()}),
        "cpu_ms_per_turn": _rounded({side: statistics.median(times) for side, times in used.items()}),
        "rest_with_vs_without": {**_difference(took, used, "rest_with", "rest_without"), "goal": "at most 1 ms more"},
        "haptik_vs_rest": {**_difference(took, used, "haptik", "rest_with"), "goal": "at most 2 ms more at p50"},
    }


def _rounded(times: dict[str, float]) -> dict[str, float]:
    return {side: round(value, 2) for side, value in times.items()}


def _difference(took: dict[str, list[float]], used: dict[str, list[float]], one: str, other: str) -> dict[str, float]:
    p50, cpu = ({side: statistics.median(times[side]) for side in (one, other)} for times in (took, used))
    return _rounded(
        {
            "ratio": p50[one] / p50[other],
            "more_ms": p50[one] - p50[other],
            "ratio_of_cpu": cpu[one] / cpu[other],
            "more_ms_of_cpu": cpu[one] - cpu[other],
        }
    )


async def trained(folder: Path) -> Path:
    """A copy of the example, trained there."""
    project = folder / "bot"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("models", ".rasa", "__pycache__"))
    words = [os.environ["RASA_PYTHON"], "-m", "rasa", "train", "--domain", "domain"]
    training = Process(folder / "train.log")
    try:
        await training.launch(*words, cwd=project, RASA_TELEMETRY_ENABLED="false", PYTHONPATH=str(EXAMPLE.parents[1]))
        await until(lambda: not training.is_running, TRAIN_SECONDS, 0.5)
    finally:
        await training.kill()
    if not list((project / "models").glob("*.tar.gz")):
        sys.exit(f"Rasa does not train:\n{training.log.read_text()}")
    return project


async def main() -> None:
    """Start everything, measure, and print."""
    with tempfile.TemporaryDirectory(prefix="channel-") as name:
        folder = Path(name)
        project = Path(sys.argv[1]) if len(sys.argv) > 1 else await trained(folder)
        for side in ("valkey", "without", "with"):
            (folder / side).mkdir()
        async with AsyncExitStack() as stack:
            valkey = Valkey(folder / "valkey")
            without = Rasa(folder / "without", project, "rest:\n")
            with_it = Rasa(folder / "with", project, f"rest:\n{HAPTIK}")
            for process in (valkey, without, with_it):
                stack.push_async_callback(process.kill)
            await valkey.start()
            settings = {"HAPTIK_CLIENT_ID": "demo-client", "HAPTIK_TOKEN": "demo-token"}
            await without.start()
            await with_it.start(REDIS_URL=valkey.url, HAPTIK_BASE_URL="http://127.0.0.1:9", **settings)
            print(json.dumps(summary(*await measure(without, with_it)), indent=2))


if __name__ == "__main__":
    if not os.environ.get("RASA_PYTHON"):
        sys.exit("Name a Python with Rasa 3.6.21 in RASA_PYTHON; `make e2e` installs one as .venv-rasa/bin/python.")
    os.environ["RASA_PYTHON"] = os.path.abspath(os.environ["RASA_PYTHON"])
    run(main())
