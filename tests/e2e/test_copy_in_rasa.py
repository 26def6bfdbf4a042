"""The bot's copy read inside Rasa's own process: no server beside Rasa whose end would leave the bot without words."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from haptik_actions.messages import MessageStore, packaged_copy
from tests.support.ports import free_port
from tests.support.valkey import Valkey

from .bot import PATIENCE_SECONDS, Chat
from .stack import Server, environment, rasa_server, running
from .test_messages import CHANNELS, RESPONSES, SLOTS, ours
from .trained import Trained

BOT = Path(__file__).parent / "copy_bot"
NLG = "nlg:\n  type: haptik_actions.channel.HaptikNLG\n"
ASKED = "Under which number can we reach you?"
GREETING = "Hello! Ask me about an order, for example: where is order 1001"


@pytest.fixture(scope="module")
def project(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("copy"), BOT)


@pytest.fixture(scope="module")
def bot(rasa: str, project: Path, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("running"), free_port()
    actions = f"http://127.0.0.1:{port}"
    words = [rasa, "-m", "rasa_sdk", "--actions", "actions", "--port", str(port)]
    env = environment(REDIS_URL=valkey.url, SANIC_HOST="127.0.0.1")
    with (
        running("actions", words, cwd=project, env=env, folder=folder, health=f"{actions}/health"),
        rasa_server(rasa, project, folder, actions, NLG, settings={"REDIS_URL": valkey.url}) as server,
    ):
        yield server
    # What Rasa writes when it stops is read by whoever looks for the reason of the stop.
    assert "was destroyed" not in server.logged()


@pytest.fixture
def store(valkey: Valkey) -> Iterator[redis.Redis]:
    """The message store as somebody with redis-cli has it: empty, and up."""
    client = redis.Redis.from_url(valkey.url)
    client.flushall()
    yield client
    valkey.stop()
    valkey.start()


@pytest.fixture
def chat(bot: Server, store: redis.Redis) -> Chat:
    return Chat(rasa=bot.url)


def put(store: redis.Redis, key: str, value: Any, locale: str = "en") -> None:
    store.set(f"haptik:messages:{locale}:{key}", value if isinstance(value, str) else json.dumps(value))


def until(bot: Server, said: str, expected: list[str], **metadata: str) -> None:
    """Say it as new users until that is the last answer: a Redis that was started anew is found only after a moment.

    Several sentences of one user stand behind each other with `/`.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        chat = Chat(rasa=bot.url, metadata=metadata)
        answers = [chat.say(sentence) for sentence in said.split("/")][-1]
        if answers == expected or time.monotonic() > give_up:
            break
        time.sleep(0.05)
    assert answers == expected


def test_an_edit_is_what_the_next_user_reads(bot: Server, chat: Chat, store: redis.Redis) -> None:
    until(bot, "hello", [GREETING])
    put(store, "utter_greet", "Namaste")
    until(bot, "hello", ["Namaste"])
    put(store, "utter_greet", "Welcome")
    until(bot, "hello", ["Welcome"])
    put(store, "utter_greet", '{"text": "a typo')
    put(store, "utter_news", "{count} stories")
    until(bot, "any news", ["3 stories"])
    assert chat.say("hello") == ["Welcome"]
    store.delete("haptik:messages:en:utter_greet")
    until(bot, "hello", [GREETING])


def test_forms_and_actions_say_what_was_edited(bot: Server, chat: Chat, store: redis.Redis) -> None:
    until(bot, "any news", ["There are 3 news."])
    put(store, "utter_ask_contact", "Your number, please?")
    put(store, "utter_contact_noted", "We call {contact}.")
    put(store, "utter_news", "{count, plural, one {One story} other {# stories}}")
    until(bot, "any news", ["3 stories"])
    until(bot, "call me back", ["Your number, please?"])
    assert chat.say("call me back") == ["Your number, please?"]
    assert chat.say("98765") == ["We call 98765."]


def test_redis_is_killed_and_the_form_still_asks(bot: Server, chat: Chat, valkey: Valkey) -> None:
    until(bot, "call me back", [ASKED])
    until(bot, "call me back/98765", ["Noted: 98765."])
    valkey.stop()
    the_form_asks(chat)


def the_form_asks(chat: Chat) -> None:
    assert chat.say("call me back") == [ASKED]
    assert chat.tracker()["active_loop"]["name"] == "contact_form"
    assert chat.say("98765") == ["Noted: 98765."]
    assert chat.tracker()["slots"]["contact"] == "98765"


def test_a_redis_that_hangs_holds_nobody_up(bot: Server, chat: Chat, valkey: Valkey) -> None:
    until(bot, "call me back", [ASKED])
    until(bot, "call me back/98765", ["Noted: 98765."])
    valkey.freeze()
    began = time.monotonic()
    the_form_asks(chat)
    took = time.monotonic() - began
    valkey.thaw()
    # Half a second for the first who notices, and what a busy machine adds; Rasa itself would wait for ever.
    assert took < 10


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{port}/0", "mysql://localhost", ""])
def test_a_bot_that_starts_without_redis_has_the_domains_words(
    rasa: str, project: Path, tmp_path: Path, url: str
) -> None:
    settings = {"REDIS_URL": url.format(port=free_port())}
    with rasa_server(rasa, project, tmp_path, "http://127.0.0.1:9", NLG, settings=settings) as server:
        the_form_asks(Chat(rasa=server.url))
    said = server.logged()
    assert "was destroyed" not in said
    assert "sers read the domain's responses" in said or "Redis did not give the message" in said


def test_what_was_read_last_outlives_redis(bot: Server, chat: Chat, store: redis.Redis, valkey: Valkey) -> None:
    put(store, "utter_greet", "Still here")
    until(bot, "hello", ["Still here"])
    valkey.stop()
    assert chat.say("hello") == ["Still here"]


def test_variations_conditions_channels_and_languages(chat: Chat, bot: Server, store: redis.Redis) -> None:
    known = [{"text": "You again, {contact}", "condition": [{"type": "slot", "name": "contact", "value": "98765"}]}]
    put(store, "utter_greet", ["Hi", *known, {"text": "On REST", "channel": "rest"}])
    until(bot, "hello", ["On REST"])
    put(store, "utter_greet", [*known, {"text": "Hi"}, {"text": "On Slack", "channel": "slack"}])
    until(bot, "hello", ["Hi"])
    chat.say("call me back")
    chat.say("98765")
    assert chat.say("hello") == ["You again, 98765"]
    put(store, "utter_greet", "नमस्ते", "hi")
    until(bot, "hello", ["नमस्ते"], language_code="hi")
    put(store, "utter_greet", ["Hi!", "Hey!"])
    until(bot, "hello", ["Hey!"])
    until(bot, "hello", ["Hi!"])


def test_elements_and_buttons_come_in_the_form_of_the_channel(chat: Chat, bot: Server, store: redis.Redis) -> None:
    order = [{"title": "My order", "payload": "/ask_order_status"}]
    until(bot, "what can I pick", ["What now?"])
    assert answers(chat, "what can I pick") == [{"text": "What now?", "buttons": order}]
    reply = {"actionable_text": "Order 1001", "type": "TEXT_ONLY", "payload": {"message": "where is order 1001"}}
    put(store, "utter_pick", {"type": "TEXT", "text": "Which?", "data": {"quick_replies": [reply]}})
    until(bot, "what can I pick", ["Which?"])
    buttons = [{"title": "Order 1001", "payload": "where is order 1001"}]
    assert answers(chat, "what can I pick") == [{"text": "Which?", "buttons": buttons}]


def answers(chat: Chat, said: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in message.items() if key != "recipient_id"} for message in chat.post(said)]


def test_a_new_model_brings_its_own_responses(bot: Server, chat: Chat, project: Path, rasa: str) -> None:
    until(bot, "any news", ["There are 3 news."])
    domain = project / "domain" / "contact.yml"
    before = domain.read_text(encoding="utf-8")
    try:
        domain.write_text(before.replace("There are {count} news.", "News: {count}."), encoding="utf-8")
        command = [rasa, "-m", "rasa", "train", "--domain", "domain", "--fixed-model-name", "other"]
        subprocess.run(command, cwd=project, env=environment(), check=True, capture_output=True)
        _load(bot, project / "models" / "other.tar.gz")
        assert Chat(rasa=bot.url).say("any news") == ["News: 3."]
    finally:
        domain.write_text(before, encoding="utf-8")
        _load(bot, project / "models" / "bot.tar.gz")
    assert Chat(rasa=bot.url).say("any news") == ["There are 3 news."]


def _load(bot: Server, model: Path) -> None:
    httpx.put(f"{bot.url}/model", json={"model_file": str(model)}, timeout=PATIENCE_SECONDS).raise_for_status()


def test_the_log_has_no_mistake_of_ours(bot: Server, chat: Chat) -> None:
    assert chat.say("hello")
    assert "Traceback" not in bot.logged()
    assert "Couldn't create message" not in bot.logged()


ASK = """
import asyncio, json, sys
from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SlotSet, UserUttered
from rasa.shared.core.slots import AnySlot
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

asked = json.load(sys.stdin)
nlg = NaturalLanguageGenerator.create(EndpointConfig(type="haptik_actions.channel.HaptikNLG"), Domain.empty())
nlg.responses = asked["responses"]

def tracker(slots):
    made = DialogueStateTracker("x", [AnySlot(name, mappings=[{"type": "custom"}]) for name in slots])
    made.update(UserUttered("hi"))
    for name, value in slots.items():
        made.update(SlotSet(name, value))
    return made

async def say(name, channel):
    given = tracker(asked["slots"])
    if asked.get("array"):
        import numpy
        given.update(SlotSet("n", numpy.array([1, 2])))
    return await nlg.generate(name, given, channel, domain_responses=asked["responses"])

# Each in a loop of its own.
print("ANSWER" + json.dumps([
    asyncio.run(say(name, channel)) for name in asked["names"] for channel in asked["channels"]
]))
"""


def ask(rasa: str, responses: Any, **asked: Any) -> list[Any]:
    """What the class says inside real Rasa, without a Redis, each time in another event loop."""
    given = {"responses": responses, "names": list(responses), "channels": ["slack"], "slots": {}, **asked}
    done = subprocess.run(
        [rasa, "-W", "error::ResourceWarning", "-c", ASK],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    said: list[Any] = json.loads(done.stdout.partition("ANSWER")[2])
    return said


async def test_it_says_what_the_endpoint_says(rasa: str) -> None:
    said = ask(rasa, RESPONSES, channels=CHANNELS, slots=SLOTS)
    store = MessageStore(defaults={"en": {name: json.dumps(variations) for name, variations in RESPONSES.items()}})
    expected = [await ours(store, name, channel) or None for name in RESPONSES for channel in CHANNELS]
    assert said == expected


ODD: dict[str, list[Any]] = {
    # Rasa's own generator says what the store cannot hold whole.
    "utter_pro": [{"text": "pro", "condition": []}, {"text": "gold", "condition": [{"name": "tier"}]}],
    "utter_array": [{"text": "{n}"}, {"text": "3", "condition": [{"type": "slot", "name": "n", "value": 3}]}],
    "utter_broken": [{"text": "{"}],
    "utter_half": [{"text": "half \ud83d"}],
    "utter_nobodys": [{"text": "facebook", "channel": "facebook"}],
    "utter_empty": [],
}


def test_whatever_the_domain_holds_nothing_is_raised(rasa: str) -> None:
    said = dict(zip(ODD, ask(rasa, ODD, slots={"n": 1}, array=True), strict=True))
    assert said["utter_array"] == {"text": "[1 2]"}
    assert said["utter_broken"] == {"text": "{"}
    assert said["utter_half"] == {"text": "half "}
    assert said["utter_nobodys"] is None
    assert said["utter_empty"] is None


def test_a_response_that_is_nowhere_is_no_silence(rasa: str) -> None:
    assert ask(rasa, {}, names=["utter_nowhere"]) == [{"text": packaged_copy()["haptik_message_missing"]}]
    assert ask(rasa, {}, names=["utter_restart"]) == [None]
