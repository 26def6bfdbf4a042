"""Haptik in front: a node of a Haptik bot calls real Rasa, signed, and its user reads what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from haptik_actions.hsl import Actionable, Image, Text
from haptik_actions.messages import packaged_copy
from haptik_actions.rasa_api import resume
from haptik_actions.relay import RelayStore
from tests.support.valkey import Valkey

from .bot import ACTIVE_BUSINESS, PATIENCE_SECONDS, Installation
from .stack import action_server, rasa_server, services
from .trained import Trained

BOT = Path(__file__).parent / "front_bot"
NODE_SECRET, WEBHOOK_SECRET = "s3cr3t-node", "s3cr3t-webhook"
COPY = packaged_copy()
CONNECTED, WAITING, LATER = (
    COPY[f"haptik_{key}"] for key in ("handoff_connected_here", "front_waiting", "front_later")
)
GREETING = "Hello! Ask me about an order, for example: where is order 1001"
WEBHOOK = "/webhooks/haptik/webhook"


@pytest.fixture(scope="module")
def installation(
    rasa: str, trained: Trained, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("front")
    project = trained(folder, BOT)
    with contextlib.ExitStack() as stack:
        around = stack.enter_context(services(sys.executable, folder))
        settings = {
            "REDIS_URL": valkey.url,
            "HAPTIK_BASE_URL": around.sandbox,
            "HAPTIK_CLIENT_ID": "demo-client",
            "HAPTIK_TOKEN": "demo-token",
        }
        actions = stack.enter_context(action_server(sys.executable, project, folder, around, settings=settings))
        server = stack.enter_context(rasa_server(rasa, project, folder, actions.url, settings=settings))
        yield Installation(rasa=server, actions=actions, around=around)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of a Haptik bot, and one user who comes to it."""

    rasa: str
    user_name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def body(self, text: str, **members: Any) -> bytes:
        heard = [{"entity_value": {"value": text}, "detection": "message", "original_text": text}]
        request = {
            "step": "gateway",
            "event": "API_INTEGRATION",
            "conversation_no": 1,
            "user": {"user_name": self.user_name, "language_code": "en", "device_platform": 5, "auth_code": "c0de"},
            "entities": {"feedback_regex": heard},
            "conversation_details": {"insurance_no": "CDQP12324"},
            "user_details": {"plan": "gold"},
            "env_variables": {"CRM_TOKEN": "s3cr3t-crm"},
        }
        return json.dumps(request | members).encode()

    def say(self, text: str) -> list[Any]:
        """Say something to a gateway node, and read what comes back, texts as texts."""
        return self.ask(self.body(text))["response"]  # type: ignore[no-any-return]

    def ask(self, body: bytes, path: str = WEBHOOK) -> dict[str, Any]:
        answer = self.post(body, path).raise_for_status().json()
        assert isinstance(answer["status"], bool)
        assert answer["response"]
        answer["response"] = [shown(one) for one in answer["response"]]
        return dict(answer)

    def post(self, body: bytes, path: str = WEBHOOK, headers: dict[str, str] | None = None) -> httpx.Response:
        headers = signed(body) if headers is None else headers
        return httpx.post(f"{self.rasa}{path}", content=body, headers=headers, timeout=PATIENCE_SECONDS)

    def tracker(self) -> dict[str, Any]:
        sender = quote(f"haptik-{ACTIVE_BUSINESS}-{self.user_name}")
        return dict(httpx.get(f"{self.rasa}/conversations/{sender}/tracker", timeout=PATIENCE_SECONDS).json())

    def receipt(self) -> dict[str, Any]:
        return dict(self.tracker()["slots"]["haptik_handoff"])

    def said(self) -> list[str]:
        """What was said to the user, by the tracker."""
        return [event["text"] for event in self.tracker()["events"] if event["event"] == "bot"]


def signed(body: bytes, secret: str = NODE_SECRET) -> dict[str, str]:
    return {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()}


def shown(one: str) -> Any:
    """A string of `response`: the text of an element without anything else, and the element's JSON otherwise."""
    if not one.startswith("{"):
        return one
    element = json.loads(one)
    return element["text"] if element == Text(element["text"] or "-").to_hsl() else element


@pytest.fixture
def node(installation: Installation) -> Node:
    installation.reset()
    return Node(rasa=installation.rasa.url)


def test_a_gateway_step_brings_the_users_words_and_more(node: Node) -> None:
    assert node.ask(node.body("hello")) == {"status": True, "response": [GREETING]}
    [said] = [event for event in node.tracker()["events"] if event["event"] == "user"]
    assert said["text"] == "hello"
    assert said["input_channel"] == "haptik"
    metadata = {key: value for key, value in said["metadata"].items() if key not in ("model_id", "assistant_id")}
    assert metadata == {
        "user_name": node.user_name,
        "business_id": ACTIVE_BUSINESS,
        "conversation_no": 1,
        "node": "gateway",
        "language_code": "en",
        "device_platform": 5,
        "entities": {
            "feedback_regex": [{"value": "hello", "original_text": "hello", "detection": "message"}],
        },
        "conversation_details": {"insurance_no": "CDQP12324"},
        "user_details": {"plan": "gold"},
    }


def test_a_node_of_an_intents_name_brings_that_intent_and_its_entities(node: Node) -> None:
    order = {"order_id": [{"entity_value": "1001", "detection": "message", "original_text": "the first"}]}
    body = node.body("", step=None, node="ask_order_status", entities=order)
    assert node.ask(body)["response"] == ["Order 1001 is on its way."]


def test_the_business_of_the_address_wins(node: Node) -> None:
    node.ask(node.body("hello"), f"{WEBHOOK}/77")
    assert node.tracker()["latest_message"]["text"] is None
    other = f"{node.rasa}/conversations/haptik-77-{node.user_name}/tracker"
    assert httpx.get(other, timeout=PATIENCE_SECONDS).json()["latest_message"]["metadata"]["business_id"] == 77


def test_buttons_and_images_become_hsl_and_responses_for_haptik_are_taken(node: Node) -> None:
    assert node.say("which sizes") == [
        Text("Which size?", [Actionable.reply("Small", "Small", "/choose_size")]).to_hsl()
    ]
    assert node.say("show me") == ["For Haptik.", Image.of("https://example.org/haptik.png").to_hsl()]


def test_slots_tell_haptik_what_to_keep(node: Node, installation: Installation) -> None:
    assert node.ask(node.body("remember me")) == {
        "status": False,
        "response": [f"I know you as {node.user_name}."],
        "user_details": {"plan": "gold", "visits": "3"},
    }
    assert "Slot haptik_conversation_details is left out" in installation.rasa.logged()


def test_a_failing_integration_hands_over_and_the_chat_is_left_to_the_agent(
    node: Node, installation: Installation
) -> None:
    asha = replace(node, user_name="asha")
    installation.orders("broken")
    assert asha.ask(asha.body("where is order 1001")) == {"status": False, "response": [CONNECTED]}
    assert installation.queue() == [("orders", "asha", "counting_down")]
    # The user writes on while the platform counts down, and its node asks the bot again.
    assert asha.ask(asha.body("hello?")) == {"status": False, "response": [WAITING]}
    assert installation.queue() == [("orders", "asha", "counting_down")]


def test_a_silent_turn_becomes_a_hand_off(node: Node, installation: Installation) -> None:
    ben = replace(node, user_name="ben")
    assert ben.ask(ben.body("say nothing")) == {"status": False, "response": [CONNECTED]}
    assert installation.queue() == [("support", "ben", "counting_down")]
    tracker = ben.tracker()
    receipt = tracker["slots"]["haptik_handoff"]
    assert (receipt["state"], receipt["action"], receipt["error"]) == (
        "connected",
        "action_fall_silent",
        "SilentTurn",
    )
    assert tracker["paused"] is True
    assert [event["event"] for event in tracker["events"]][-2:] == ["slot", "pause"]
    assert ben.say("hello") == [WAITING]


def test_a_silent_turn_of_somebody_whom_haptik_does_not_take_is_answered(node: Node) -> None:
    assert node.say("say nothing") == [COPY["haptik_handoff_unavailable"]]
    assert node.tracker()["paused"] is False
    assert node.say("hello") == [GREETING]


def test_a_restart_is_obeyed_in_silence_by_rasa_and_answered_here(node: Node, installation: Installation) -> None:
    assert node.say("/restart") == [COPY["haptik_front_ready"]]
    assert installation.queue() == []


def test_what_takes_too_long_comes_first_in_the_next_answer(node: Node) -> None:
    began = time.monotonic()
    assert node.ask(node.body("think it over")) == {"status": False, "response": ["One moment."]}
    assert 24 < time.monotonic() - began < 30
    # This turn waits for the one before, as all of one conversation do.
    assert node.say("hello") == ["It is 42.", GREETING]
    assert node.say("hello") == [GREETING]


def test_a_client_that_goes_away_costs_the_user_nothing(node: Node) -> None:
    body = node.body("look it up")
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"X-Hub-Signature: {signed(body)['X-Hub-Signature']}\r\n\r\n"
    place = urlsplit(node.rasa)
    with socket.create_connection((place.hostname, place.port)) as client:
        client.sendall(head.encode() + body)
        time.sleep(0.7)
    assert node.say("hello") == ["Found it.", GREETING]
    assert [event["text"] for event in node.tracker()["events"] if event["event"] == "user"] == ["look it up", "hello"]


def test_haptik_begins_the_chat_and_its_agent_finishes_it(node: Node, installation: Installation) -> None:
    haptik = Haptik(sandbox=installation.around.sandbox, user_name="chitra")
    haptik.order("webhook", url=f"{node.rasa}/webhooks/haptik/events", secret=WEBHOOK_SECRET)
    haptik.order("nodes", name="front", url=f"{node.rasa}{WEBHOOK}/{ACTIVE_BUSINESS}", secret=NODE_SECRET, step=True)
    chitra = replace(node, user_name="chitra")
    assert haptik.write("hello") == [GREETING]

    installation.orders("broken")
    assert haptik.write("where is order 1001") == [CONNECTED]
    assert haptik.write("hello?") == []
    installation.wait_in_sandbox(5)
    assert installation.queue() == [("orders", "chitra", "pending")]

    haptik.order("claim", agent="Priya", **haptik.user)
    until("the receipt says that an agent has the chat", lambda: chitra.receipt()["state"] == "assigned")
    haptik.order("answer", text="Your order is being packed again.", **haptik.user)
    # What the user writes to the agent does not come here, and what the agent writes is noted.
    assert haptik.write("thank you") == []
    until("the agent's words are noted", lambda: "Your order is being packed again." in chitra.said())

    haptik.order("complete", reason="solved", **haptik.user)
    until("the bot has the conversation again", lambda: chitra.tracker()["paused"] is False)
    installation.orders("working")
    # What the domain says under `after_agent` could not be said by itself on Haptik's channel, so it comes first now.
    assert haptik.write("where is order 1002") == ["What else can I do for you?", "Order 1002 is being packed."]
    calls = haptik.calls()
    assert [call["problem"] for call in calls] == [""] * len(calls)


async def test_what_comes_while_the_chat_ends_waits_for_the_bot(
    node: Node, installation: Installation, valkey: Valkey
) -> None:
    chitra = replace(node, user_name="chitra")
    installation.orders("broken")
    assert chitra.say("where is order 1001") == [CONNECTED]
    installation.orders("working")
    sender = f"haptik-{ACTIVE_BUSINESS}-chitra"
    store = RelayStore.from_url(valkey.url)
    link = await store.find("haptik", sender)
    assert link is not None
    # The event of the end has come, and is being worked on.
    await store.update(link.id, closing=True)
    assert await resume(sender, rasa_url=node.rasa)
    answer = asyncio.create_task(asyncio.to_thread(chitra.say, "hello"))
    await asyncio.sleep(0.5)
    assert not answer.done()
    await store.update(link.id, state="ended", closing=False)
    assert await answer == [GREETING]
    await store.aclose()


def until(what: str, look: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < give_up, f"waited in vain: {what}"
        time.sleep(0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Haptik:
    """The sandbox as the platform that has the user's channel."""

    sandbox: str
    user_name: str

    @property
    def user(self) -> dict[str, Any]:
        return {"user_name": self.user_name, "business_id": ACTIVE_BUSINESS}

    def order(self, what: str, **members: Any) -> Any:
        answer = httpx.post(f"{self.sandbox}/_sandbox/{what}", json=members, timeout=PATIENCE_SECONDS)
        assert answer.is_success, answer.text
        return answer.json()

    def write(self, text: str) -> list[str]:
        """Let the user write, and return the texts that they read of the node's answer."""
        call = self.order("write", text=text, **self.user)
        return [message["body"]["text"] for message in call["messages"]]

    def calls(self) -> list[dict[str, Any]]:
        calls = httpx.get(f"{self.sandbox}/_sandbox/node_calls", timeout=PATIENCE_SECONDS).raise_for_status().json()
        return [call for call in calls if call["user_name"] == self.user_name]


def hostile() -> list[tuple[str, bytes, dict[str, str] | None, int]]:
    deep = b'{"user": {"user_name": "x"}, "user_details": ' + b"[" * 40 + b"]" * 40 + b"}"
    deepest = b'{"user": ' + b"[" * 300_000 + b"]" * 300_000 + b"}"
    fine = Node(rasa="").body("my card is 4111111111111111")
    return [
        ("unsigned", fine, {}, 401),
        ("forged", fine, signed(fine, "s3cr3t-other"), 401),
        ("signed for another body", fine, signed(fine + b" "), 401),
        ("signed as an event", fine, signed(fine, WEBHOOK_SECRET), 401),
        ("empty", b"", None, 400),
        ("no JSON", b"my card is 4111111111111111", None, 400),
        ("a list", b"[]", None, 400),
        ("nobody", b'{"user": {"user_name": ["x"]}}', None, 400),
        ("deep", deep, None, 400),
        ("deepest", deepest, None, 400),
        ("oversized", b'"' + b"a" * 1_000_000 + b'"', None, 413),
    ]


@pytest.mark.parametrize(("_", "body", "headers", "status"), hostile(), ids=[row[0] for row in hostile()])
def test_hostile_requests_are_refused_and_not_logged(
    installation: Installation, node: Node, _: str, body: bytes, headers: dict[str, str] | None, status: int
) -> None:
    before = len(installation.rasa.logged())
    assert node.post(body, headers=headers).status_code == status
    logged = installation.rasa.logged()[before:]
    assert not [word for word in ("4111", "s3cr3t", "Traceback") if word in logged]


@pytest.mark.parametrize(
    ("body", "signature", "status"),
    [
        (b"{}", signed(b"{}", WEBHOOK_SECRET), 200),
        (b"{}", signed(b"{}"), 401),
        (b"{}", {}, 401),
        (b"[]", signed(b"[]", WEBHOOK_SECRET), 400),
        (b" " * 1_000_001, signed(b" " * 1_000_001, WEBHOOK_SECRET), 413),
    ],
)
def test_events_are_let_in_by_their_own_secret(node: Node, body: bytes, signature: dict[str, str], status: int) -> None:
    assert node.post(body, "/webhooks/haptik/events", signature).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", WEBHOOK, 200),
        ("GET", f"{WEBHOOK}/343", 200),
        ("GET", "/webhooks/haptik/", 200),
        ("PUT", WEBHOOK, 405),
        ("GET", "/webhooks/haptik/events", 405),
        ("GET", "/webhooks/haptik/inbox/r0123", 404),
    ],
)
def test_addresses(node: Node, method: str, path: str, status: int) -> None:
    assert httpx.request(method, f"{node.rasa}{path}", timeout=PATIENCE_SECONDS).status_code == status


def test_nothing_secret_was_logged(installation: Installation) -> None:
    logged = installation.rasa.logged()
    assert not [
        secret for secret in (NODE_SECRET, WEBHOOK_SECRET, "s3cr3t-crm", "c0de", "demo-token") if secret in logged
    ]
