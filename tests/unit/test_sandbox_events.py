"""The sandbox's events: their bodies, held against the documented samples, their signature, and where they are seen."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.sandbox import Sandbox, Webhook, sign
from tests.support.webhook import SECRET, URL, Receiver, client_of, sandbox_with, whole_run

FIXTURES = Path(__file__).parents[1] / "fixtures" / "haptik-events"


def sample(number: int) -> Any:
    return json.loads((FIXTURES / f"webhook-payload-{number}.json").read_text("utf-8"))


def shape(value: Any) -> Any:
    """Names and nesting; lists and what the sandbox leaves empty are not looked into."""
    return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else None


FREE = ("follow_up_details", "conversation_details", "user_details")


def documented(number: int) -> Any:
    body = sample(number)
    for part in (body, body.get("data", {})):
        part.update({name: {} for name in FREE if name in part})
    return shape(body)


async def test_a_run_sends_the_documented_events_in_their_order() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    await whole_run(sandbox)
    tried = await sandbox.deliver_events()
    assert receiver.names == ["chat_pinned", "message", "chat_complete", "webhook_conversation_complete"]
    assert [event.name for event in tried] == receiver.names
    assert {event.state for event in sandbox.events()} == {"delivered"}
    assert tried == sandbox.events()
    assert await sandbox.deliver_events() == []


async def test_each_body_has_the_keys_of_the_documented_sample() -> None:
    sandbox = sandbox_with(Receiver())
    await whole_run(sandbox)
    pinned, message, complete, conversation_complete = (shape(event.body) for event in sandbox.events())
    assert message == documented(1)
    assert pinned == documented(2)
    assert complete == documented(3)
    assert conversation_complete == documented(4)


async def test_values_come_from_the_chat_the_agent_and_the_state() -> None:
    sandbox = sandbox_with(Receiver())
    await whole_run(sandbox)
    pinned, message, complete, conversation_complete = (event.body for event in sandbox.events())
    user = {"user_name": "asha", "user_id": 1, "auth_id": "auth-1", "device_platform": 5, "device_platform_name": "Web"}
    for body in (pinned, message, complete, conversation_complete):
        assert (body["version"], body["business_id"], body["business_name"]) == ("1.0", 1201, "Demo shop")
        assert user.items() <= body["user"].items()
        assert body["timestamp"].endswith("Z")
        assert len(body["timestamp"]) == len(sample(1)["timestamp"])
    priya = {"id": 101, "name": "Priya", "profile_image": "", "is_automated": False, "email": None}
    assert pinned["agent"] == message["agent"] == priya
    assert complete["agent"] == conversation_complete["agent"]
    assert conversation_complete["agent"]["is_automated"]
    assert pinned["message"]["body"]["data"]["payload"] == {
        "profile_image": "",
        "agent_name": "Priya",
        "team_name": "orders",
    }
    assert message["message"]["body"] == {"text": "Hello", "type": "TEXT", "data": {"quick_replies": []}}
    assert complete["message"]["body"] == sample(3)["message"]["body"]
    data = conversation_complete["data"]
    assert (data["conversation_no"], data["completion_type"], data["completion_by"]) == (7, "agent", "Priya")
    assert data["closing_categories"] == {"reason": "late", "subReason": "courier", "comment": "sorry"}
    ids = [body["message"]["id"] for body in (pinned, message, complete)]
    assert ids == sorted(set(ids))


async def test_the_webhook_hears_the_bot_and_the_agents_but_not_the_user() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    hsl = {"text": "Which one?", "type": "BUTTON", "data": {"items": []}, "own": [1, {"a": None}]}
    sandbox.say("asha", 1201, "Hello")
    said = sandbox.say("asha", 1201, hsl, sender="bot")
    sandbox.say("asha", 1201, "Hi", sender="agent", agent_name="Somebody")
    await sandbox.deliver_events()
    assert receiver.bodies[0]["message"] == {"id": said.id, "body": hsl}
    assert [body["agent"]["is_automated"] for body in receiver.bodies] == [True, False]
    assert [body["agent"]["name"] for body in receiver.bodies] == ["gogo", "Somebody"]


def test_the_signature_is_hmac_sha1() -> None:
    # RFC 2202, test case 2.
    assert sign("Jefe", b"what do ya want for nothing?") == "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"


@given(st.text(min_size=1), st.binary())
def test_any_secret_and_body_can_be_signed(secret: str, body: bytes) -> None:
    try:
        key = secret.encode()
    except UnicodeEncodeError:
        return
    assert sign(secret, body) == f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}"


async def test_the_bytes_that_are_sent_are_signed() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    sandbox.say("asha", 1201, "नमस्ते €", sender="bot")
    await sandbox.deliver_events()
    (request,) = receiver.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-hub-signature"] == sign(SECRET, request.content)
    assert receiver.bodies[0]["message"]["body"]["text"] == "नमस्ते €"


async def test_without_a_secret_nothing_is_signed() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver, secret=None)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    await sandbox.deliver_events()
    assert "x-hub-signature" not in receiver.requests[0].headers


async def test_without_a_webhook_events_are_kept_and_not_sent() -> None:
    receiver = Receiver()
    sandbox = Sandbox(clock=lambda: 100.0, webhook_transport=receiver)
    await whole_run(sandbox)
    assert await sandbox.deliver_events() == []
    assert [event.state for event in sandbox.events()] == ["unsent"] * 4
    sandbox.webhook = Webhook(url=URL)
    assert await sandbox.deliver_events() == []


async def test_reset_forgets_events_and_returns_to_the_seeded_webhook() -> None:
    mapping = {"partners": [{"client_id": "a", "token": "b"}], "webhook": {"url": URL, "secret": SECRET}}
    sandbox = Sandbox.from_mapping(mapping)
    assert sandbox.webhook == Webhook(url=URL, secret=SECRET)
    sandbox.webhook = None
    sandbox.reset()
    assert sandbox.webhook == Webhook(url=URL, secret=SECRET)
    assert sandbox.events() == []


async def test_only_the_newest_thousand_events_are_kept() -> None:
    sandbox = sandbox_with(Receiver())
    for number in range(1_001):
        sandbox.say("asha", 1201, str(number), sender="bot")
    events = sandbox.events()
    assert (len(events), events[0].body["message"]["body"]["text"]) == (1_000, "1")


async def test_the_control_plane_shows_events_and_sets_the_webhook() -> None:
    receiver = Receiver(500)
    sandbox = Sandbox(clock=lambda: 100.0, webhook_transport=receiver)
    async with client_of(sandbox) as client:
        assert (await client.get("/_sandbox/webhook")).json() is None
        shown = {"url": URL, "enabled": True}
        assert (await client.post("/_sandbox/webhook", json={"url": URL, "secret": SECRET})).json() == shown
        assert (await client.get("/_sandbox/state")).json()["webhook"] == shown
        said = sandbox.say("asha", 1201, "Hello", sender="bot")
        await sandbox.deliver_events()
        (event,) = (await client.get("/_sandbox/events")).json()
        assert event.pop("body")["message"] == {"id": said.id, "body": said.body}
        assert event == {
            "id": 1,
            "name": "message",
            "user_name": "asha",
            "business_id": 1201,
            "at": 100.0,
            "state": "waiting",
            "tries": [{"at": 100.0, "status": 500, "problem": "answered 500"}],
            "next_try_at": 105.0,
            "dropped_at": None,
        }
        for seconds in (5, 25, 125, 625, 1_410, 1_410):
            sandbox.advance(seconds)
            await sandbox.deliver_events()
        assert (await client.get("/_sandbox/webhook")).json() == {"url": URL, "enabled": False}
        assert (await client.post("/_sandbox/webhook/enable")).json() == shown
        assert (await client.delete("/_sandbox/webhook")).json() is None
        assert sandbox.webhook is None


async def test_the_secret_is_shown_nowhere() -> None:
    sandbox = sandbox_with(Receiver())
    await whole_run(sandbox)
    await sandbox.deliver_events()
    async with client_of(sandbox) as client:
        paths = ["/", *(f"/_sandbox/{name}" for name in ("live", "state", "events", "webhook", "journal"))]
        seen = [(await client.get(path)).text for path in paths]
    assert "webhooks/haptik" in seen[0]
    assert not any(SECRET in text for text in [*seen, repr(sandbox.webhook), repr(sandbox.events())])
