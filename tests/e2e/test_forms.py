"""Answers that come back, and a form, on real Rasa: over REST, and over socketio as a web chat talks to it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio

from haptik_actions.messages import packaged_copy

from .bot import ACTIVE_BUSINESS, Chat, Installation
from .stack import action_server, environment, rasa_server, services
from .trained import Trained

BOT = Path(__file__).parent / "forms_bot"
COPY = packaged_copy()
SECONDS = 30.0

pytestmark = pytest.mark.usefixtures("no_turn_is_lost")


@pytest.fixture(scope="module")
def project(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("forms"), BOT)


@pytest.fixture(scope="module", params=["rasa-sdk beside Rasa", "rasa-sdk of this Python"])
def installation(
    request: pytest.FixtureRequest, rasa: str, project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    python = rasa if request.param == "rasa-sdk beside Rasa" else sys.executable
    folder = tmp_path_factory.mktemp("running")
    with (
        services(sys.executable, folder) as around,
        action_server(python, project, folder, around) as actions,
        rasa_server(rasa, project, folder, actions.url) as server,
    ):
        yield Installation(rasa=server, actions=actions, around=around)


@pytest.fixture
def chat(installation: Installation) -> Chat:
    return Chat(rasa=installation.rasa.url, metadata={"user_name": "asha", "business_id": ACTIVE_BUSINESS})


class WebChat:
    """A client of Rasa's socketio channel."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self._client = client
        self._read: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        client.on("bot_uttered", self._read.put)

    async def open(self, url: str) -> None:
        await self._client.connect(url, socketio_path="/socket.io", wait_timeout=SECONDS)

    async def say(self, text: str, messages: int) -> list[dict[str, Any]]:
        """Send a message and return so many messages of the bot."""
        await self._client.emit("user_uttered", {"message": text})
        return [await asyncio.wait_for(self._read.get(), SECONDS) for _ in range(messages)]


@pytest.fixture
async def web(installation: Installation) -> AsyncIterator[WebChat]:
    client = socketio.AsyncClient()
    chat = WebChat(client)
    await chat.open(installation.rasa.url)
    yield chat
    await client.disconnect()


def slots(chat: Chat) -> dict[str, Any]:
    held = chat.tracker()["slots"]
    return {name.removeprefix("visit_form_"): value for name, value in held.items() if name.startswith("visit_form_")}


# Answers that come back


@pytest.mark.parametrize("answer", ["2", "#2", "२", "the second one", "where is sandals", "Where is Sandals?"])
def test_an_answer_means_what_was_offered(answer: str, chat: Chat) -> None:
    offered = chat.post("show my orders")
    buttons = [button["title"] for message in offered for button in message.get("buttons", [])]
    assert buttons == ["Where is Kurta?", "Where is Sandals?", "Where is Lamp?"]
    assert chat.say(answer) == ["Order 1002 is being packed."]


def test_the_conversation_keeps_the_words_of_the_user(chat: Chat) -> None:
    chat.post("show my orders")
    chat.say("2")
    said = [event["text"] for event in chat.tracker()["events"] if event["event"] == "user"]
    assert said == ["show my orders", "2"]


def test_without_an_offer_a_number_is_a_number(chat: Chat) -> None:
    assert chat.say("2") == ["Sorry, I did not understand that. You can ask: where is order 1001"]


def test_a_control_that_opens_something_opens_it_and_what_it_shows_can_be_answered(chat: Chat) -> None:
    chat.say("show the lamp")
    assert "40 cm high" in " ".join(chat.say("details"))
    assert chat.say("1") == ["Order 1002 is being packed."]


async def test_an_order_list_as_carousel_and_a_reply_by_number_in_the_web_chat(web: WebChat) -> None:
    [carousel] = await web.say("show my orders", 1)
    elements = carousel["attachment"]["payload"]["elements"]
    assert [element["title"] for element in elements] == ["Kurta", "Sandals", "Lamp"]
    assert await web.say("2", 1) == [{"text": "Order 1002 is being packed."}]


CONNECTORS = """
import importlib, inspect, json, pkgutil
import rasa.core.channels as channels
from rasa.core.channels.channel import OutputChannel

def below(cls):
    return {*cls.__subclasses__()}.union(*(below(each) for each in cls.__subclasses__()))

for module in pkgutil.iter_modules(channels.__path__):
    importlib.import_module(f"rasa.core.channels.{module.name}")
wanted = [name for name in vars(OutputChannel) if name.startswith("send_") and name != "send_response"]
found = {}
for cls in below(OutputChannel):
    for name in wanted:
        parameters = inspect.signature(getattr(cls, name)).parameters.values()
        found[f"{cls.__name__}.{name}"] = any(each.kind is each.VAR_KEYWORD for each in parameters)
print(json.dumps(found))
"""


def test_every_connector_of_rasa_takes_the_offers_with_the_message(rasa: str) -> None:
    done = subprocess.run([rasa, "-c", CONNECTORS], env=environment(), capture_output=True, text=True, check=True)
    found: dict[str, bool] = json.loads(done.stdout.splitlines()[-1])
    assert len(found) > 70
    assert [method for method, takes in found.items() if not takes] == []


# A form


def test_a_form_with_a_wrong_answer_and_a_step_back(chat: Chat) -> None:
    assert chat.say("book a visit")[-1] == "City?"
    assert "Day?" in chat.say("2")[-1]
    assert chat.say("Back") == ["City?"]
    assert "Day?" in chat.say("pune")[-1]
    assert chat.say("some day")[0] == COPY["haptik_form_error_date"]
    assert chat.say("3/4/2099") == [COPY["haptik_form_doubt"]]
    assert "Time?" in chat.say("3 Apr 2099")[-1]
    assert "Extras?" in chat.say("11:45 pm")[-1]
    assert chat.say("1, 3") == ["E-mail?"]
    assert chat.say("asha at example.org")[0] == COPY["haptik_form_error_email"]
    assert "Date of birth?" in chat.say("asha@example.org")[-1]
    assert "Is this right?" in chat.say("24 May 1990")[-1]
    [booked] = chat.say("yes")
    assert json.loads(booked) == {
        "visit_form_city": "Pune",
        "visit_form_day": "2099-04-03",
        "visit_form_time": "23:45",
        "visit_form_extras": ["Pool", "Gym"],
        "visit_form_e_mail": "asha@example.org",
        "visit_form_date_of_birth": "1990-05-24",
        "visit_form_confirmed": True,
    }
    assert chat.tracker()["active_loop"] == {}


def test_a_cancelled_form_submits_nothing_and_the_bot_goes_on(chat: Chat) -> None:
    chat.say("book a visit")
    chat.say("Delhi")
    assert chat.say("cancel") == [COPY["haptik_form_cancelled"]]
    assert [value for value in slots(chat).values() if value] == []
    assert chat.tracker()["active_loop"] == {}
    assert chat.say("where is order 1001") == ["Order 1001 is on its way."]
    assert chat.say("book a visit")[-1] == "City?"


def test_another_question_in_between_is_answered_and_the_form_goes_on(chat: Chat) -> None:
    chat.say("book a visit")
    chat.say("Delhi")
    weather, question = chat.say("will it rain")
    assert (weather, "Day?" in question) == ("It will stay dry.", True)
    assert "Time?" in chat.say("tomorrow")[-1]


def test_a_second_run_begins_anew(chat: Chat) -> None:
    for answer in ("book a visit", "Delhi", "tomorrow", "noon", "skip", "a@b.org", "24 May 1990", "yes"):
        chat.say(answer)
    assert slots(chat)["extras"] == []
    assert chat.say("book a visit")[-1] == "City?"
    assert slots(chat)["city"] is None


async def test_the_form_in_the_web_chat(web: WebChat) -> None:
    [_, _, city] = await web.say("book a visit", 3)
    assert [reply["title"] for reply in city["quick_replies"]] == ["Mumbai", "Delhi", "Pune"]
    [day] = await web.say("2", 1)
    assert [reply["title"] for reply in day["quick_replies"]][:2] == ["Today", "Tomorrow"]
    [wrong, _] = await web.say("yesterday", 2)
    assert wrong["text"].startswith("That is too early.")
    [time] = await web.say(day["quick_replies"][1]["payload"], 1)
    assert time["text"].startswith("Time?")
    assert await web.say("cancel", 1) == [{"text": COPY["haptik_form_cancelled"]}]
