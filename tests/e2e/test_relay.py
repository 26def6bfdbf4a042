"""Users and agents talk with each other through Haptik and Rasa: real Rasa, in two processes on one Redis.

The agent acts at the sandbox. After them the bot goes on where it was: with rules, a form, a trained policy, and Rasa's
own fallback.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import redis

from haptik_actions.rasa_api import resume
from haptik_actions.relay import RelayStore

from .bot import PATIENCE_SECONDS
from .relay_chats import CONNECTED, COPY, ENDED, GREETING, HERE, NOT_UNDERSTOOD, QUESTION, goes_on, hand_over, is_said
from .relay_stack import Relayed
from .relay_users import CallbackUser, RestUser, User, socket_user

WELCOME_BACK = "You are talking to the bot again."
OLD_SECONDS = 2 * 3600


@pytest.fixture(params=["callback", "socketio"])
async def user(request: pytest.FixtureRequest, relayed: Relayed) -> AsyncIterator[User]:
    if request.param == "callback":
        yield relayed.callbacks.user(relayed.rasa)
        return
    async with socket_user(relayed.rasa) as user:
        yield user


async def test_an_agent_talks_with_a_user_and_gives_them_back(relayed: Relayed, user: User) -> None:
    desk = relayed.desk
    name = await hand_over(relayed, user)
    opening = (await relayed.has_read(user, 1))[0]
    assert "action_report" in opening
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
    assert (await user.said())[2:10] == [
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
    await is_said(user, ("agent", "How can I help?"))
    user.reads_no_more()
    await user.say("a new parcel, please")
    await user.reads(HERE, "Good morning", "How can I help?")
    assert (await relayed.has_read(user, 2))[1] == "a new parcel, please"

    await relayed.desk.complete(name)
    await is_said(user, ("bot", ENDED))
    await user.say("qwertz")
    await user.reads(ENDED, NOT_UNDERSTOOD)
    await goes_on(user)


async def test_a_client_of_rest_asks_for_what_waits(relayed: Relayed) -> None:
    user = RestUser(rasa=relayed.rasa)
    name = await hand_over(relayed, user)
    await relayed.desk.claim(name)
    await relayed.desk.write(name, "Good morning")
    await is_said(user, ("agent", "Good morning"))
    store = RelayStore.from_url(relayed.redis.url)
    link = await store.find("rest", user.sender)
    await store.aclose()
    assert link is not None
    url = f"{relayed.second.url}/webhooks/haptik/inbox/{link.id}"
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
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
    await caller.say("hello")
    await caller.reads(GREETING)
    assert [event["event"] for event in (await caller.tracker())["events"]].count("session_started") == 1
    await goes_on(caller)


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


async def test_a_user_restarts_while_an_agent_has_the_chat(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    await caller.say("/restart")
    await caller.reads(COPY["haptik_relay_went_back"])
    await goes_on(caller)
    assert (await relayed.has_read(caller, 2))[1] == COPY["haptik_relay_user_left"]


async def test_a_conversation_is_given_back_by_hand(relayed: Relayed, caller: CallbackUser) -> None:
    name = await hand_over(relayed, caller)
    await relayed.desk.claim(name)
    await caller.reads(HERE)
    assert await resume(caller.sender, rasa_url=caller.rasa)
    await caller.say("hello")
    words = [(await caller.next())["text"] for _ in range(2)]
    assert sorted(words) == sorted([GREETING, COPY["haptik_relay_went_back"]])
    await goes_on(caller)
    assert (await relayed.has_read(caller, 2))[1] == COPY["haptik_relay_user_left"]


async def test_a_user_of_rest_reads_that_they_are_back(relayed: Relayed) -> None:
    user = RestUser(rasa=relayed.rasa)
    await hand_over(relayed, user)
    await user.say(COPY["haptik_relay_back"])
    await is_said(user, ("bot", COPY["haptik_relay_went_back"]))
    # As a rule with that answer; on a machine that is busy, with the next.
    await user.say("hello")
    await user.reads(COPY["haptik_relay_went_back"], GREETING)
    await goes_on(user)


@pytest.mark.parametrize("channel", ["callback", "rest"])
async def test_the_bot_goes_on_with_what_the_domain_says(relayed: Relayed, channel: str) -> None:
    user = relayed.callbacks.user(relayed.rasa) if channel == "callback" else RestUser(rasa=relayed.rasa)
    name = await hand_over(relayed, user)
    store = RelayStore.from_url(relayed.redis.url)
    await store.update(relayed.link(user), after_agent={"trigger": "agent_done", "reset": "none"})
    await store.aclose()
    await relayed.desk.claim(name)
    await relayed.desk.complete(name)
    await is_said(user, ("bot", WELCOME_BACK))
    if channel == "callback":
        await user.reads(HERE, ENDED, WELCOME_BACK)
    else:
        await user.say("hello")
        await user.reads(HERE, ENDED, WELCOME_BACK, GREETING)
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
