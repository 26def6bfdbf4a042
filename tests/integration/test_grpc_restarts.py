"""A gRPC server that dies is started again, as an HTTP worker is: else everybody is silent until somebody starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rasa_sdk

from haptik_actions.messages import packaged_copy
from tests.support.guarded_server import ACTIONS, Running, action_server, grpc_caller, write_actions
from tests.support.ports import free_port
from tests.support.rasa import action_call

pytestmark = pytest.mark.skipif(rasa_sdk.__version__.startswith("3.6."), reason="rasa-sdk 3.6 has no gRPC server")
COMMAND = ["haptik_actions.cli", "run"]
UNAVAILABLE = packaged_copy()["haptik_handoff_unavailable"]

ENDS = """
import asyncio


class Interrupts(Action):
    def name(self):
        return "action_interrupts"

    async def run(self, dispatcher, tracker, domain):
        raise KeyboardInterrupt


class InterruptsInATask(Action):
    def name(self):
        return "action_interrupts_in_a_task"

    async def run(self, dispatcher, tracker, domain):
        async def interrupt():
            raise KeyboardInterrupt

        await asyncio.create_task(interrupt())


class Dies(Action):
    def name(self):
        return "action_dies"

    async def run(self, dispatcher, tracker, domain):
        os._exit(3)
"""


def say(server: Running, name: str) -> list[str]:
    """What a user reads; over a connection of its own, and once more while the server is on its way."""
    grpc = pytest.importorskip("grpc")
    gives_up = time.monotonic() + 60
    while True:
        try:
            with grpc_caller(server) as begin:
                return [response["text"] for response in begin(action_call(name)).result().responses]
        except grpc.RpcError:
            if time.monotonic() > gives_up:
                raise
            time.sleep(0.2)


def test_an_interrupt_of_an_action_does_not_end_it(tmp_path: Path) -> None:
    with action_server(COMMAND, write_actions(tmp_path, code=ACTIONS + ENDS), "--grpc") as server:
        assert say(server, "action_interrupts") == [UNAVAILABLE]
        assert say(server, "action_works") == ["Done."]
        assert "It is started again" not in server.logged()


@pytest.mark.parametrize("name", ["action_dies", "action_interrupts_in_a_task"])
def test_one_that_dies_is_started_again(name: str, tmp_path: Path) -> None:
    grpc = pytest.importorskip("grpc")
    with action_server(COMMAND, write_actions(tmp_path, code=ACTIONS + ENDS), "--grpc") as server:
        for _ in range(2):
            assert say(server, "action_works") == ["Done."]
            # The first half second it may be one that cannot have its port.
            time.sleep(1)
            with grpc_caller(server) as begin, pytest.raises(grpc.RpcError):
                begin(action_call(name)).result()
        assert say(server, "action_works") == ["Done."]
        assert server.logged().count("It is started again after 0 s") == 2
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


def test_one_that_cannot_start_ends(tmp_path: Path) -> None:
    write_actions(tmp_path, code="raise ImportError('no such client')")
    words = [sys.executable, "-m", *COMMAND, "--actions", "actions", "--port", str(free_port()), "--grpc"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 1
