"""A node of a Haptik bot that calls a bot: the documented request, what the answer leads to, and every bot break."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Node, Sandbox, sign
from tests.support.webhook import HEADERS, SEND, client_of, hand_over

URL = "http://127.0.0.1:5005/webhooks/haptik/webhook"
BUTTON = {"text": "Which?", "type": "BUTTON", "data": {"items": []}}
FINE = {"status": True, "response": ["Hello"]}


class Bot(httpx.AsyncBaseTransport):
    """A bot that answers a node with `answer`, and GET with `get`."""

    def __init__(self, answer: Any = FINE, *, status: int = 200, get: int = 200) -> None:
        self.answer, self.status, self.get = answer, status, get
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.method == "GET":
            return httpx.Response(self.get)
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        content = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return httpx.Response(self.status, content=content)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


def sandbox_of(bot: httpx.AsyncBaseTransport, **state: Any) -> Sandbox:
    mapping: dict[str, Any] = {
        "partners": [{"client_id": "demo-client", "token": "demo-token"}],
        "businesses": [{"id": 1201, "name": "Shop"}],
        "teams": [{"name": "support"}, {"name": "orders"}],
        "users": [
            {"user_name": "asha", "businesses": [1201], "conversation_no": 2, "device_platform": 14},
            {"user_name": "ben", "auth_id": "b1", "full_name": "Ben R", "language_code": "hi"},
        ],
        "agents": [{"name": "Priya", "teams": ["support"]}],
        **state,
    }
    return Sandbox.from_mapping(mapping, webhook_transport=bot)


def texts(sandbox: Sandbox, number: int = 2) -> list[tuple[str, str]]:
    return [(said.sender, said.body["text"]) for said in sandbox.messages("asha", 1201, number)]


async def test_the_request_has_the_documented_names_and_values() -> None:
    bot = Bot()
    sandbox = sandbox_of(bot)
    call = await sandbox.call_node(URL, "order_gateway", "asha", "where is order 1001", step=True, secret="s")
    utterance = "where is order 1001"
    entity = {"entity_value": {"value": utterance}, "detection": "message", "original_text": utterance}
    user = {"user_id": "1", "user_name": "asha", "full_name": "", "device_platform": 14, "language_code": "en"}
    assert call.request == {
        "step": "order_gateway",
        "event": "API_INTEGRATION",
        "user": {**user, "auth_id": "", "auth_code": ""},
        "conversation_no": 2,
        "conversation_details": {},
        "user_details": {},
        "entities": {"feedback_regex": [entity]},
        "env_variables": {},
    }
    [request] = bot.requests
    assert json.loads(request.content) == call.request
    assert request.headers["X-Hub-Signature"] == sign("s", request.content)
    assert (call.problem, call.status, call.answer) == ("", 200, FINE)
    assert texts(sandbox) == [("user", utterance), ("bot", "Hello")]


async def test_a_node_without_a_secret_does_not_sign_and_takes_what_is_given() -> None:
    bot = Bot()
    sandbox = sandbox_of(bot)
    entities = {"order": [{"entity_value": "1", "detection": "default", "original_text": "1"}]}
    await sandbox.call_node(URL, "old", "ben", "hi", entities=entities, env_variables={"API": "x"}, business_id=1201)
    await sandbox.call_node(URL, "old", "ben", "again")
    assert all("X-Hub-Signature" not in request.headers for request in bot.requests)
    first, second = bot.bodies
    assert (first["node"], first["entities"], first["env_variables"]) == ("old", entities, {"API": "x"})
    assert "step" not in first
    assert (first["conversation_no"], first["user"]["auth_id"], first["user"]["full_name"]) == (1, "b1", "Ben R")
    assert first["user"]["language_code"] == "hi"
    assert second["entities"]["feedback_regex"][0]["entity_value"] == "again"


async def test_an_answer_may_hold_elements_and_text() -> None:
    sandbox = sandbox_of(Bot({"status": False, "response": [json.dumps(BUTTON), "Hello", '{"no": "type"}']}))
    call = await sandbox.call_node(URL, "n", "asha", "hi", is_end=True)
    assert call.messages[0].body == BUTTON
    assert [said.body["text"] for said in call.messages] == ["Which?", "Hello", '{"no": "type"}']
    assert sandbox.chats()[0].state == "bot"
    assert [event.body["agent"]["is_automated"] for event in sandbox.events()] == [True] * 3


async def test_an_end_node_completes_the_chat_with_what_the_bot_kept() -> None:
    answer = {**FINE, "conversation_details": {"order": "1"}, "user_details": {"plan": "gold"}}
    bot = Bot(answer)
    sandbox = sandbox_of(bot)
    await sandbox.call_node(URL, "n", "asha", "hi")
    await sandbox.call_node(URL, "n", "asha", "hi", is_end=True)
    assert bot.bodies[1]["conversation_details"] == {"order": "1"}
    assert sandbox.chats()[0].state == "complete"
    data = sandbox.events()[-1].body["data"]
    assert (data["completion_type"], data["completion_by"]) == ("gogo", "Bot completed")
    assert (data["conversation_details"], data["user_details"]) == ({"order": "1"}, {"plan": "gold"})
    await sandbox.call_node(URL, "n", "asha", "hi")
    last = bot.bodies[2]
    assert (last["conversation_no"], last["conversation_details"]) == (3, {})
    assert last["user_details"] == {"plan": "gold"}


async def test_conversation_details_are_kept_for_three_hours() -> None:
    bot = Bot({**FINE, "conversation_details": {"order": "1"}, "user_details": {"plan": "gold"}})
    sandbox = sandbox_of(bot)
    await sandbox.call_node(URL, "n", "asha", "hi")
    bot.answer = FINE
    sandbox.advance(3 * 3_600 - 60)
    await sandbox.call_node(URL, "n", "asha", "hi")
    sandbox.advance(60)
    await sandbox.call_node(URL, "n", "asha", "hi")
    assert [body["conversation_details"] for body in bot.bodies] == [{}, {"order": "1"}, {}]
    assert bot.bodies[2]["user_details"] == {"plan": "gold"}


BREAKS: list[tuple[Any, dict[str, Any], str]] = [
    ({"status": True, "response": []}, {}, "response is empty"),
    ({"status": True, "response": ["  "]}, {}, "response is empty"),
    ({"status": True, "response": [BUTTON]}, {}, "response is not a list of strings"),
    ({"status": True, "response": "Hello"}, {}, "response is not a list of strings"),
    ({"status": True}, {}, "response is not a list of strings"),
    ({"response": ["Hello"]}, {}, "status is not true or false"),
    ({**FINE, "conversation_details": []}, {}, "conversation_details is not an object"),
    ({**FINE, "user_details": {"a": "x" * 500}}, {}, "more than 500"),
    (b"nope", {}, "the answer is not a JSON object"),
    (b"[" * 100_000, {}, "the answer is not a JSON object"),
    (FINE, {"status": 202}, "answered 202"),
    (FINE, {"status": 500}, "answered 500"),
    (FINE, {"get": 405}, "GET was answered 405"),
    (httpx.ConnectError("refused"), {}, "no connection: refused"),
    (httpx.ReadTimeout("late"), {}, "no answer within 30 s"),
]


@pytest.mark.parametrize(("answer", "more", "problem"), BREAKS)
@pytest.mark.parametrize("assistance", [True, False])
async def test_what_does_not_fit_is_a_bot_break(
    answer: Any, more: dict[str, Any], problem: str, assistance: bool
) -> None:
    sandbox = sandbox_of(Bot(answer, **more), default_team="orders", habits={"human_assistance": assistance})
    call = await sandbox.call_node(URL, "n", "asha", "hi", is_end=True)
    assert problem in call.problem
    assert [said.sender for said in call.messages] == ["bot"]
    assert [sender for sender, _ in texts(sandbox)] == ["user", "bot"]
    [chat] = [chat for chat in sandbox.chats() if chat.user_name == "asha"]
    assert (chat.state, chat.team) == (("pending", "orders") if assistance else ("bot", None))
    assert sandbox.node_calls() == [call]


async def test_a_bot_that_is_late_is_a_bot_break() -> None:
    class Slow(Bot):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                await asyncio.Event().wait()
            return await super().handle_async_request(request)

    call = await sandbox_of(Slow()).call_node(URL, "n", "asha", "hi", within=0.05)
    assert (call.problem, call.status) == ("no answer within 0.05 s", 0)


async def test_whom_an_agent_or_a_queue_has_is_not_brought_to_the_bot() -> None:
    bot = Bot()
    sandbox = sandbox_of(bot)
    await hand_over(sandbox, "asha", "support")
    assert (await sandbox.call_node(URL, "n", "asha", "hello?")).request is None
    sandbox.claim("asha", 1201, agent="Priya")
    assert (await sandbox.call_node(URL, "n", "asha", "yes")).request is None
    assert bot.requests == []
    assert texts(sandbox) == [("user", "hello?"), ("user", "yes")]
    sandbox.complete("asha", 1201)
    assert (await sandbox.call_node(URL, "n", "asha", "thanks")).request is not None


async def test_a_bot_that_hands_over_while_it_is_called_keeps_its_words() -> None:
    class HandsOver(Bot):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                body = {"user_name": "asha", "business_id": 1201, "team_name": "support"}
                async with httpx.AsyncClient(transport=sandbox.transport(), headers=HEADERS) as client:
                    await client.post(f"http://127.0.0.1{SEND}", json=body)
            return await super().handle_async_request(request)

    sandbox = sandbox_of(HandsOver())
    call = await sandbox.call_node(URL, "n", "asha", "hi", is_end=True)
    assert (call.problem, texts(sandbox)) == ("", [("user", "hi"), ("bot", "Hello")])
    assert sandbox.queue()[0].state == "counting_down"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"url": "https://shop.example/"}, "calls this machine only"),
        ({"user_name": "nobody"}, "nobody has the user_name"),
        ({"text": "  "}, "says nothing"),
        ({"business_id": 9}, "no business has the id 9"),
    ],
)
async def test_what_cannot_be_called_is_refused(changes: dict[str, Any], problem: str) -> None:
    bot = Bot()
    arguments = {"url": URL, "node": "n", "user_name": "asha", "text": "hi", **changes}
    with pytest.raises(ConfigurationError, match=problem):
        await sandbox_of(bot).call_node(**arguments)
    assert bot.requests == []


async def test_users_write_to_the_nodes_of_the_state_by_control_plane_and_page() -> None:
    bot = Bot()
    sandbox = sandbox_of(bot, nodes=[{"name": "first", "url": URL, "secret": "s3cret"}])
    async with client_of(sandbox) as client:
        body = {"name": "second", "url": URL, "step": True}
        added = await client.post("/_sandbox/nodes", json=body)
        assert [node["name"] for node in added.json()] == ["first", "second"]
        assert (await client.get("/_sandbox/nodes")).json() == added.json()
        called = await client.post("/_sandbox/write", json={"user_name": "asha", "text": "hi", "node": "second"})
        assert [said["body"]["text"] for said in called.json()["messages"]] == ["Hello"]
        form = {"user_name": "asha", "business_id": "1201", "text": "one\r\ntwo", "node": ""}
        assert (await client.post("/_sandbox/page/write", data=form)).status_code == 303
        page = (await client.get("/?user_name=asha&business_id=1201")).text
        listed = (await client.get("/_sandbox/node_calls")).json()
        missing = await client.post("/_sandbox/write", json={"user_name": "asha", "text": "hi", "node": "third"})
        bad = await client.post("/_sandbox/nodes", json={"name": "x", "url": "https://shop.example/"})
    assert [call["node"] for call in listed] == ["second", "first"]
    assert [body.get("step") or body["node"] for body in bot.bodies] == ["second", "first"]
    assert bot.bodies[1]["entities"]["feedback_regex"][0]["original_text"] == "one\ntwo"
    assert "Last messages to nodes" in page
    assert "s3cret" not in page + str(added.json())
    assert (missing.status_code, bad.status_code) == (409, 400)
    sandbox.add_node(Node(name="third", url=URL))
    assert (await sandbox.write("asha", 1201, "hi", node="third")).node == "third"
    sandbox.reset()
    assert ([node.name for node in sandbox.nodes()], sandbox.node_calls()) == (["first"], [])


async def test_without_a_node_the_page_only_says_what_the_user_says() -> None:
    sandbox = sandbox_of(Bot())
    async with client_of(sandbox) as client:
        form = {"user_name": "asha", "business_id": "1201", "text": "hi"}
        assert (await client.post("/_sandbox/page/write", data=form)).status_code == 303
        assert (await client.post("/_sandbox/page/write", data={**form, "text": " "})).status_code == 409
        assert (await client.post("/_sandbox/write", json={"user_name": "asha", "text": "hi"})).status_code == 409
    with pytest.raises(ConfigurationError, match="no node can be called"):
        await sandbox.write("asha", 1201, "hi")
    assert texts(sandbox) == [("user", "hi")]
