"""Code that keeps Python's lock freezes a worker: another process interrupts it, or replaces the worker."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import rasa_sdk

from haptik_actions.messages import packaged_copy
from tests.support.guarded_server import (
    ACTIONS,
    IS_SINGLE,
    OWN_MODULE,
    Running,
    action_server,
    grpc_caller,
    write_actions,
)
from tests.support.rasa import action_call

SDK_36 = rasa_sdk.__version__.startswith("3.6.")
UNAVAILABLE = packaged_copy()["haptik_handoff_unavailable"]
PATIENCE = 3
GIVES_UP = 120.0

FREEZES = """
import re


def search():
    re.match(r"^([a-zA-Z0-9]+\\s?)+$", "a" * 60 + "!")


class FreezesInTheLoop(Action):
    def name(self):
        return "action_freezes_in_the_loop"

    async def run(self, dispatcher, tracker, domain):
        search()
        return []


class FreezesInAThread(Action):
    def name(self):
        return "action_freezes_in_a_thread"

    def run(self, dispatcher, tracker, domain):
        search()
        return []


class ComputesInAThread(Action):
    def name(self):
        return "action_computes_in_a_thread"

    def run(self, dispatcher, tracker, domain):
        ends = time.monotonic() + 6
        while time.monotonic() < ends:
            pass
        return []


# As a long garbage collection: nothing else runs meanwhile, for some two seconds.
class KeepsTheLockForAWhile(Action):
    def name(self):
        return "action_keeps_the_lock_for_a_while"

    def run(self, dispatcher, tracker, domain):
        sum(range(80_000_000))
        return []


class SleepsInTheLoop(Action):
    def name(self):
        return "action_sleeps_in_the_loop"

    async def run(self, dispatcher, tracker, domain):
        time.sleep(5)
        return []
"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How a server is started, and whether what starts it again is there."""

    command: tuple[str, ...]
    grpc: bool = False
    own_module: bool = False
    restarts: bool = True


KINDS = {
    "run": Kind(command=("haptik_actions.cli", "run")),
    "run --grpc": Kind(command=("haptik_actions.cli", "run"), grpc=True),
    "one call in the module": Kind(command=("rasa_sdk",), own_module=True, restarts=not IS_SINGLE),
    "one call in the module --grpc": Kind(command=("rasa_sdk",), own_module=True, grpc=True, restarts=False),
}


class Server:
    """A server of one of the kinds, and what users of it read."""

    def __init__(self, kind: Kind, running: Running) -> None:
        self._kind, self.running = kind, running

    def say(self, name: str, deadline: float | None = None) -> list[str] | None:
        """What a user reads; None where the connection ends without an answer."""
        if deadline is None:
            # What works has the time that a busy machine takes.
            deadline = 60 if name == "action_works" else 2
        call = action_call(name, slots={"haptik": {"deadline": deadline}})
        if not self._kind.grpc:
            try:
                answer = httpx.post(f"{self.running.url}/webhook", json=call, timeout=GIVES_UP).json()
            except httpx.TransportError:
                return None
            return [response["text"] for response in answer["responses"]]
        grpc = pytest.importorskip("grpc")
        with grpc_caller(self.running) as begin:
            try:
                return [response["text"] for response in begin(call).result().responses]
            except grpc.RpcError:
                return None

    def say_until_answered(self, name: str) -> list[str]:
        gives_up = time.monotonic() + GIVES_UP
        while (said := self.say(name)) is None:
            assert time.monotonic() < gives_up, self.running.logged()
            time.sleep(0.2)
        return said

    def wait_for_log(self, words: str) -> None:
        gives_up = time.monotonic() + GIVES_UP
        while words not in self.running.logged():
            assert time.monotonic() < gives_up, self.running.logged()
            time.sleep(0.2)

    def processes(self) -> set[int]:
        """The processes of the server that are alive."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.running.process.pid and fields[0] != "Z":
                    found.add(int(folder.name))
        return found


@contextlib.contextmanager
def serving(kind: Kind, folder: Path, **environ: str) -> Iterator[Server]:
    if kind.grpc and SDK_36:
        pytest.skip("rasa-sdk 3.6 has no gRPC server")
    write_actions(folder, first=OWN_MODULE if kind.own_module else "", code=ACTIONS + FREEZES)
    options = ["--grpc"] if kind.grpc else []
    with action_server(kind.command, folder, *options, **environ) as running:
        yield Server(kind, running)


@pytest.mark.parametrize("kind", KINDS)
def test_what_freezes_the_loop_is_interrupted_at_its_deadline(kind: str, tmp_path: Path) -> None:
    with serving(KINDS[kind], tmp_path) as server, ThreadPoolExecutor() as pool:
        assert server.say("action_works") == ["Done."]
        before = server.processes()
        # One after the other and at once: in a thread of its own it could not be interrupted.
        for calls in (1, 3):
            frozen = [pool.submit(server.say, "action_freezes_in_the_loop") for _ in range(calls)]
            time.sleep(0.3)
            assert server.say("action_works") == ["Done."]
            assert [each.result() for each in frozen] == [[UNAVAILABLE]] * calls
        server.wait_for_log("blocked the worker")
        log = server.running.logged()
        assert server.processes() == before
    assert "Action action_freezes_in_the_loop blocked the worker at " in log
    assert log.count("A thread would not help.") == log.count("blocked the worker at ")
    assert "is frozen" not in log


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.restarts])
def test_a_worker_that_a_thread_freezes_is_replaced_and_not_punished(kind: str, tmp_path: Path) -> None:
    with serving(KINDS[kind], tmp_path, HAPTIK_FROZEN_SECONDS=str(PATIENCE)) as server:
        for _ in range(2):
            assert server.say_until_answered("action_works") == ["Done."]
            began = time.monotonic()
            assert server.say("action_freezes_in_a_thread") is None
            assert PATIENCE < time.monotonic() - began < GIVES_UP
        assert server.say_until_answered("action_works") == ["Done."]
        log = server.running.logged()
    assert log.count("is frozen: ") == 2
    assert log.count("was killed because it was frozen. It is started again after 0 s.") == 2
    assert f"{tmp_path / 'actions' / 'own.py'}:" in log.partition("Its threads are at ")[2]
    assert "blocked the worker" not in log
    assert "memory runs out" not in log


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.restarts])
def test_one_that_nobody_starts_again_is_left_unless_the_operator_says_otherwise(kind: str, tmp_path: Path) -> None:
    (tmp_path / "left").mkdir()
    with serving(KINDS[kind], tmp_path / "left") as server, ThreadPoolExecutor() as pool:
        assert server.say("action_works") == ["Done."]
        pool.submit(server.say, "action_freezes_in_a_thread")
        server.wait_for_log("It is left as it is (HAPTIK_FROZEN_SECONDS)")
        assert server.running.process.poll() is None
        server.running.process.kill()
    (tmp_path / "killed").mkdir()
    with serving(KINDS[kind], tmp_path / "killed", HAPTIK_FROZEN_SECONDS=str(PATIENCE)) as server:
        assert server.say("action_works") == ["Done."]
        assert server.say("action_freezes_in_a_thread") is None
        assert server.running.process.wait(GIVES_UP) == -signal.SIGKILL
        log = server.running.logged()
    assert "It is killed; what has started it has to start it again." in log


SLOW = {
    "computes": ("action_computes_in_a_thread", "1"),
    "keeps the lock for a while": ("action_keeps_the_lock_for_a_while", "10"),
    "sleeps": ("action_sleeps_in_the_loop", "1"),
}


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("kind", ["run", "run --grpc"])
def test_a_worker_that_is_slow_is_left_alone(kind: str, slow: str, tmp_path: Path) -> None:
    name, patience = SLOW[slow]
    with serving(KINDS[kind], tmp_path, HAPTIK_FROZEN_SECONDS=patience) as server:
        assert server.say("action_works") == ["Done."]
        before = server.processes()
        assert server.say(name, deadline=60) == []
        assert server.processes() == before
        if slow == "sleeps":
            server.wait_for_log("blocked the worker")
        log = server.running.logged()
    assert "is frozen" not in log
    assert "started again" not in log
    # A block that ended well is none.
    assert re.search("ERROR .*blocked the worker", log) is None
    assert ("blocked the worker" in log) == (slow == "sleeps")


@pytest.mark.parametrize("kind", ["run", "run --grpc"])
def test_a_worker_that_is_stopped_is_left_alone(kind: str, tmp_path: Path) -> None:
    with serving(KINDS[kind], tmp_path, HAPTIK_FROZEN_SECONDS="1") as server, ThreadPoolExecutor() as pool:
        assert server.say("action_works") == ["Done."]
        stopped = server.processes() - {server.running.process.pid}
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        waiting = pool.submit(server.say, "action_works")
        time.sleep(8)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        assert waiting.result() == ["Done."]
        assert server.processes() >= stopped
        log = server.running.logged()
    assert "is frozen" not in log
