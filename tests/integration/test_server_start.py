"""What a server does when nobody calls it yet, and when it stops: it knows its configuration, delivers what others have
left, and answers what is under way."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import rasa_sdk

from haptik_actions._redis import connect
from haptik_actions._serving import serve_app
from haptik_actions.escalation import Entry, HandOff, RedisOutbox, Terms
from haptik_actions.sandbox import Sandbox
from tests.support.guarded_server import (
    ACTIONS,
    IS_SINGLE,
    OWN_MODULE,
    Running,
    action_server,
    grpc_caller,
    write_actions,
)
from tests.support.patience import SECONDS, until
from tests.support.rasa import action_call
from tests.support.valkey import Valkey

SDK_36 = rasa_sdk.__version__.startswith("3.6.")
SDK_ALONE = ["rasa_sdk"]
COMMAND = ["haptik_actions.cli", "run"]

READY = "from haptik_actions.actions import ActionHaptikHandoff\n"
DECORATED = """
from rasa_sdk import Action
from haptik_actions.actions import escalate_on_error

class One(Action):
    def name(self):
        return "action_one"

    @escalate_on_error
    async def run(self, dispatcher, tracker, domain):
        raise KeyError(1)
"""
CONFIGURED = """
from haptik_actions.actions import Runtime, configure
from haptik_actions.messages import MessageStore

COPY = dict.fromkeys(("haptik_handoff_unavailable", "haptik_request_unavailable"), "configured")
configure(lambda: Runtime(messages=MessageStore(defaults={"en": COPY})))
"""


@pytest.mark.parametrize(
    ("code", "name"), [(READY, "action_haptik_handoff"), (DECORATED, "action_one")], ids=["ready", "decorated"]
)
@pytest.mark.parametrize("command", [SDK_ALONE, COMMAND], ids=["rasa-sdk", "run"])
def test_every_worker_has_the_configuration_of_a_module_without_actions(
    code: str, name: str, command: list[str], tmp_path: Path
) -> None:
    folder = write_actions(tmp_path, code=code)
    (folder / "actions" / "settings.py").write_text(CONFIGURED)
    with action_server(command, folder) as server:
        answer = server.run(action_call(name))
    assert [message["text"] for message in answer["responses"]] == ["configured"]


SLOW = """
import asyncio
from rasa_sdk import Action
from haptik_actions.actions import escalate_on_error

class Slow(Action):
    def name(self):
        return "action_slow"

    @escalate_on_error
    async def run(self, dispatcher, tracker, domain):
        await asyncio.sleep(4)
        dispatcher.utter_message(text="done")
        return []
"""


@pytest.mark.parametrize("command", [SDK_ALONE, COMMAND], ids=["rasa-sdk", "run"])
def test_the_server_gives_an_action_as_long_as_its_deadline(command: list[str], tmp_path: Path) -> None:
    folder = write_actions(tmp_path, code=SLOW)
    with action_server(command, folder, SANIC_RESPONSE_TIMEOUT="1") as server:
        answer = server.run(action_call("action_slow"))
    assert [message["text"] for message in answer["responses"]] == ["done"]


STARTS = {
    "rasa-sdk, a decorated action": (SDK_ALONE, "", DECORATED, ()),
    "rasa-sdk, a ready action": (SDK_ALONE, "", READY, ()),
    "one call in the module": (SDK_ALONE, OWN_MODULE, DECORATED, ()),
    "run": (COMMAND, "", DECORATED, ()),
    "run --grpc": (COMMAND, "", DECORATED, ("--grpc",)),
    "one call in the module, --grpc": (SDK_ALONE, OWN_MODULE, DECORATED, ("--grpc",)),
}


def wait_until_all_work(server: Running, workers: int) -> None:
    """Each worker says once that the address of Haptik is not set."""
    give_up = time.monotonic() + SECONDS
    while server.logged().count("HAPTIK_BASE_URL is not set") < workers:
        assert time.monotonic() < give_up, server.logged()
        time.sleep(0.1)


def wait_until_it_hangs(server: Running, folder: Path) -> None:
    """The action that hangs has begun."""
    give_up = time.monotonic() + SECONDS
    while not (folder / "hangs").exists():
        assert time.monotonic() < give_up, server.logged()
        time.sleep(0.05)


BUSY_AT_FIRST = """
import time
from pathlib import Path

from haptik_actions.actions import Runtime, configure
from haptik_actions.config import Settings


def runtime():
    while not Path("go").exists():
        time.sleep(0.05)
    return Runtime(load_settings=Settings)


configure(runtime)
"""


@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["run", "rasa-sdk"])
async def test_a_burst_of_calls_waits_until_the_server_has_time(command: list[str], tmp_path: Path) -> None:
    (write_actions(tmp_path, code=DECORATED) / "actions" / "settings.py").write_text(BUSY_AT_FIRST)
    body = json.dumps(action_call("action_one")).encode()
    head = f"POST /webhook HTTP/1.1\r\nHost: bot\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with action_server(command, tmp_path) as server:
        # What Linux has no place for tries again, later and later; some of it is reset, and its user reads nothing.
        opening = [asyncio.open_connection("127.0.0.1", server.port) for _ in range(300)]
        streams = await asyncio.wait_for(asyncio.gather(*opening), SECONDS)
        for _, writer in streams:
            writer.write(head + body)
        (tmp_path / "go").touch()
        answers = [await asyncio.wait_for(reader.readline(), 60) for reader, _ in streams]
        for _, writer in streams:
            writer.close()
    assert Counter(answers) == {b"HTTP/1.1 200 OK\r\n": 300}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_a_server_that_stops_answers_what_is_under_way(command: list[str], workers: str, tmp_path: Path) -> None:
    write_actions(tmp_path, first=OWN_MODULE if command == SDK_ALONE else "")
    # Sanic breaks off one worker ten seconds after the signal, two after fifteen.
    deadline = 11 if workers == "1" else 16
    hangs = action_call("action_hangs", slots={"haptik": {"deadline": deadline}})
    with (
        action_server(command, tmp_path, ACTION_SERVER_SANIC_WORKERS=workers) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=SECONDS) as keeps_its_connection,
        ThreadPoolExecutor(1) as others,
    ):
        wait_until_all_work(server, int(workers))
        answer = others.submit(keeps_its_connection.post, "/webhook", json=hangs)
        wait_until_it_hangs(server, tmp_path)
        server.process.send_signal(signal.SIGTERM)
        assert len(answer.result(SECONDS).json()["responses"]) == 1
        # The thread hangs on, and is not waited for.
        assert server.process.wait(SECONDS) == 0


@pytest.mark.skipif(SDK_36, reason="rasa-sdk 3.6 has no gRPC server")
@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_a_grpc_server_that_stops_answers_what_is_under_way(command: list[str], tmp_path: Path) -> None:
    folder = write_actions(tmp_path, first=OWN_MODULE if command is SDK_ALONE else "")
    with action_server(command, folder, "--grpc") as server, grpc_caller(server) as begin:
        answer = begin(action_call("action_hangs", slots={"haptik": {"deadline": 2}}))
        wait_until_it_hangs(server, tmp_path)
        server.process.send_signal(signal.SIGTERM)
        assert len(answer.result(SECONDS).responses) == 1
        assert server.process.wait(SECONDS) == 0


@pytest.mark.skipif(SDK_36, reason="rasa-sdk 3.6 has no gRPC server")
@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_a_grpc_server_takes_the_call_of_a_long_conversation(command: list[str], tmp_path: Path) -> None:
    call = action_call("action_works")
    call["tracker"]["events"] += [{"event": "bot", "text": "a word of the bot's " * 100}] * 5_000
    folder = write_actions(tmp_path, first=OWN_MODULE if command is SDK_ALONE else "")
    with action_server(command, folder, "--grpc") as server, grpc_caller(server) as begin:
        answer = begin(call).result()
    assert [response["text"] for response in answer.responses] == ["Done."]


@pytest.mark.skipif(IS_SINGLE, reason="with this rasa-sdk a single worker is the server itself")
@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_a_worker_that_is_killed_is_started_again(command: list[str], tmp_path: Path) -> None:
    folder = write_actions(tmp_path, first=OWN_MODULE if command is SDK_ALONE else "")
    served_by = []
    with action_server(command, folder) as server:
        for _ in range(3):
            # It waits for the new one, where it would wait for ever.
            pid = int(server.run(action_call("action_raises"))["responses"][0]["text"])
            served_by.append(pid)
            os.kill(pid, signal.SIGKILL)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0
    assert len(set(served_by)) == 3
    assert server.logged().count("was killed (SIGKILL)") in (2, 3)


DIES_AT_ITS_START = """
import os
from pathlib import Path

if os.environ.get("SANIC_WORKER_NAME") and Path("broken").exists():
    with open("died", "a") as died:
        print(os.getpid(), file=died)
    os._exit(3)
"""


@pytest.mark.skipif(IS_SINGLE, reason="with this rasa-sdk a single worker is the server itself")
def test_a_worker_that_dies_at_its_start_is_started_less_and_less_often(tmp_path: Path) -> None:
    folder = write_actions(tmp_path, code=DIES_AT_ITS_START + ACTIONS)
    with action_server(COMMAND, folder) as server:
        pid = int(server.run(action_call("action_raises"))["responses"][0]["text"])
        (folder / "broken").touch()
        os.kill(pid, signal.SIGKILL)
        give_up = time.monotonic() + 90
        while "after 2 s" not in (log := server.logged()):
            assert time.monotonic() < give_up, log
            time.sleep(0.05)
        assert re.findall(r"It is started again after (\d+) s", log) == ["0", "1", "2"]
        assert len((folder / "died").read_text().split()) == 2
        (folder / "broken").unlink()
        assert len(server.run(action_call("action_works"))["responses"]) == 1


# The first worker serves; the second would be importing for longer than a test waits.
SECOND_WORKER_TAKES_LONG = """
import os
import time

if os.environ.get("SANIC_WORKER_NAME") == "Sanic-Server-1-0":
    with open("second-worker", "w"):
        time.sleep(60)
"""


@pytest.mark.skipif(IS_SINGLE, reason="with this rasa-sdk Sanic forks workers that are ready")
@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_a_server_that_is_told_to_stop_while_a_worker_starts_stops(command: list[str], tmp_path: Path) -> None:
    write_actions(tmp_path, first=OWN_MODULE + SECOND_WORKER_TAKES_LONG)
    with action_server(command, tmp_path, ACTION_SERVER_SANIC_WORKERS="2") as server:
        assert server.run(action_call("action_works"))["responses"][0]["text"] == "Done."
        give_up = time.monotonic() + SECONDS
        while not (tmp_path / "second-worker").exists():
            assert time.monotonic() < give_up, server.logged()
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0


@pytest.mark.parametrize("start", STARTS)
async def test_a_server_that_nobody_calls_delivers_what_a_dead_one_has_left(
    start: str, tmp_path: Path, own_valkey: Valkey
) -> None:
    command, first, code, options = STARTS[start]
    if SDK_36 and options:
        pytest.skip("rasa-sdk 3.6 has no gRPC server")
    handoff = HandOff(id="left", user_name="asha", business_id=1201, teams=("orders",))
    outbox = RedisOutbox(connect(own_valkey.url, seconds=SECONDS))
    await outbox.open(handoff, Terms())
    await outbox.later(Entry(handoff=handoff, created=time.time()), 0)
    sandbox = Sandbox()

    async def has_come() -> bool:
        return bool(sandbox.queue())

    async with serve_app(sandbox.app) as url:
        settings = {"HAPTIK_BASE_URL": url, "HAPTIK_CLIENT_ID": "demo-client", "HAPTIK_TOKEN": "demo-token"}
        folder = write_actions(tmp_path, first=first, code=code)
        with action_server(command, folder, *options, REDIS_URL=own_valkey.url, **settings) as server:
            await until(has_come)
            assert [(chat.team, chat.user_name) for chat in sandbox.queue()] == [("orders", "asha")], server.logged()
    await outbox.aclose()
