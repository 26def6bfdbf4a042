"""`haptik-actions run` and `guard_all_actions`: real servers whose actions do nothing to guard themselves."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import rasa_sdk
from click.testing import CliRunner

from haptik_actions._serving import serve_app
from haptik_actions.cli import main
from haptik_actions.messages import packaged_copy
from haptik_actions.sandbox import Sandbox
from tests.support.guarded_server import OWN_MODULE, Running, action_server, grpc_caller, write_actions
from tests.support.patience import SECONDS
from tests.support.rasa import action_call

COPY = packaged_copy()
SDK_36 = rasa_sdk.__version__.startswith("3.6.")
PERSONAL = "my-card-is-4111"

COMMAND = ["haptik_actions.cli", "run"]
SDK_ALONE = ["rasa_sdk"]


def call(name: str, **options: Any) -> dict[str, Any]:
    slots = {"haptik": {"actions": {"action_hangs": {"deadline": 0.5}}}}
    return action_call(name, slots=slots, text=PERSONAL, **options)


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


def receipt(answer: dict[str, Any]) -> dict[str, Any]:
    (value,) = [event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff"]
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="module", params=["the command", "the command with two workers", "one call in the module"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    own = request.param == "one call in the module"
    folder = write_actions(tmp_path_factory.mktemp("bot"), first=OWN_MODULE if own else "")
    workers = "2" if "two" in request.param else "1"
    with action_server(SDK_ALONE if own else COMMAND, folder, ACTION_SERVER_SANIC_WORKERS=workers) as running:
        yield running


FAILURES = [
    ("action_raises_in_a_thread", "ValueError"),
    ("action_exits", "SystemExit"),
    ("action_hangs", "IntegrationTimeout"),
    ("action_returns_garbage", "InvalidReturn"),
    ("action_decorated", "ValueError"),
]


@pytest.mark.parametrize(("name", "error"), FAILURES)
def test_a_failing_action_is_an_answer(name: str, error: str, server: Running) -> None:
    answer = server.run(call(name))
    assert texts(answer) == [COPY["haptik_handoff_unavailable"]]
    assert (receipt(answer)["action"], receipt(answer)["error"]) == (name, error)
    assert receipt(answer)["team"] == ("billing" if name == "action_decorated" else None)
    assert PERSONAL not in json.dumps(answer)


def test_every_worker_guards(server: Running) -> None:
    workers = "two" in str(os.environ.get("PYTEST_CURRENT_TEST"))
    seen: set[str] = set()
    for _ in range(1200):
        pid, told = texts(server.run(call("action_raises")))
        assert told == COPY["haptik_handoff_unavailable"]
        seen.add(pid)
        if len(seen) == (2 if workers else 1):
            break
    assert len(seen) == (2 if workers else 1)


def test_an_action_that_works_is_left_alone(server: Running) -> None:
    answer = server.run(call("action_works"))
    assert texts(answer) == ["Done."]
    assert answer["events"] == [{"event": "slot", "timestamp": None, "name": "done", "value": True}]


def test_what_is_not_a_failure_is_answered_as_before(server: Running) -> None:
    rejected = server.post(call("action_rejects"))
    assert (rejected.status_code, rejected.json()) == (400, {"error": "not now", "action_name": "action_rejects"})


def test_an_action_that_the_server_does_not_have_fails(server: Running) -> None:
    answer = server.run(call("action_raise"))
    assert texts(answer) == [COPY["haptik_handoff_unavailable"]]
    assert (receipt(answer)["action"], receipt(answer)["error"]) == ("action_raise", "ActionNotFoundException")
    assert "This server has no action 'action_raise'" in server.logged()
    assert "Did you mean 'action_raises'?" in server.logged()
    assert "action_raise" not in {
        action["name"] for action in httpx.get(f"{server.url}/actions", timeout=SECONDS).json()
    }
    # Who wants rasa-sdk's own answer gets it.
    slots = {"haptik": {"on_error": {"ActionNotFoundException": "pass"}}}
    unknown = server.post(action_call("action_of_nobody", slots=slots))
    assert (unknown.status_code, unknown.json()["action_name"]) == (404, "action_of_nobody")


@pytest.mark.skipif(SDK_36, reason="rasa-sdk 3.6 knows no selective domain")
def test_a_missing_domain_is_asked_for(tmp_path: Path) -> None:
    body = {name: value for name, value in call("action_works").items() if name != "domain"}
    with action_server(COMMAND, write_actions(tmp_path)) as server:
        reply = server.post(body)
    assert (reply.status_code, reply.json()["action_name"]) == (449, "action_works")


BROKEN_CALLS: list[Any] = [
    [PERSONAL],
    {**call("action_works"), "version": 5},
    {**call("action_works"), "tracker": {"slots": {"card": PERSONAL}}},
    {**call("action_works"), "tracker": PERSONAL},
]


@pytest.mark.parametrize("body", BROKEN_CALLS, ids=["a list", "a version", "half a tracker", "no tracker"])
def test_an_error_of_the_server_does_not_repeat_the_call(body: Any, server: Running) -> None:
    reply = server.post(body)
    assert (reply.status_code, list(reply.json())) == (500, ["error"])
    assert PERSONAL not in reply.text


@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_a_module_that_is_reloaded_is_guarded_again(command: list[str], tmp_path: Path) -> None:
    # Nothing but an action that guards itself at first: no wrapper of ours travels to the worker with it.
    decorated = "from rasa_sdk import Action\nfrom haptik_actions.actions import escalate_on_error\n\n"
    action = (
        'class One(Action):\n    def name(self):\n        return "action_one"\n\n{}    async def run(self, d, t, o):\n'
    )
    first = decorated + action.format("    @escalate_on_error\n") + "        return []\n"
    second = decorated + action.format("") + "        raise KeyError(1)\n"
    write_actions(tmp_path, first=OWN_MODULE if command is SDK_ALONE else "", code=first)
    with action_server(command, tmp_path, "--auto-reload") as server:
        assert server.run(call("action_one")) == {"events": [], "responses": []}
        write_actions(tmp_path, first=OWN_MODULE if command is SDK_ALONE else "", code=second)
        later = (tmp_path / "actions" / "own.py").stat().st_mtime + 10
        os.utime(tmp_path / "actions" / "own.py", (later, later))
        answer = server.run(call("action_one"))
    assert (receipt(answer)["error"], texts(answer)) == ("KeyError", [COPY["haptik_handoff_unavailable"]])


async def test_a_confirmed_hand_off_pauses_the_conversation(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with serve_app(sandbox.app) as url:
        settings = {"HAPTIK_BASE_URL": url, "HAPTIK_CLIENT_ID": "demo-client", "HAPTIK_TOKEN": "demo-token"}
        with action_server(COMMAND, write_actions(tmp_path), HAPTIK_TEAM="orders", **settings) as server:
            metadata = {"user_name": "asha", "business_id": 1201}
            answer = await asyncio.to_thread(server.run, call("action_raises", metadata=metadata))
    assert texts(answer)[1:] == [COPY["haptik_handoff_connected"]]
    assert [event["event"] for event in answer["events"]] == ["slot", "followup", "action", "pause"]
    assert [(chat.team, chat.user_name) for chat in sandbox.queue()] == [("orders", "asha")]


# gRPC


@pytest.mark.skipif(SDK_36, reason="rasa-sdk 3.6 has no gRPC server")
@pytest.mark.parametrize("command", [COMMAND, SDK_ALONE], ids=["the command", "one call in the module"])
def test_over_grpc(command: list[str], tmp_path: Path) -> None:
    grpc = pytest.importorskip("grpc")
    proto = pytest.importorskip("google.protobuf.json_format")

    def ask(name: str) -> Any:
        return proto.MessageToDict(begin(call(name)).result())

    folder = write_actions(tmp_path, first=OWN_MODULE if command is SDK_ALONE else "")
    with action_server(command, folder, "--grpc") as server, grpc_caller(server) as begin:
        for name, error in FAILURES:
            answer = ask(name)
            assert texts(answer) == [COPY["haptik_handoff_unavailable"]]
            assert receipt(answer)["error"] == error
        for name in ("action_sets_no_struct", "action_says_no_struct"):
            answer = ask(name)
            assert texts(answer) == [COPY["haptik_handoff_unavailable"]]
            assert receipt(answer)["error"] == "InvalidReturn"
        assert texts(ask("action_works")) == ["Done."]
        with pytest.raises(grpc.RpcError) as rejected:
            ask("action_rejects")
        assert json.loads(rejected.value.details())["message"] == "not now"
        assert receipt(ask("action_of_nobody"))["error"] == "ActionNotFoundException"


# The command line


REFUSED = [
    ([], "There is no package actions in"),
    (["--actions", "a/b"], "Invalid actions format"),
    (["--actions", "actions", "--prot", "5055"], "rasa-sdk has no option --prot 5055."),
    (["--actions", "actions", "--port", "http"], "invalid int value"),
    (["--actions", "actions", "--port", "50555055"], "--port 50555055 is no port: it has to be between 0 and 65535."),
    (["--actions", "actions", "--port", "-1"], "--port -1 is no port: it has to be between 0 and 65535."),
    *([(["--actions", "actions", "--grpc"], "--grpc needs rasa-sdk 3.7 or newer; 3.6.2 is installed.")] * SDK_36),
]


@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_options_that_cannot_work_start_nothing(options: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["run", *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_package_that_is_not_there_is_said_without_a_traceback(tmp_path: Path) -> None:
    words = [sys.executable, "-m", *COMMAND, "--actions", "actoins"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Error: There is no package actoins in {tmp_path}. Start the server in the folder" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(SDK_36, reason="the Sanic of rasa-sdk 3.6 logs it and ends; there is no gRPC server")
@pytest.mark.parametrize("options", [(), ("--grpc",)], ids=["http", "grpc"])
def test_a_port_that_is_taken_is_said_without_a_traceback(options: tuple[str, ...], tmp_path: Path) -> None:
    write_actions(tmp_path)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", *COMMAND, "--actions", "actions", "--port", port, *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"Port {port} cannot be had" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_wrong_with_the_domain_is_said_and_the_server_starts(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text("slots:\n  haptik: {initial_value: {teem: support}}\n")
    with action_server(COMMAND, write_actions(tmp_path)) as server:
        assert texts(server.run(call("action_works"))) == ["Done."]
    assert "domain.yml:2: slots.haptik.initial_value.teem is unknown and ignored." in server.logged()


def test_the_help_shows_the_options_of_the_installed_sdk() -> None:
    shown = CliRunner().invoke(main, ["run", "--help"]).stdout
    assert "--auto-reload" in shown
    assert ("Starts grpc server" in shown) is not SDK_36
