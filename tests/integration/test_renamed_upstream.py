"""A name of rasa-sdk's or Sanic's own is another one some day: the server starts, guards, and says what is gone."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import rasa_sdk

from haptik_actions.messages import packaged_copy
from tests.support.guarded_server import ACTIONS, IS_SINGLE, OWN_MODULE, action_server, grpc_caller, write_actions
from tests.support.rasa import action_call

SDK_36 = rasa_sdk.__version__.startswith("3.6.")
PACKAGE = Path(__file__).parents[2] / "haptik_actions"
RENAMED = (Path(__file__).parents[1] / "support" / "renamed.py").read_text(encoding="utf-8")
UNAVAILABLE = packaged_copy()["haptik_handoff_unavailable"]

# What is renamed, in which packages, over gRPC or not, and what the log names.
NAMES: list[tuple[str, str, bool, str]] = [
    ("__kwdefaults__", "sanic", False, "sanic.Sanic.run.__kwdefaults__"),
    ("_sync_states", "sanic", False, "sanic.Sanic.manager._sync_states"),
    ("_all_workers_ack", "sanic", False, "sanic.Sanic.manager._all_workers_ack"),
    ("_shutting_down", "sanic", False, "sanic.Sanic.manager._shutting_down"),
    ("transient_processes", "sanic", False, "sanic.Sanic.manager.transient_processes"),
    ("parsed_json", "sanic", False, "sanic.request.Request.parsed_json"),
    ("RESPONSE_TIMEOUT", "sanic", False, "sanic.Sanic.config.RESPONSE_TIMEOUT"),
    ("GRACEFUL_SHUTDOWN_TIMEOUT", "sanic", False, "sanic.Sanic.config.GRACEFUL_SHUTDOWN_TIMEOUT"),
    ("create_app", "rasa_sdk", False, "rasa_sdk.endpoint.create_app"),
    ("register_function", "rasa_sdk", False, "rasa_sdk.executor.ActionExecutor.register_function"),
    ("NO_GRACE_PERIOD", "rasa_sdk", True, "rasa_sdk.grpc_server.NO_GRACE_PERIOD"),
    ("GRPCActionServerWebhook", "rasa_sdk", True, "rasa_sdk.grpc_server.GRPCActionServerWebhook"),
    ("register_function", "rasa_sdk", True, "rasa_sdk.executor.ActionExecutor.register_function"),
]
OF_A_MAIN_PROCESS = {"_sync_states", "_all_workers_ack", "_shutting_down", "transient_processes"}
COMMANDS = {"run": (["haptik_actions.cli", "run"], ""), "one call in the module": (["rasa_sdk"], OWN_MODULE)}


@pytest.mark.parametrize(("name", "packages", "grpc", "said"), NAMES, ids=[f"{n[0]}{n[2] * ' grpc'}" for n in NAMES])
@pytest.mark.parametrize("start", COMMANDS)
def test_the_server_starts_and_says_what_is_gone(
    name: str, packages: str, grpc: bool, said: str, start: str, tmp_path: Path
) -> None:
    if (SDK_36 and (grpc or name == "__kwdefaults__")) or (IS_SINGLE and name in OF_A_MAIN_PROCESS):
        pytest.skip("this rasa-sdk and its Sanic have no such name, or no use for it")
    command, first = COMMANDS[start]
    # An action that is decorated is guarded whatever there is of the rest.
    folder = write_actions(tmp_path, first=first, code=ACTIONS)
    (folder / "sitecustomize.py").write_text(RENAMED)
    environ = {"RENAMED": f"{name}:{packages}", "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    options = ["--grpc"] if grpc else []
    with action_server(command, folder, *options, **environ) as server:
        if grpc:
            with grpc_caller(server) as begin:
                texts = [response["text"] for response in begin(action_call("action_decorated")).result().responses]
        else:
            texts = [response["text"] for response in server.run(action_call("action_decorated"))["responses"]]
        log = server.logged()
    assert texts == [UNAVAILABLE], log
    line = rf"{re.escape(said)} is not there in the installed version: .+ Everything else works\."
    # Once in each process: Sanic has a main one and a worker.
    assert 1 <= len(re.findall(line, log)) <= 3, log


def test_nothing_is_patched_by_an_import() -> None:
    code = """
import rasa_sdk.endpoint, rasa_sdk.executor, rasa_sdk.grpc_server, sanic
from copyreg import dispatch_table as table
def known():
    http, over_grpc, executor = rasa_sdk.endpoint, rasa_sdk.grpc_server, rasa_sdk.executor.ActionExecutor
    return [http.create_app, executor.register_function, over_grpc.GRPCActionServerWebhook.__init__,
            over_grpc.GRPCActionServerWebhook.Webhook, over_grpc.NO_GRACE_PERIOD, over_grpc.aio,
            dict(sanic.Sanic.run.__kwdefaults__), dict(sanic.Sanic.prepare.__kwdefaults__), executor in table]
before = known()
import haptik_actions.actions
assert before == known()
"""
    if SDK_36:
        pytest.skip("rasa-sdk 3.6 has no gRPC server")
    subprocess.run([sys.executable, "-c", code], check=True)


OWN = re.compile(r"^_(haptik|_)")
FOREIGN = {
    *("_all_workers_ack", "_sync_states", "_shutting_down", "_stream_sink", "__kwdefaults__", "transient_processes"),
    *("NO_GRACE_PERIOD", "parsed_json", "keep_alive", "GRPCActionServerWebhook", "create_app", "register_function"),
    *("GRACEFUL_SHUTDOWN_TIMEOUT", "RESPONSE_TIMEOUT", "_paused", "_modules", "_registered_packages"),
}


def foreign_names(path: Path) -> set[str]:
    """What a module reaches for in others: attributes, and names given to getattr, hasattr and setattr."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            found |= {
                each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
            }
    return found & FOREIGN


def test_foreign_private_names_stand_in_one_room() -> None:
    rooms = {path for path in (PACKAGE / "actions").rglob("*.py") if foreign_names(path)}
    assert rooms == {PACKAGE / "actions" / "_patches.py"}


def test_no_other_private_name_is_taken_from_something_else_than_an_object_of_ours() -> None:
    found = []
    for path in (PACKAGE / "actions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.startswith("__"):
                continue
            of = ast.unparse(node.value)
            if of not in ("self", "cls", "super()") and not OWN.match(node.attr):
                found.append(f"{path.name}: {of}.{node.attr}")
    foreign = [each for each in found if not each.startswith("_patches.py")]
    assert foreign == []
