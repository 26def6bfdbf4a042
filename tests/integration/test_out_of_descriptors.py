"""A worker that has no free file descriptor when its first action fails: nothing can be opened, read or imported."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import rasa_sdk

from haptik_actions.messages import packaged_copy
from tests.support.guarded_server import ACTIONS, OWN_MODULE, action_server, grpc_caller, write_actions
from tests.support.ports import free_port
from tests.support.rasa import action_call

SDK_36 = rasa_sdk.__version__.startswith("3.6.")
COPY = packaged_copy()

USES_UP = """
import resource


class UsesUp(Action):
    opened = []

    def name(self):
        return "action_uses_up"

    async def run(self, dispatcher, tracker, domain):
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
        try:
            while True:
                self.opened.append(open("/dev/null"))
        except OSError:
            dispatcher.utter_message(text="none is left")
        return []
"""
WHO = {"user_name": "asha", "business_id": 1201}
FAILING = ["action_raises_in_a_thread", "action_decorated", "action_returns_garbage", "action_exits"]
SERVERS = {"run": (["haptik_actions.cli", "run"], ""), "one call in the module": (["rasa_sdk"], OWN_MODULE)}


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("start", SERVERS)
def test_the_user_is_told_all_the_same(start: str, name: str, tmp_path: Path) -> None:
    command, first = SERVERS[start]
    nowhere = f"127.0.0.1:{free_port()}"
    settings = {"HAPTIK_BASE_URL": f"https://{nowhere}", "HAPTIK_CLIENT_ID": "c", "HAPTIK_TOKEN": "t"}
    folder = write_actions(tmp_path, first=first, code=ACTIONS + USES_UP)
    with (
        action_server(command, folder, REDIS_URL=f"redis://{nowhere}", HAPTIK_TEAM="orders", **settings) as server,
        httpx.Client(base_url=server.url, timeout=60) as keeps_its_connection,
    ):
        said = keeps_its_connection.post("/webhook", json=action_call("action_uses_up")).json()
        assert [message["text"] for message in said["responses"]] == ["none is left"]
        reply = keeps_its_connection.post("/webhook", json=action_call(name, metadata=WHO))
        assert reply.status_code == 200, server.logged()
    assert reply.json()["responses"][-1]["text"] in (COPY["haptik_handoff_delayed"], COPY["haptik_handoff_unavailable"])


@pytest.mark.skipif(SDK_36, reason="rasa-sdk 3.6 has no gRPC server")
def test_over_grpc_too(tmp_path: Path) -> None:
    folder = write_actions(tmp_path, code=ACTIONS + USES_UP)
    with action_server(["haptik_actions.cli", "run"], folder, "--grpc") as server, grpc_caller(server) as begin:
        begin(action_call("action_uses_up")).result()
        answer = begin(action_call("action_decorated", metadata=WHO)).result()
    assert [response["text"] for response in answer.responses] == [COPY["haptik_handoff_unavailable"]]
