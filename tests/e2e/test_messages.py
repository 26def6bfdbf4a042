"""Copy that is edited while real Rasa runs, without training or a restart; and Rasa's own generator, compared."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from haptik_actions.messages import MessageStore
from haptik_actions.nlg import nlg_app
from tests.support.ports import free_port
from tests.support.valkey import Valkey

from .bot import PATIENCE_SECONDS, Chat
from .stack import Server, environment, rasa_server, running

DEFAULT = "Hello! Ask me about an order, for example: where is order 1001"
CLI = [sys.executable, "-m", "haptik_actions.cli", "messages"]


class Copy:
    """The bot's copy, as people edit it."""

    def __init__(self, valkey: Valkey) -> None:
        self._url = valkey.url
        self.redis = redis.Redis.from_url(valkey.url)

    def run(self, *words: str) -> str:
        """Run one of the `messages` commands."""
        command = [*CLI, *words]
        done = subprocess.run(command, env=environment(REDIS_URL=self._url), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def copy(own_valkey: Valkey, project: Path) -> Copy:
    copy = Copy(own_valkey)
    assert "6 defaults are new" in copy.run("seed", "--domain", str(project / "domain"))
    return copy


@pytest.fixture
def bot(rasa: str, project: Path, own_valkey: Valkey, copy: Copy, tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    nlg = f"http://127.0.0.1:{port}"
    words = [*CLI, "serve-nlg", "--port", str(port), "--domain", str(project / "domain")]
    env = environment(REDIS_URL=own_valkey.url)
    with (
        running("nlg", words, cwd=tmp_path, env=env, folder=tmp_path, health=nlg),
        # No sentence of these tests calls an action.
        rasa_server(rasa, project, tmp_path, "http://127.0.0.1:9", f"nlg:\n  url: {nlg}\n") as server,
    ):
        yield server


def test_an_edit_is_the_next_greeting_of_the_running_bot(bot: Server, copy: Copy, own_valkey: Valkey) -> None:
    chat = Chat(rasa=bot.url)
    assert chat.say("hello") == [DEFAULT]
    assert "version 1" in copy.run("set", "utter_greet", "Welcome! Which order?", "--author", "asha")
    assert chat.say_until("hello", ["Welcome! Which order?"]) == ["Welcome! Which order?"]
    copy.redis.set("haptik:messages:en:utter_greet", "By hand")
    assert chat.say_until("hello", ["By hand"]) == ["By hand"]
    copy.redis.set("haptik:messages:en:utter_greet", '{"text": "a typo')
    assert chat.say_until("hello", ["Welcome! Which order?"]) == ["Welcome! Which order?"]
    hindi = Chat(rasa=bot.url, metadata={"language_code": "hi"})
    copy.run("set", "utter_greet", "नमस्ते", "--locale", "hi")
    assert hindi.say_until("hello", ["नमस्ते"]) == ["नमस्ते"]
    reply = {"actionable_text": "Order 1001", "type": "TEXT_ONLY", "payload": {"message": "where is order 1001"}}
    element = {"type": "TEXT", "text": "Which order?", "data": {"quick_replies": [reply]}}
    copy.run("set", "utter_greet", json.dumps(element))
    assert chat.say_until("hello", ["Which order?"]) == ["Which order?"]
    assert answers(bot, "hello") == [
        {"text": "Which order?", "buttons": [{"title": "Order 1001", "payload": "where is order 1001"}]}
    ]
    own_valkey.stop()
    assert chat.say_until("hello", ["Which order?"]) == ["Which order?"]
    own_valkey.start()
    assert "Welcome" in copy_after_the_restart(own_valkey, chat)


def copy_after_the_restart(valkey: Valkey, chat: Chat) -> str:
    """Valkey comes back empty: the domain's own response, until somebody writes again."""
    Copy(valkey).redis.set("haptik:messages:en:utter_greet", "Welcome back")
    for _ in range(50):
        [text] = chat.say("hello")
        if text == "Welcome back":
            break
    return text


def answers(bot: Server, text: str) -> list[dict[str, Any]]:
    """What the bot answers to a new user, the channel's keys only."""
    body = {"sender": f"element-{free_port()}", "message": text}
    reply = httpx.post(f"{bot.url}/webhooks/rest/webhook", json=body, timeout=PATIENCE_SECONDS).raise_for_status()
    return [{key: value for key, value in message.items() if key != "recipient_id"} for message in reply.json()]


RESPONSES: Mapping[str, list[dict[str, Any]]] = {
    "utter_a": [{"text": "Order {order id} is {state}."}],
    "utter_b": [{"text": "{state} and {missing}"}],
    "utter_c": [{"text": "{nothing}"}],
    "utter_d": [{"text": "pay", "buttons": [{"title": "{state}", "payload": '/order{{"id": "{order id}"}}'}]}],
    "utter_e": [{"text": "x", "image": "https://shop.example/{order id}.png", "custom": {"a": [{"b": "{state}"}]}}],
    "utter_f": [{"text": "{{state}}"}],
    "utter_g": [{"text": "any"}, {"text": "slack", "channel": "slack"}],
    "utter_h": [{"text": "any"}, {"text": "gold", "condition": [{"type": "slot", "name": "tier", "value": "GOLD"}]}],
    "utter_i": [{"text": "silver", "condition": [{"type": "slot", "name": "tier", "value": "silver"}]}],
    "utter_j": [{"text": "both", "channel": "slack", "condition": [{"type": "slot", "name": "n", "value": 3}]}],
    "utter_k": [{"text": "{state.__class__} {state[0]} {state!r}"}],
}
SLOTS = {"order id": "7", "state": "late", "nothing": None, "tier": "gold", "n": 3}
RASAS = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
asked = json.load(sys.stdin)
generator = TemplatedNaturalLanguageGenerator(asked["responses"])
print("ANSWER" + json.dumps([
    generator.generate_from_slots(name, asked["slots"], channel)
    for name in asked["responses"] for channel in asked["channels"]
]))
"""
CHANNELS = ["slack", "facebook"]


@pytest.fixture
def said_by_rasa(rasa: str) -> list[dict[str, Any] | None]:
    """What Rasa's generator makes of each response on each channel."""
    asked = json.dumps({"responses": RESPONSES, "slots": SLOTS, "channels": CHANNELS})
    done = subprocess.run([rasa, "-c", RASAS], input=asked, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    said: list[dict[str, Any] | None] = json.loads(done.stdout.partition("ANSWER")[2])
    return said


async def test_the_endpoint_says_what_rasas_own_generator_says(said_by_rasa: list[dict[str, Any] | None]) -> None:
    store = MessageStore(defaults={"en": {name: json.dumps(variations) for name, variations in RESPONSES.items()}})
    calls = [(name, channel) for name in RESPONSES for channel in CHANNELS]
    for (name, channel), expected in zip(calls, said_by_rasa, strict=True):
        spoken = {key: value for key, value in (expected or {}).items() if key not in ("channel", "condition")}
        assert await ours(store, name, channel) == spoken, (name, channel)


async def ours(store: MessageStore, name: str, channel: str) -> Any:
    """What the endpoint answers."""
    call = {"response": name, "id": None, "arguments": {}, "tracker": {"slots": SLOTS}, "channel": {"name": channel}}
    transport = httpx.ASGITransport(app=nlg_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://nlg") as client:
        return (await client.post("/", json=call)).raise_for_status().json()
