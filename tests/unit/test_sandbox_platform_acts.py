"""What agents send besides text, and what the platform does by itself: sentences, endings, returning users."""

from __future__ import annotations

from typing import Any

import pytest

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox, Webhook
from tests.support.webhook import URL, Receiver, client_of, hand_over, sandbox_with

ASHA = ("asha", 1201)
FORM = {"user_name": "asha", "business_id": "1201"}
BUTTON = {"text": "Which?", "type": "BUTTON", "data": {"items": [{"actionable_text": "This", "type": "TEXT_ONLY"}]}}


def with_habits(**habits: Any) -> Sandbox:
    mapping: dict[str, Any] = {
        "partners": [{"client_id": "demo-client", "token": "demo-token"}],
        "businesses": [{"id": 1201, "name": "Shop"}],
        "teams": [{"name": "orders"}],
        "users": [{"user_name": "asha", "businesses": [1201]}, {"user_name": "ben", "businesses": [1201]}],
        "agents": [{"name": "Priya", "teams": ["orders"]}, {"name": "Meera", "teams": ["orders"]}],
        "webhook": {"url": URL},
        "habits": habits,
    }
    return Sandbox.from_mapping(mapping, clock=lambda: 100.0, webhook_transport=Receiver())


def said(sandbox: Sandbox) -> list[str]:
    return [event.body["message"]["body"]["text"] for event in sandbox.events() if event.name == "message"]


async def test_an_agent_sends_elements() -> None:
    sandbox = sandbox_with(Receiver())
    await hand_over(sandbox)
    sandbox.claim(*ASHA, agent="Priya")
    sandbox.answer(*ASHA, BUTTON)
    async with client_of(sandbox) as client:
        answer = await client.post(
            "/_sandbox/answer", json={"user_name": "asha", "business_id": 1201, "text": {**BUTTON, "text": "Or?"}}
        )
    assert answer.json()["body"]["text"] == "Or?"
    bodies = [event.body for event in sandbox.events() if event.name == "message"]
    assert bodies[0]["message"]["body"] == BUTTON
    assert [body["agent"]["name"] for body in bodies] == ["Priya", "Priya"]


COMPOSED: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"text": "Sure?", "replies": "Yes | No|"}, {"type": "TEXT", "labels": ["Yes", "No"]}),
    (
        {"text": "Do", "buttons": "Call me | Track it https://a.example/1"},
        {"type": "BUTTON", "labels": ["Call me", "Track it"]},
    ),
    ({"text": "", "image": "https://a.example/1.png"}, {"type": "CAROUSEL", "labels": []}),
    (
        {"text": "See", "cards": "A | b | https://a.example/1.png | Take it\r\nB"},
        {"type": "CAROUSEL", "labels": ["Take it"]},
    ),
    ({"text": "", "hsl": '{"text": "x", "type": "TEXT", "data": {}}'}, {"type": "TEXT", "labels": []}),
]


def labels(body: Any) -> list[str]:
    if isinstance(body, dict):
        own = [body["actionable_text"]] if "actionable_text" in body else []
        return own + [label for value in body.values() for label in labels(value)]
    return [label for item in body for label in labels(item)] if isinstance(body, list) else []


@pytest.mark.parametrize(("fields", "expected"), COMPOSED)
async def test_the_page_composes_elements(fields: dict[str, str], expected: dict[str, Any]) -> None:
    sandbox = Sandbox()
    await hand_over(sandbox)
    sandbox.claim(*ASHA, agent="Priya")
    async with client_of(sandbox) as client:
        answer = await client.post("/_sandbox/page/answer", data={**FORM, **fields})
        assert answer.status_code == 303, answer.text
        page = await client.get("/?user_name=asha&business_id=1201")
    body = sandbox.messages("asha", 1201, 7)[-1].body
    assert (body["type"], labels(body)) == (expected["type"], expected["labels"])
    assert all(label in page.text for label in expected["labels"])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"text": "a", "replies": "Yes", "image": "https://a.example/1.png"}, "replies and image do not fit"),
        ({"replies": "Yes"}, "quick replies need a text"),
        ({"buttons": "Yes"}, "buttons need a text"),
        ({"image": "javascript:alert(1)"}, "is no address of an image"),
        ({"cards": "a | b | file:///etc"}, "is no address of an image"),
        ({"hsl": "{"}, "is not an element as JSON"),
        ({"hsl": "[]"}, "is not an element as JSON"),
        ({"hsl": "[" * 100_000}, "is not an element as JSON"),
        ({"hsl": "{}", "text": "a"}, "Leave the text above it empty"),
        ({}, "says nothing"),
    ],
)
async def test_what_cannot_be_composed_is_said(fields: dict[str, str], problem: str) -> None:
    sandbox = Sandbox()
    await hand_over(sandbox)
    sandbox.claim(*ASHA, agent="Priya")
    before = sandbox.messages("asha", 1201, 7)
    async with client_of(sandbox) as client:
        answer = await client.post("/_sandbox/page/answer", data={**FORM, **fields})
    assert (answer.status_code, problem in answer.text) == (409, True)
    assert sandbox.messages("asha", 1201, 7) == before


@pytest.mark.parametrize("sentence", ["queue_position", "delay", "team_offline", "recall"])
async def test_an_automatic_sentence_is_an_event_of_an_automated_agent(sentence: Any) -> None:
    sandbox = sandbox_with(Receiver())
    await hand_over(sandbox, "ben")
    await hand_over(sandbox)
    message = sandbox.announce(*ASHA, sentence)
    async with client_of(sandbox) as client:
        order = {"user_name": "asha", "business_id": 1201, "sentence": sentence, "words": "Own words"}
        assert (await client.post("/_sandbox/announce", json=order)).json()["body"]["text"] == "Own words"
    body = sandbox.events()[0].body
    assert (body["event_name"], body["agent"]["is_automated"], body["message"]["id"]) == ("message", True, message.id)
    assert message.body["text"]
    assert ("2" in message.body["text"]) is (sentence == "queue_position")


ENDINGS = [
    ("nobody_came", "pending", "autocomplete", "Team Offline Flag"),
    ("waiting_for_user", "assigned", "autocomplete", "Waiting for User"),
    ("bot_completed", "bot", "gogo", "Bot completed"),
]


@pytest.mark.parametrize(("ending", "state", "kind", "by"), ENDINGS)
async def test_the_platform_completes_a_chat(ending: Any, state: str, kind: str, by: str) -> None:
    sandbox = sandbox_with(Receiver())
    if state != "bot":
        await hand_over(sandbox)
    if state == "assigned":
        sandbox.claim(*ASHA, agent="Priya")
    assert sandbox.end_chat(*ASHA, ending).state == "complete"
    deprecated, complete = sandbox.events()[-2:]
    assert deprecated.name == "chat_complete"
    assert (complete.body["data"]["completion_type"], complete.body["data"]["completion_by"]) == (kind, by)
    assert complete.body["agent"]["is_automated"]


@pytest.mark.parametrize("ending", [row[0] for row in ENDINGS])
async def test_a_complete_chat_is_not_completed_again(ending: Any) -> None:
    sandbox = sandbox_with(Receiver())
    sandbox.end_chat(*ASHA, "bot_completed")
    before = sandbox.events()
    with pytest.raises(ConfigurationError, match="is complete"):
        sandbox.end_chat(*ASHA, ending)
    with pytest.raises(ConfigurationError, match="is complete"):
        sandbox.announce(*ASHA, "delay")
    async with client_of(sandbox) as client:
        body = {"user_name": "asha", "business_id": 1201, "ending": ending}
        assert (await client.post("/_sandbox/end", json=body)).status_code == 409
        assert (await client.post("/_sandbox/page/end", data={**FORM, "ending": "agent"})).status_code == 409
        assert (await client.post("/_sandbox/page/announce", data={**FORM, "sentence": "x"})).status_code == 409
    assert sandbox.events() == before


async def test_pending_chats_are_completed_when_the_last_agent_of_the_team_goes() -> None:
    sandbox = sandbox_with(Receiver())
    await hand_over(sandbox, "asha", "orders")
    await hand_over(sandbox, "ben", "support")
    sandbox.set_online("Priya", False)
    # Meera is still there for support.
    states = {chat.user_name: chat.state for chat in sandbox.chats()}
    assert (states["asha"], states["ben"]) == ("complete", "pending")
    data = sandbox.events()[-1].body["data"]
    assert (data["completion_type"], data["completion_by"]) == ("autocomplete", "Team Offline Flag")
    sandbox.set_online("Priya", False)
    assert len(sandbox.events()) == 2


async def test_the_page_names_the_agent_who_had_the_user_last_first() -> None:
    sandbox = Sandbox()
    await hand_over(sandbox, "asha", "support")
    sandbox.claim(*ASHA, agent="Meera")
    sandbox.complete(*ASHA)
    await hand_over(sandbox, "asha", "support")
    async with client_of(sandbox) as client:
        page = (await client.get("/?user_name=asha&business_id=1201")).text
    assert "Meera had this user last." in page
    assert page.index(">Meera</option>") < page.index(">Priya</option>")


async def test_a_returning_user_goes_to_the_agent_who_had_them_last() -> None:
    sandbox = with_habits(to_last_agent=True)
    await hand_over(sandbox)
    sandbox.claim(*ASHA, agent="Meera")
    sandbox.complete(*ASHA)
    await hand_over(sandbox)
    assert next((chat.state, chat.agent) for chat in sandbox.chats()) == ("assigned", "Meera")
    assert sandbox.events()[-1].name == "chat_pinned"
    sandbox.complete(*ASHA)
    sandbox.set_online("Meera", False)
    await hand_over(sandbox)
    assert sandbox.queue()[0].state == "pending"


async def test_sentences_are_told_once_when_their_time_has_come() -> None:
    sandbox = with_habits(sentences=True, delay_after=30)
    await hand_over(sandbox, "ben")
    await hand_over(sandbox)
    for _ in range(3):
        sandbox.advance(20)
    assert [text.partition(".")[0] for text in said(sandbox)] == [
        "You are number 1 in the queue",
        "You are number 2 in the queue",
        "Our agents need longer than usual",
        "Our agents need longer than usual",
    ]


async def test_who_comes_to_an_empty_team_is_told_so() -> None:
    sandbox = with_habits(sentences=True)
    sandbox.set_online("Priya", False)
    sandbox.set_online("Meera", False)
    await hand_over(sandbox)
    assert said(sandbox)[0].startswith("Nobody of our team is here")


async def test_waiting_and_idle_chats_are_completed_after_their_time() -> None:
    sandbox = with_habits(nobody_after=60, idle_after=300)
    await hand_over(sandbox, "ben")
    await hand_over(sandbox)
    sandbox.claim(*ASHA, agent="Priya")
    sandbox.advance(300)
    assert {chat.user_name: chat.state for chat in sandbox.chats()} == {"asha": "assigned", "ben": "complete"}
    sandbox.answer(*ASHA, "Which order?")
    sandbox.advance(299)
    sandbox.say("asha", 1201, "1942")
    sandbox.advance(299)
    assert sandbox.chats()[0].state == "assigned"
    sandbox.answer(*ASHA, "Thanks")
    sandbox.advance(300)
    ended = [event.body["data"]["completion_by"] for event in sandbox.events() if event.name.startswith("webhook_")]
    assert ended == ["Team Offline Flag", "Waiting for User"]
    sandbox.reset()
    assert sandbox.webhook == Webhook(url=URL)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"habits": {"sentence": True}}, "habits: unknown key 'sentence'. Did you mean 'sentences'"),
        ({"habits": {"delay_after": 0}}, "habits.delay_after: "),
        ({"habits": []}, "habits: "),
        ({"default_team": "night"}, "default_team: no active team has the name 'night'"),
        ({"default_team": 7}, "default_team: "),
        ({"nodes": [{"name": "a", "url": "https://shop.example/"}]}, "nodes[0]: url: "),
        ({"nodes": [{"name": "a", "url": URL}, {"name": "a", "url": URL}]}, "nodes[1].name: 'a' stands twice"),
        ({"nodes": [{"url": URL}]}, "Write an entry of nodes as - "),
        ({"users": [{"user_name": "a", "auth_id": "x"}, {"user_name": "b", "auth_id": "x"}]}, "users[1].auth_id: 'x'"),
        ({"users": [{"user_name": "a", "auth_id": "not so"}]}, "users[0].auth_id: "),
        ({"users": [{"user_name": "a", "device_platform": 1}]}, "users[0].device_platform: "),
    ],
)
def test_a_state_that_does_not_fit_names_the_value(changes: dict[str, Any], problem: str) -> None:
    mapping = {"partners": [{"client_id": "a", "token": "b"}], **changes}
    with pytest.raises(ConfigurationError) as caught:
        Sandbox.from_mapping(mapping)
    assert problem in str(caught.value)
