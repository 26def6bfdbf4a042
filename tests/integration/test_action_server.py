"""The example's actions in a real rasa-sdk process, with the sandbox, a real Valkey and a failing integration."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from haptik_actions._serving import serve_app
from haptik_actions.demo import OrdersService
from haptik_actions.messages import packaged_copy
from haptik_actions.sandbox import Sandbox
from tests.support.action_server import EXAMPLE, ActionServer
from tests.support.ports import free_port

COPY = packaged_copy()


class Bench:
    """The parts of one set-up, and a way to call an action."""

    def __init__(self, sandbox: Sandbox, orders: OrdersService, server: ActionServer) -> None:
        self.sandbox, self.orders, self.server = sandbox, orders, server

    async def call(self, recorded: str, **changes: Any) -> dict[str, Any]:
        file = resources.files("haptik_actions.demo") / "calls" / f"{recorded}.json"
        call = {**json.loads(file.read_text(encoding="utf-8")), **changes}
        status, answer = await asyncio.to_thread(self.server.post, call)
        assert status == 200, answer
        return answer


@pytest.fixture
async def bench(tmp_path: Path, valkey_url: str, redis_client: redis.asyncio.Redis) -> AsyncIterator[Bench]:
    sandbox, orders = Sandbox(), OrdersService()
    async with serve_app(sandbox.app) as sandbox_url, serve_app(orders.app) as orders_url:
        server = ActionServer(
            tmp_path,
            HAPTIK_BASE_URL=sandbox_url,
            HAPTIK_CLIENT_ID="demo-client",
            HAPTIK_TOKEN="demo-token",
            REDIS_URL=valkey_url,
            ORDERS_URL=orders_url,
        )
        await asyncio.to_thread(server.__enter__)
        try:
            yield Bench(sandbox, orders, server)
        finally:
            await asyncio.to_thread(server.__exit__)
    assert "demo-token" not in server.log


def receipt(answer: dict[str, Any]) -> dict[str, Any]:
    return next(e["value"] for e in answer["events"] if e.get("name") == "haptik_handoff")


async def test_the_main_path(bench: Bench, redis_client: redis.asyncio.Redis) -> None:
    working = await bench.call("order_status")
    assert [m["response"] for m in working["responses"]] == ["utter_order_status"]
    assert bench.sandbox.queue() == []

    bench.orders.mode = "broken"
    await redis_client.set("haptik:messages:en:haptik_handoff_connected", "Fetching the {team} team")
    failing = await bench.call("order_status_failing")
    assert [m["text"] for m in failing["responses"]] == ["Fetching the orders team"]
    assert [e["event"] for e in failing["events"]] == ["slot", "followup", "action", "pause"]
    assert receipt(failing)["state"] == "connected"
    assert [(c.team, c.state, c.countdown) for c in bench.sandbox.queue()] == [("orders", "counting_down", 5)]
    bench.sandbox.advance(5)
    assert [(c.team, c.state) for c in bench.sandbox.queue()] == [("orders", "pending")]

    again = await bench.call("order_status_failing")
    assert receipt(again)["state"] == "duplicate"
    assert receipt(again)["id"] == receipt(failing)["id"]
    assert [m["text"] for m in again["responses"]] == [COPY["haptik_handoff_duplicate"]]
    assert len(bench.sandbox.journal) == 1, "a chat that waits is not handed over again"


async def test_haptik_down_and_back(bench: Bench) -> None:
    bench.orders.mode, bench.sandbox.outage = "broken", True
    answer = await bench.call("order_status_haptik_down")
    assert [m["text"] for m in answer["responses"]] == [COPY["haptik_handoff_delayed"]]
    assert [e["event"] for e in answer["events"]] == ["slot"]
    bench.sandbox.outage = False
    for _ in range(1200):
        if bench.sandbox.queue():
            break
        await asyncio.sleep(0.05)
    assert [(c.team, c.user_name) for c in bench.sandbox.queue()] == [("orders", "chitra")]


async def test_a_refused_team_is_told_and_not_tried_again(bench: Bench) -> None:
    bench.orders.mode = "broken"
    call = json.loads((resources.files("haptik_actions.demo") / "calls" / "order_status_failing.json").read_text())
    tracker = copy.deepcopy(call["tracker"])
    tracker["slots"]["haptik"]["actions"]["action_order_status"]["team"] = "night"
    answer = await bench.call("order_status_failing", tracker=tracker)
    assert [m["text"] for m in answer["responses"]] == [COPY["haptik_handoff_unavailable"]]
    assert (receipt(answer)["reason"], receipt(answer)["team"]) == ("InactiveTeam", "night")
    assert bench.sandbox.queue() == []
    assert len(bench.sandbox.journal) == 1
    assert 'team "night" is inactive' in bench.server.log


async def test_everything_down_at_once_is_still_an_answer(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    server = ActionServer(
        tmp_path,
        HAPTIK_BASE_URL=f"http://{nowhere}",
        HAPTIK_CLIENT_ID="demo-client",
        HAPTIK_TOKEN="demo-token",
        REDIS_URL=f"redis://{nowhere}",
        ORDERS_URL=f"http://{nowhere}",
    )
    call = json.loads((resources.files("haptik_actions.demo") / "calls" / "order_status.json").read_text())
    with server:
        status, answer = await asyncio.to_thread(server.post, call)
    assert status == 200
    assert [m["text"] for m in answer["responses"]] == [COPY["haptik_handoff_delayed"]]
    assert receipt(answer)["reason"] == "TransportError"


async def test_nothing_configured_is_still_an_answer_and_the_log_names_the_setting(tmp_path: Path) -> None:
    server = ActionServer(tmp_path, HAPTIK_ENDPOINTS="none.yml", ORDERS_URL=f"http://127.0.0.1:{free_port()}")
    call = json.loads((resources.files("haptik_actions.demo") / "calls" / "order_status.json").read_text())
    with server:
        status, answer = await asyncio.to_thread(server.post, call)
        assert status == 200
        assert [m["text"] for m in answer["responses"]] == [COPY["haptik_handoff_unavailable"]]
        assert "HAPTIK_BASE_URL is not set" in server.log


def test_every_action_of_the_example_pickles() -> None:
    code = (
        "import pickle, actions.orders\n"
        "from rasa_sdk import Action, utils\n"
        "from inspect import isabstract\n"
        "kinds = [k for k in utils.all_subclasses(Action) if k.__module__ == 'actions.orders' and not isabstract(k)]\n"
        "print(sorted(pickle.loads(pickle.dumps(k())).name() for k in kinds))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=EXAMPLE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['action_cancel_order', 'action_order_status']"


def test_importing_the_library_registers_nothing() -> None:
    code = (
        "from rasa_sdk.executor import ActionExecutor\n"
        "before = ActionExecutor(); before._register_all_actions()\n"
        "import haptik_actions.actions\n"
        "after = ActionExecutor(); after._register_all_actions()\n"
        "print(sorted(set(after.actions) - set(before.actions)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_receipts_are_plain_json() -> None:
    from haptik_actions.escalation import Receipt

    value = Receipt(state="connected", action="action_x").to_slot()
    assert json.loads(json.dumps(value)) == value
    assert pickle.loads(pickle.dumps(Receipt(**value))).to_slot() == value
