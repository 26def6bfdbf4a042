"""A user's chat from a failing action to an agent and back, over Rasa's REST channel."""

from __future__ import annotations

import time

import pytest

from haptik_actions.messages import packaged_copy

from .bot import ACTIVE_BUSINESS, Chat, Installation

COPY = packaged_copy()
COUNTDOWN_SECONDS = 5
DELIVERY_SECONDS = 60.0
GREETING = "Hello! Ask me about an order, for example: where is order 1001"

pytestmark = pytest.mark.usefixtures("no_turn_is_lost")


@pytest.fixture
def chat(installation: Installation) -> Chat:
    return Chat(rasa=installation.rasa.url, metadata={"user_name": "asha", "business_id": ACTIVE_BUSINESS})


def test_an_integration_that_works_answers_itself(installation: Installation, chat: Chat) -> None:
    assert chat.say("where is order 1001") == ["Order 1001 is on its way."]
    assert chat.say("say that again") == ["Order 1001 is on its way."]
    assert chat.tracker()["slots"]["haptik_handoff"] is None
    assert installation.queue() == []


def test_a_failing_action_hands_the_chat_to_an_agent_until_the_agent_is_done(
    installation: Installation, chat: Chat
) -> None:
    installation.orders("broken")
    assert chat.say("where is order 1001") == [COPY["haptik_handoff_connected"]]
    assert chat.tracker()["paused"] is True
    assert receipt(chat) == ("connected", "orders", "action_order_status", "HTTPStatusError")

    # The platform counts down, then the chat waits for an agent of the team.
    assert installation.queue() == [("orders", "asha", "counting_down")]
    installation.wait_in_sandbox(COUNTDOWN_SECONDS)
    assert installation.queue() == [("orders", "asha", "pending")]
    assert chat.say("hello?") == []

    installation.orders("working")
    chat.resume()
    assert chat.trigger("agent_closed_chat") == ["What else can I do for you?"]
    assert chat.say("where is order 1002") == ["Order 1002 is being packed."]
    assert chat.actions().count("action_order_status") == 2
    assert installation.queue() == [("orders", "asha", "pending")]


def test_a_user_who_asks_for_a_person_gets_one(installation: Installation, chat: Chat) -> None:
    assert chat.say("I want to talk to a person") == [COPY["haptik_request_connected"]]
    assert receipt(chat) == ("connected", "support", "action_haptik_handoff", None)
    assert installation.queue() == [("support", "asha", "counting_down")]


def test_a_resumed_conversation_does_not_repeat_the_hand_off(installation: Installation, chat: Chat) -> None:
    installation.orders("broken")
    assert chat.say("where is order 1001") == [COPY["haptik_handoff_connected"]]
    first = chat.tracker()["slots"]["haptik_handoff"]

    chat.resume()
    assert chat.say("hello") == [GREETING]
    assert chat.tracker()["slots"]["haptik_handoff"] == first
    assert chat.actions().count("action_order_status") == 1


def test_a_user_who_restarts_while_the_agent_is_awaited_gets_the_bot_back(
    installation: Installation, chat: Chat
) -> None:
    installation.orders("broken")
    assert chat.say("where is order 1001") == [COPY["haptik_handoff_connected"]]

    assert chat.say("/restart") == []
    assert chat.tracker()["paused"] is False
    assert chat.say("hello") == [GREETING]
    # Rasa shows what happened since the restart.
    assert chat.actions() == ["action_session_start", "action_listen", "utter_greet", "action_listen"]


def test_a_service_that_does_not_answer_in_time_is_a_failure(installation: Installation, chat: Chat) -> None:
    installation.orders("slow")
    assert chat.say("where is order 1001") == [COPY["haptik_handoff_connected"]]
    assert receipt(chat) == ("connected", "orders", "action_order_status", "ReadTimeout")


def test_the_steps_after_the_failed_action_are_not_taken(installation: Installation, chat: Chat) -> None:
    installation.orders("broken")
    assert chat.say("cancel order 1001") == [COPY["haptik_handoff_connected"]]
    assert receipt(chat) == ("connected", "orders", "action_cancel_order", "HTTPStatusError")

    chat.resume()
    assert chat.say("hello") == [GREETING]
    assert "utter_anything_else" not in chat.actions()


def test_an_outage_of_haptik_delays_the_hand_off_and_leaves_the_bot_talking(
    installation: Installation, chat: Chat
) -> None:
    installation.orders("broken")
    installation.haptik(up=False)
    assert chat.say("where is order 1001") == [COPY["haptik_handoff_delayed"]]
    assert chat.tracker()["paused"] is False
    assert receipt(chat) == ("delayed", "orders", "action_order_status", "HTTPStatusError")

    installation.orders("working")
    assert chat.say("where is order 1002") == ["Order 1002 is being packed."]
    assert chat.actions().count("action_order_status") == 2
    assert installation.queue() == []

    installation.haptik(up=True)
    assert wait_for_queue(installation) == [("orders", "asha", "counting_down")]


def test_a_user_whom_haptik_does_not_know_still_gets_an_answer(installation: Installation) -> None:
    stranger = Chat(rasa=installation.rasa.url)
    installation.orders("broken")
    assert stranger.say("where is order 1001") == [COPY["haptik_handoff_unavailable"]]
    assert stranger.tracker()["paused"] is False
    assert receipt(stranger)[0] == "unavailable"
    assert installation.queue() == []

    installation.orders("working")
    assert stranger.say("where is order 1001") == ["Order 1001 is on its way."]


def receipt(chat: Chat) -> tuple[str, str | None, str, str | None]:
    slot = chat.tracker()["slots"]["haptik_handoff"]
    return slot["state"], slot["team"], slot["action"], slot["error"]


def wait_for_queue(installation: Installation) -> list[tuple[str, str, str]]:
    """The sandbox's queue once there is something in it; the action server tries again in pauses that grow."""
    give_up = time.monotonic() + DELIVERY_SECONDS
    while not installation.queue() and time.monotonic() < give_up:
        time.sleep(0.2)
    return installation.queue()
