"""A server with guarded actions reads every call as rasa-sdk's own does."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.guarded_server import Running, action_server, write_actions
from tests.support.rasa import action_call

ECHO = """
from rasa_sdk import Action
from rasa_sdk.events import SlotSet
{imported}
class Echo(Action):
    def name(self):
        return "action_echo"

    {guard}
    async def run(self, dispatcher, tracker, domain):
        return [SlotSet("seen", repr(tracker.slots["odd"]))]
"""
GUARDED = ECHO.format(
    imported="from haptik_actions.actions import escalate_on_error\n", guard="@escalate_on_error(deadline=30)"
)
PLAIN = ECHO.format(imported="", guard="")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    folders = [write_actions(tmp_path_factory.mktemp("actions"), code=code) for code in (PLAIN, GUARDED)]
    with action_server(["rasa_sdk"], folders[0]) as plain, action_server(["rasa_sdk"], folders[1]) as guarded:
        yield [plain, guarded]


def body_with(odd: str) -> bytes:
    """A call whose slot `odd` holds a piece of JSON."""
    return json.dumps(action_call("action_echo", slots={"odd": "HERE"})).replace('"HERE"', odd).encode()


ODD = {
    "text": '"a\\u00e9\\n"',
    "emoji": '"\\ud83d\\ude00"',
    "half a pair": '"\\ud800"',
    "nan": "NaN",
    "infinity": "-Infinity",
    "too large": "1e999",
    "long number": "123456789012345678901234567890",
    "long fraction": "12345678901234567890.5",
    "minus zero": "[-0, -0.0]",
    "same key twice": '{"a": 1, "a": 2}',
    "spaces": " [ 1 , { } ] ",
    "control character": '"\x01"',
    "comma too many": "[1,]",
    "deep": "[" * 300 + "]" * 300,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_value_is_read_as_before(odd: str, servers: list[Running]) -> None:
    answers = [post(server, body_with(odd)) for server in servers]
    assert answers[0] == answers[1]


BODIES: dict[str, tuple[bytes, dict[str, str]]] = {
    "deflated": (zlib.compress(body_with("5")), {"Content-Encoding": "deflate"}),
    "empty": (b"", {}),
    "null": (b"null", {}),
    "a list": (b"[]", {}),
    "not UTF-8": (b'{"next_action": "\xff"}', {}),
    "a mark of UTF-8": (b"\xef\xbb\xbf" + body_with("5"), {}),
    "no JSON": (b"next_action=action_echo", {}),
}


@pytest.mark.parametrize(("body", "headers"), BODIES.values(), ids=BODIES)
def test_an_odd_body_is_answered_as_before(body: bytes, headers: dict[str, str], servers: list[Running]) -> None:
    answers = [post(server, body, **headers) for server in servers]
    assert answers[0] == answers[1]


def test_the_value_arrives(servers: list[Running]) -> None:
    for server in servers:
        status, answer = post(server, body_with('"\\u00e9"'))
        assert status == 200
        assert [event["value"] for event in answer["events"]] == ["'é'"]


def post(server: Running, body: bytes, **headers: str) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{server.port}/webhook"
    reply = httpx.post(url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=60)
    return reply.status_code, reply.json()
