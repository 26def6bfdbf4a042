"""A crowd of conversations that fail at once: further calls wait unread, and those that are answered are not kept."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.support.guarded_server import action_server, write_actions
from tests.support.rasa import action_call

COMMAND = ["haptik_actions.cli", "run"]
MOST = 200

CODE = """
import asyncio
import gc
import time

from rasa_sdk import Action
from haptik_actions.actions import Runtime, configure
from haptik_actions.config import Settings
from haptik_actions.escalation import MemoryOutbox, Ticket


class SlowOutbox(MemoryOutbox):
    async def open(self, handoff, terms):
        await asyncio.sleep(SECONDS)
        return Ticket(state="throttled", wait=60.0)


configure(lambda: Runtime(
    outbox=SlowOutbox(),
    load_settings=lambda: Settings(base_url="http://127.0.0.1:1", client_id="c", token="t", business_id=1201, team="a"),
))


class Fails(Action):
    def name(self):
        return "action_fails"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=f"run {time.time()}")
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


def _code(seconds: float) -> str:
    return CODE.replace("SECONDS", str(seconds))


def _fails(user: int) -> dict[str, Any]:
    return action_call("action_fails", metadata={"user_name": f"user-{user}"})


async def _storm(port: int, calls: int) -> tuple[list[float], Counter[str], float]:
    """When each action ran, in seconds after the first; the receipts; how long the server's health took meanwhile."""
    limits, timeout = httpx.Limits(max_connections=None), httpx.Timeout(30)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=timeout) as client:
        posting = [asyncio.create_task(client.post("/webhook", json=_fails(user))) for user in range(calls)]
        await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED, timeout=2.5)
        began = time.monotonic()
        assert (await client.get("/health")).status_code == 200
        health = time.monotonic() - began
        answers = [reply.json() for reply in await asyncio.gather(*posting)]
    ran = sorted(float(answer["responses"][0]["text"].split()[1]) for answer in answers)
    receipts = [event["value"]["state"] for answer in answers for event in answer["events"] if event["event"] == "slot"]
    return [at - ran[0] for at in ran], Counter(receipts), health


async def test_calls_beyond_a_crowd_of_failures_are_read_when_one_of_them_is_answered(tmp_path: Path) -> None:
    with action_server(COMMAND, write_actions(tmp_path, code=_code(2.0))) as server:
        ran, receipts, _ = await _storm(server.port, MOST + 50)
    assert receipts == {"throttled": MOST + 50}
    # Before the first has its answer, two seconds later.
    assert sum(at < 2.0 for at in ran) == MOST


async def test_no_call_waits_for_a_crowd_that_makes_no_progress(tmp_path: Path) -> None:
    with action_server(COMMAND, write_actions(tmp_path, code=_code(6.0))) as server:
        ran, receipts, health = await _storm(server.port, MOST + 50)
    assert receipts == {"throttled": MOST + 50}
    assert 2.5 < ran[-1] < 5.5
    assert health < 2.0


def test_no_connection_keeps_its_latest_call(tmp_path: Path) -> None:
    with action_server(COMMAND, write_actions(tmp_path, code=_code(0.0))) as server:
        address = f"http://127.0.0.1:{server.port}/webhook"
        connections = [httpx.Client() for _ in range(5)]
        for client in connections:
            assert client.post(address, json=_fails(1)).status_code == 200
        answer = server.run(action_call("action_counts"))
        for client in connections:
            client.close()
    assert [message["text"] for message in answer["responses"]] == ["0"]
