"""`haptik-actions run`, the ready actions, forms and resume on real Rasa, with actions that do not guard themselves."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from haptik_actions.cli import main
from haptik_actions.errors import UnknownConversation
from haptik_actions.messages import packaged_copy
from haptik_actions.rasa_api import resume

from .bot import ACTIVE_BUSINESS, PATIENCE_SECONDS, Chat, Installation
from .stack import action_server, rasa_server, services
from .trained import Trained

COPY = packaged_copy()
CONNECTED = COPY["haptik_handoff_connected"]
REQUESTED = COPY["haptik_request_connected"]
THROTTLED = COPY["haptik_handoff_throttled"]
UNAVAILABLE = COPY["haptik_handoff_unavailable"]
REPHRASE = COPY["haptik_fallback_rephrase"]
GREETING = "Hello! Ask me about an order, for example: where is order 1001"
WHICH_ORDER = "I need the number of one of your orders, for example: where is order 1001"
WHY, WHICH_DAY = "Why do you send it back?", "On which day shall we fetch it?"

BOT = Path(__file__).parent / "guarding_bot"

pytestmark = pytest.mark.usefixtures("no_turn_is_lost")


@pytest.fixture(scope="module", params=["rasa-sdk beside Rasa", "rasa-sdk of this Python"])
def installation(
    request: pytest.FixtureRequest, rasa: str, trained: Trained, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    python = rasa if request.param == "rasa-sdk beside Rasa" else sys.executable
    folder = tmp_path_factory.mktemp("guarding")
    project = trained(folder, BOT)
    with (
        services(sys.executable, folder, "--state", str(BOT / "sandbox.yml")) as around,
        action_server(python, project, folder, around, ["haptik_actions.cli", "run"]) as actions,
        rasa_server(rasa, project, folder, actions.url) as server,
    ):
        yield Installation(rasa=server, actions=actions, around=around)


@pytest.fixture
def chat(installation: Installation) -> Chat:
    return Chat(rasa=installation.rasa.url, metadata={"user_name": "asha", "business_id": ACTIVE_BUSINESS})


@pytest.fixture
def stranger(installation: Installation) -> Chat:
    """A user whom Haptik does not know: no hand-off of theirs is ever confirmed."""
    return Chat(rasa=installation.rasa.url)


def slots(chat: Chat, *names: str) -> list[object]:
    held = chat.tracker()["slots"]
    return [held[name] for name in names]


def receipt(chat: Chat) -> tuple[str, str, str | None]:
    slot = chat.tracker()["slots"]["haptik_handoff"]
    return slot["state"], slot["action"], slot["error"]


def give_back(chat: Chat) -> list[str]:
    return [event["event"] for event in asyncio.run(resume(chat.sender, rasa_url=chat.rasa))]


# Forms


def test_a_form_whose_validation_works_is_left_alone(chat: Chat) -> None:
    assert chat.say("send it back") == [WHY]
    assert chat.say("too small") == [WHICH_DAY]
    assert chat.say("monday") == ["monday, because: too small"]


@pytest.mark.parametrize(("mode", "error"), [("broken", "HTTPStatusError"), ("slow", "IntegrationTimeout")])
def test_a_failed_validation_hands_over_and_ends_the_form(
    mode: str, error: str, installation: Installation, chat: Chat
) -> None:
    chat.say("send it back")
    installation.orders(mode)
    assert chat.say("too small") == [CONNECTED]
    assert receipt(chat) == ("connected", "validate_return_form", error)
    assert slots(chat, "return_reason", "requested_slot") == [None, None]
    assert (chat.tracker()["paused"], chat.tracker()["active_loop"]) == (True, {})

    installation.orders("working")
    give_back(chat)
    # The first words after the agent are not the answer to the old question.
    assert chat.say("hello") == [GREETING]
    assert chat.say("send it back") == [WHY]
    assert chat.say("too small") == [WHICH_DAY]


def test_a_failed_validation_without_an_agent_asks_the_same_question_again(
    installation: Installation, stranger: Chat
) -> None:
    stranger.say("send it back")
    installation.orders("broken")
    assert stranger.say("too small") == [UNAVAILABLE, WHY]
    assert slots(stranger, "return_reason", "requested_slot") == [None, "return_reason"]

    installation.orders("working")
    assert stranger.say("too large") == [WHICH_DAY]
    assert slots(stranger, "return_reason") == ["too large"]


def test_a_question_that_cannot_be_asked_hands_over_and_ends_the_form(installation: Installation, chat: Chat) -> None:
    chat.say("send it back")
    installation.orders("broken")
    assert chat.say("no reason") == [CONNECTED]
    assert receipt(chat) == ("connected", "action_ask_return_day", "HTTPStatusError")
    assert (chat.tracker()["paused"], chat.tracker()["active_loop"]) == (True, {})

    installation.orders("working")
    give_back(chat)
    assert chat.say("hello") == [GREETING]
    assert chat.say("send it back") == [WHICH_DAY]


def test_a_question_that_cannot_be_asked_is_not_answered_by_the_next_words(
    installation: Installation, stranger: Chat
) -> None:
    stranger.say("send it back")
    installation.orders("broken")
    # Neither the question nor what follows a completed form.
    assert stranger.say("no reason") == [UNAVAILABLE]
    assert stranger.tracker()["active_loop"] == {}

    installation.orders("working")
    assert stranger.say("hello") == [GREETING]
    assert slots(stranger, "return_day") == [None]


def test_failed_slot_mappings_leave_no_unvalidated_value_and_the_turn_goes_on(
    installation: Installation, chat: Chat
) -> None:
    installation.orders("broken")
    assert chat.say("where is order 1001") == [CONNECTED, WHICH_ORDER]
    assert receipt(chat) == ("connected", "action_validate_slot_mappings", "HTTPStatusError")
    assert slots(chat, "order_id") == [None]
    assert chat.tracker()["paused"] is False
    assert installation.queue() == [("support", "asha", "counting_down")]


# A hang, and a storm


def talker(installation: Installation, user_name: str) -> Chat:
    return Chat(rasa=installation.rasa.url, metadata={"user_name": user_name, "business_id": ACTIVE_BUSINESS})


def say_all(chats: list[Chat], text: str) -> list[list[str]]:
    with ThreadPoolExecutor(len(chats)) as pool:
        return list(pool.map(lambda chat: chat.say(text), chats))


def test_an_action_that_blocks_the_worker_is_interrupted_and_then_blocks_nobody(installation: Installation) -> None:
    installation.orders("slow")
    first, second, third = (talker(installation, f"hang-{n}") for n in range(3))
    assert first.say("send a courier") == [CONNECTED]
    assert receipt(first) == ("connected", "action_send_courier", "IntegrationTimeout")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(second.say, "send a courier")
        # Answered beside the one that hangs, which has a thread of its own by now.
        assert third.say("tell me a joke") == [REPHRASE]
        assert not hanging.done()
        assert hanging.result() == [CONNECTED]
    assert sorted(installation.queue()) == [("couriers", f"hang-{n}", "counting_down") for n in (0, 1)]


def test_in_a_storm_everybody_is_answered_and_the_team_gets_its_share(installation: Installation) -> None:
    installation.orders("broken")
    chats = [talker(installation, f"storm-{n}") for n in range(20)]
    said = Counter(text for texts in say_all(chats, "send a courier") for text in texts)
    taken = len(installation.queue())
    # The two of the hang before may have been within the same minute.
    assert taken in (10, 11, 12)
    assert said == {CONNECTED: taken, THROTTLED: 20 - taken}
    assert sum(chat.tracker()["paused"] for chat in chats) == taken
    assert {team for team, _, _ in installation.queue()} == {"couriers"}

    installation.orders("working")
    throttled = [chat for chat in chats if not chat.tracker()["paused"]]
    assert say_all(throttled, "send a courier") == [["The courier is on the way."]] * len(throttled)


# A server that is older than the model


def test_an_action_that_the_server_does_not_have_hands_over(installation: Installation, chat: Chat) -> None:
    assert chat.say("call the courier") == [CONNECTED]
    assert receipt(chat) == ("connected", "action_call_courier", "ActionNotFoundException")
    assert installation.queue() == [("support", "asha", "counting_down")]
    give_back(chat)
    assert chat.say("hello") == [GREETING]


# Ready actions


def test_a_user_who_asks_for_an_agent_gets_one(installation: Installation, chat: Chat) -> None:
    before = len(installation.actions.logged())
    assert chat.say("a human please") == [REQUESTED]
    assert receipt(chat) == ("connected", "action_haptik_handoff", None)
    assert installation.queue() == [("support", "asha", "counting_down")]
    assert "Traceback" not in installation.actions.logged()[before:]

    assert chat.say("hello?") == []
    give_back(chat)
    assert chat.say("hello") == [GREETING]


def test_an_agent_on_request_in_the_middle_of_a_form_ends_the_form(chat: Chat) -> None:
    assert chat.say("send it back") == [WHY]
    assert chat.say("a human please") == [REQUESTED]
    give_back(chat)
    assert chat.say("hello") == [GREETING]
    assert slots(chat, "return_reason", "requested_slot") == [None, None]


def test_the_fallback_asks_to_rephrase_and_then_hands_over(installation: Installation, chat: Chat) -> None:
    assert chat.say("tell me a joke") == [REPHRASE]
    assert chat.say("hello") == [GREETING]
    assert chat.say("tell me a joke") == [REPHRASE]
    assert chat.say("tell me a joke") == [CONNECTED]
    assert receipt(chat) == ("connected", "action_default_fallback", None)
    assert installation.queue() == [("support", "asha", "counting_down")]

    give_back(chat)
    assert chat.say("tell me a joke") == [REPHRASE]
    assert chat.say("hello") == [GREETING]


def test_the_fallback_leaves_a_bot_that_talks_where_nobody_can_take_over(stranger: Chat) -> None:
    assert stranger.say("tell me a joke") == [REPHRASE]
    for _ in range(3):
        assert stranger.say("tell me a joke") == [UNAVAILABLE]
    assert receipt(stranger) == ("unavailable", "action_default_fallback", None)
    assert stranger.say("hello") == [GREETING]
    assert stranger.say("/restart") == []


# Resume


@pytest.mark.parametrize("prefix", ["whatsapp:+49", "shop/web;", "a@b,(c)"])
def test_resume_leaves_a_conversation_that_is_not_paused_alone(prefix: str, chat: Chat) -> None:
    named = Chat(rasa=chat.rasa, metadata=chat.metadata, sender=f"{prefix}{uuid.uuid4().hex}")
    assert named.say("a human please") == [REQUESTED]
    assert named.say("hello?") == []
    assert give_back(named) == ["user", "resume"]
    assert give_back(named) == []
    assert named.say("hello") == [GREETING]


def test_a_fallback_that_takes_the_message_back_does_not_take_the_resume_with_it(chat: Chat) -> None:
    assert chat.say("a human please") == [REQUESTED]
    assert give_back(chat) == ["user", "resume"]
    # What Rasa's own fallback does with a message that the bot did not understand.
    post(chat, {"event": "user", "text": "qwertz", "parse_data": {"intent": {"name": "nlu_fallback"}, "entities": []}})
    post(chat, {"event": "rewind"})
    # Then the next step is taken, and the events that are left say that it is to listen.
    assert chat.tracker()["followup_action"] == "action_listen"
    post(chat, {"event": "action", "name": "action_listen"})
    assert chat.tracker()["paused"] is False
    assert chat.say("hello") == [GREETING]


def test_a_bare_pause_gets_the_listening_that_it_lacks(chat: Chat) -> None:
    chat.say("hello")
    post(chat, {"event": "action", "name": "utter_greet"})
    post(chat, {"event": "pause"})
    assert give_back(chat) == ["resume", "followup", "action"]
    assert chat.say("hello") == [GREETING]


def post(chat: Chat, event: dict[str, Any]) -> None:
    httpx.post(
        f"{chat.rasa}/conversations/{chat.sender}/tracker/events", json=event, timeout=PATIENCE_SECONDS
    ).raise_for_status()


def test_a_fallback_right_after_the_resume_does_not_pause_again(chat: Chat) -> None:
    assert chat.say("a human please") == [REQUESTED]
    assert chat.say("hello?") == []
    give_back(chat)
    assert chat.say("tell me a joke") == [REPHRASE]
    assert chat.tracker()["paused"] is False
    assert chat.say("hello") == [GREETING]


def test_a_fallback_after_the_resume_does_not_take_the_steps_behind_the_failed_one(
    installation: Installation, chat: Chat
) -> None:
    chat.say("send it back")
    installation.orders("broken")
    assert chat.say("too small") == [CONNECTED]
    give_back(chat)
    # Not what follows a completed form.
    assert chat.say("tell me a joke") == [REPHRASE]
    assert chat.say("hello") == [GREETING]


def test_nor_where_somebody_else_paused_before_listening(chat: Chat) -> None:
    chat.say("hello")
    post(chat, {"event": "action", "name": "utter_greet"})
    post(chat, {"event": "pause"})
    post(chat, {"event": "action", "name": "action_listen"})
    give_back(chat)
    assert chat.say("tell me a joke") == [REPHRASE]
    assert chat.tracker()["paused"] is False


async def test_a_conversation_that_nobody_began(chat: Chat) -> None:
    with pytest.raises(UnknownConversation, match="no conversation 'nobody'"):
        await resume("nobody", rasa_url=chat.rasa)


def test_the_command(chat: Chat) -> None:
    chat.say("a human please")
    for said in (f"The bot has conversation {chat.sender} back.\n", f"Conversation {chat.sender} is not paused.\n"):
        result = CliRunner().invoke(main, ["resume", chat.sender], env={"RASA_URL": chat.rasa})
        assert (result.exit_code, result.stdout, result.stderr) == (0, said, "")
    assert chat.say("hello") == [GREETING]
    unknown = CliRunner().invoke(main, ["resume", "nobody", "--rasa-url", chat.rasa])
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "Rasa has no conversation 'nobody'. Pass the id" in unknown.stderr
