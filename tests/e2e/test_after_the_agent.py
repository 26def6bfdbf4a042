"""What the bot does when it has the conversation back, where Rasa's own fallback takes messages back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from haptik_actions.messages import packaged_copy
from haptik_actions.rasa_api import resume

from .bot import ACTIVE_BUSINESS, PATIENCE_SECONDS, Chat, Installation
from .stack import action_server, rasa_server, services
from .trained import Trained

BOT = Path(__file__).parent / "after_agent_bot"
POLICIES = Path(__file__).parent / "after_agent_policies"

CONNECTED = packaged_copy()["haptik_handoff_connected"]
NOT_UNDERSTOOD = "I did not understand that."
GREETING = "Hello! Ask me about an order, for example: where is order 1001"
ANYTHING_ELSE = "Is there anything else I can do for you?"
WHY = "Why do you send it back?"

pytestmark = pytest.mark.usefixtures("no_turn_is_lost")


@pytest.fixture(scope="module", params=["rules", "memoization", "ted"])
def installation(
    request: pytest.FixtureRequest, rasa: str, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp(request.param)
    project = trained(folder, BOT, POLICIES / request.param)
    with (
        services(sys.executable, folder) as around,
        action_server(sys.executable, project, folder, around, ["haptik_actions.cli", "run"]) as actions,
        rasa_server(rasa, project, folder, actions.url) as server,
    ):
        yield Installation(rasa=server, actions=actions, around=around)


@pytest.fixture
def chat(installation: Installation) -> Chat:
    return Chat(rasa=installation.rasa.url, metadata={"user_name": "asha", "business_id": ACTIVE_BUSINESS})


def give_back(chat: Chat) -> list[str]:
    return [event["event"] for event in asyncio.run(resume(chat.sender, rasa_url=chat.rasa))]


def post(chat: Chat, *events: dict[str, Any]) -> None:
    url = f"{chat.rasa}/conversations/{chat.sender}/tracker/events"
    httpx.post(url, json=list(events), timeout=PATIENCE_SECONDS).raise_for_status()


def goes_on(installation: Installation, chat: Chat) -> None:
    """What is not understood is answered each time, and the bot goes on."""
    installation.orders("working")
    ran = chat.actions().count("action_order_status")
    for _ in range(3):
        assert chat.say("qwertz") == [NOT_UNDERSTOOD]
        assert chat.tracker()["paused"] is False
    assert chat.say("hello") == [GREETING]
    assert chat.say("qwertz") == [NOT_UNDERSTOOD]
    assert chat.say("where is order 1002") == ["Order 1002 is being packed."]
    assert chat.actions().count("action_order_status") == ran + 1


def hand_over(installation: Installation, chat: Chat) -> None:
    installation.orders("broken")
    assert chat.say("where is order 1001") == [CONNECTED]
    assert chat.tracker()["paused"] is True


@pytest.mark.parametrize("written", [[], ["hello?", "qwertz"]], ids=["silent", "wrote to the agent"])
@pytest.mark.parametrize("before", [[], ["hello"]], ids=["first message", "later"])
def test_after_a_resume_the_bot_goes_on(
    before: list[str], written: list[str], installation: Installation, chat: Chat
) -> None:
    for text in before:
        assert chat.say(text) == [GREETING]
    hand_over(installation, chat)
    for text in written:
        assert chat.say(text) == []
    assert give_back(chat) == ["user", "resume"]
    goes_on(installation, chat)


def test_after_a_bare_resume_as_well(installation: Installation, chat: Chat) -> None:
    hand_over(installation, chat)
    chat.resume()
    goes_on(installation, chat)


def test_a_second_hand_off_after_a_fallback(installation: Installation, chat: Chat) -> None:
    hand_over(installation, chat)
    give_back(chat)
    assert chat.say("qwertz") == [NOT_UNDERSTOOD]
    hand_over(installation, chat)
    give_back(chat)
    goes_on(installation, chat)


def test_the_steps_behind_the_failed_one_are_not_taken(installation: Installation, chat: Chat) -> None:
    installation.orders("broken")
    assert chat.say("cancel order 1001") == [CONNECTED]
    give_back(chat)
    assert chat.say("qwertz") == [NOT_UNDERSTOOD]
    assert "utter_anything_else" not in chat.actions()


def test_the_form_whose_step_failed_is_not_submitted(installation: Installation, chat: Chat) -> None:
    assert chat.say("send it back") == [WHY]
    installation.orders("broken")
    assert chat.say("too small") == [CONNECTED]
    installation.orders("working")
    give_back(chat)
    assert chat.say("qwertz") == [NOT_UNDERSTOOD]
    assert chat.say("hello") == [GREETING]
    assert "utter_return_noted" not in chat.actions()
    assert chat.say("send it back") == [WHY]
    assert chat.say("too small") == ["Noted: too small"]


# Conversations that an earlier version has paused: the pause stands before the listening.

ASKED = {
    "event": "user",
    "text": "where is order 1001",
    "parse_data": {
        "intent": {"name": "ask_order_status"},
        "entities": [{"entity": "order_id", "value": "1001", "start": 15, "end": 19}],
    },
}
OLD = [{"event": "pause"}, {"event": "action", "name": "action_listen"}]


@pytest.mark.parametrize("written", [[], ["hello?", "qwertz"]], ids=["silent", "wrote to the agent"])
def test_a_conversation_that_was_paused_in_the_old_order_is_healed(
    written: list[str], installation: Installation, chat: Chat
) -> None:
    assert chat.say("hello") == [GREETING]
    post(chat, ASKED)
    post(chat, {"event": "action", "name": "action_order_status"}, *OLD)
    for text in written:
        assert chat.say(text) == []
    assert give_back(chat) == ["undo", "resume", "followup", "action"]
    goes_on(installation, chat)


def test_a_bare_pause_gets_the_listening_that_it_lacks(installation: Installation, chat: Chat) -> None:
    assert chat.say("hello") == [GREETING]
    post(chat, ASKED)
    post(chat, {"event": "action", "name": "action_order_status"}, {"event": "pause"})
    assert give_back(chat) == ["resume", "followup", "action"]
    goes_on(installation, chat)
