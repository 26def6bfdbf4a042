"""Action servers of a package that does nothing to guard itself: `haptik-actions run`, or rasa-sdk's own start."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sanic import Sanic

from tests.support.patience import SECONDS
from tests.support.ports import free_port

START_SECONDS = 120.0

# Up to rasa-sdk 3.20 Sanic serves from one process: older ones have no other way, or are asked for it (`legacy`).
IS_SINGLE = not hasattr(Sanic, "serve") or "legacy" in inspect.signature(Sanic.run).parameters

ACTIONS = """
import os
import time

from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions.actions import escalate_on_error


class Works(Action):
    def name(self):
        return "action_works"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="Done.")
        return [SlotSet("done", True)]


class Raises(Action):
    def name(self):
        return "action_raises"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text=str(os.getpid()))
        raise ValueError("4111 1111 1111 1111")


class RaisesInAThread(Action):
    def name(self):
        return "action_raises_in_a_thread"

    def run(self, dispatcher, tracker, domain):
        raise ValueError("4111 1111 1111 1111")


class Exits(Action):
    def name(self):
        return "action_exits"

    async def run(self, dispatcher, tracker, domain):
        raise SystemExit(3)


class Hangs(Action):
    def name(self):
        return "action_hangs"

    def run(self, dispatcher, tracker, domain):
        open("hangs", "w").close()
        time.sleep(60)
        return []


class ReturnsGarbage(Action):
    def name(self):
        return "action_returns_garbage"

    async def run(self, dispatcher, tracker, domain):
        return {"event": "slot"}


# JSON, and nothing that gRPC can carry.
class SetsNoStruct(Action):
    def name(self):
        return "action_sets_no_struct"

    async def run(self, dispatcher, tracker, domain):
        return [SlotSet("prices", {1: "4.99"})]


class SaysNoStruct(Action):
    def name(self):
        return "action_says_no_struct"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="half an emoji: \\ud83d")
        return []


class Rejects(Action):
    def name(self):
        return "action_rejects"

    async def run(self, dispatcher, tracker, domain):
        raise ActionExecutionRejection("action_rejects", "not now")


class Decorated(Action):
    def name(self):
        return "action_decorated"

    @escalate_on_error(team="billing")
    async def run(self, dispatcher, tracker, domain):
        raise ValueError("4111 1111 1111 1111")
"""

OWN_MODULE = "from haptik_actions.actions import guard_all_actions\n\nguard_all_actions()\n"


def write_actions(folder: Path, *, first: str = "", code: str = ACTIONS) -> Path:
    """Write the package `actions` into `folder`; `first` is its `__init__`, as a user would write it."""
    package = folder / "actions"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text(first)
    (package / "own.py").write_text(code)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that is up: where it listens, its log file, and the process that was started."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def post(self, body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/webhook", json=body, timeout=SECONDS)

    def run(self, call: dict[str, Any]) -> dict[str, Any]:
        """What Rasa would get."""
        reply = self.post(call)
        assert reply.status_code == 200, (reply.text, self.logged())
        answer = json.loads(reply.text)
        assert isinstance(answer, dict)
        return answer


@contextlib.contextmanager
def grpc_caller(server: Running) -> Iterator[Callable[[dict[str, Any]], Any]]:
    """Begin calls over gRPC: each gives a future of the answer. Skips where gRPC is not installed."""
    grpc = pytest.importorskip("grpc")
    proto = pytest.importorskip("google.protobuf.json_format")
    from rasa_sdk.grpc_py import action_webhook_pb2, action_webhook_pb2_grpc

    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = action_webhook_pb2_grpc.ActionServiceStub(channel)

        def begin(call: dict[str, Any]) -> Any:
            request = proto.ParseDict(call, action_webhook_pb2.WebhookRequest(), ignore_unknown_fields=True)
            return stub.Webhook.future(request, timeout=SECONDS)

        yield begin


@contextlib.contextmanager
def action_server(command: Sequence[str], folder: Path, *options: str, **environ: str) -> Iterator[Running]:
    """Run `python -m <command> --actions actions` in `folder` until the block ends, and leave no process."""
    port, log = free_port(), folder / "server.log"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HAPTIK_") and k != "REDIS_URL"}
    words = [sys.executable, "-m", *command, "--actions", "actions", "--port", str(port), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env={**clean, "SANIC_HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1", **environ},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = Running(port=port, log=log, process=process)
    try:
        _wait_until_it_listens(running)
        yield running
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)


def _wait_until_it_listens(running: Running) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and running.process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", running.port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"the action server did not start:\n{running.logged()}")
