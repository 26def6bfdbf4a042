"""A crowd of conversations that fail at once: further calls wait unread, and those that are answered are not kept."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from tests.support.guarded_server import action_server, write_actions
from tests.support.patience import SECONDS
from tests.support.rasa import action_call

COMMAND = ["haptik_actions.cli", "run"]
MOST = 200
LONGEST_WAIT_SECONDS = 3.0

CODE = """
import asyncio
import gc
import time
from pathlib import Path

from rasa_sdk import Action
from haptik_actions.actions import Runtime, configure
from haptik_actions.config import Settings
from haptik_actions.escalation import MemoryOutbox, Ticket


class HeldOutbox(MemoryOutbox):
    async def open(self, handoff, terms):
        while not Path("go").exists():
            await asyncio.sleep(0.05)
        return Ticket(state="throttled", wait=60.0)


configure(lambda: Runtime(
    outbox=HeldOutbox(),
    load_settings=lambda: Settings(base_url="http://127.0.0.1:1", client_id="c", token="t", business_id=1201, team="a"),
))


class Fails(Action):
    def name(self):
        return "action_fails"

    async def run(self, dispatcher, tracker, domain):
        with Path("began").open("a") as began:
            print(time.monotonic(), file=began)
        raise ValueError


class Counts(Action):
    def name(self):
        return "action_counts"

    async def run(self, dispatcher, tracker, domain):
        gc.collect()
        calls = [each for each in gc.get_objects() if type(each) is dict and each.get("next_action") == "action_fails"]
        dispatcher.utter_message(text=str(len(calls)))
        return []
"""


def _fails(user: int) -> dict[str, Any]:
    return action_call("action_fails", metadata={"user_name": f"user-{user}"})


async def _have_begun(folder: Path, calls: int, posting: list[asyncio.Task[httpx.Response]]) -> list[float]:
    """When each action began, by the server's clock, once so many have. Nobody may be answered before."""
    gives_up, times = time.monotonic() + 60, folder / "began"
    while not times.exists() or (begun := len(times.read_text().splitlines())) < calls:
        for reply in posting:
            assert not reply.done(), reply
        assert time.monotonic() < gives_up, f"{begun} of {calls} actions began"
        await asyncio.sleep(0.05)
    return [float(line) for line in times.read_text().splitlines()]


async def test_calls_beyond_a_crowd_of_failures_wait_unread_but_not_for_ever(tmp_path: Path) -> None:
    limits, timeout = httpx.Limits(max_connections=None), httpx.Timeout(120)
    with action_server(COMMAND, write_actions(tmp_path, code=CODE)) as server:
        address = f"http://127.0.0.1:{server.port}"
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=timeout) as client:
            posting = [asyncio.create_task(client.post("/webhook", json=_fails(user))) for user in range(MOST + 50)]
            await _have_begun(tmp_path, MOST, posting)
            # Whoever asks for the server's health is not one of the crowd.
            assert (await client.get("/health")).status_code == 200
            # Nobody is answered: the others are let in because they have waited long enough.
            began = await _have_begun(tmp_path, MOST + 50, posting)
            (tmp_path / "go").touch()
            answers = [reply.json() for reply in await asyncio.gather(*posting)]
    pauses = [later - sooner for sooner, later in pairwise(began)]
    assert max(pauses) > LONGEST_WAIT_SECONDS - 1
    assert MOST - 1 <= pauses.index(max(pauses)) < MOST + 49
    receipts = [event["value"]["state"] for answer in answers for event in answer["events"] if event["event"] == "slot"]
    assert Counter(receipts) == {"throttled": MOST + 50}


def test_no_connection_keeps_its_latest_call(tmp_path: Path) -> None:
    (tmp_path / "go").touch()
    with action_server(COMMAND, write_actions(tmp_path, code=CODE)) as server:
        address = f"http://127.0.0.1:{server.port}/webhook"
        connections = [httpx.Client(timeout=SECONDS) for _ in range(5)]
        for client in connections:
            assert client.post(address, json=_fails(1)).status_code == 200
        answer = server.run(action_call("action_counts"))
        for client in connections:
            client.close()
    assert [message["text"] for message in answer["responses"]] == ["0"]
