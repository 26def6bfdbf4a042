"""The platform's event that a chat is complete, signed and sent by the sandbox."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
import redis.asyncio

from haptik_actions._redis import connect
from haptik_actions.errors import ConfigurationError, UnknownConversation
from haptik_actions.escalation import (
    CompletedChat,
    CompletedChats,
    HandOff,
    MemoryOutbox,
    Outbox,
    RedisOutbox,
    ResilientOutbox,
    Terms,
)
from haptik_actions.relay import Link
from haptik_actions.sandbox import Sandbox, Webhook
from tests.support.patience import SECONDS, relay_store
from tests.support.ports import free_port
from tests.support.webhook import SECRET, URL, whole_run

ASHA = HandOff(id="id-asha", user_name="asha", business_id=1201, teams=("orders",))


@pytest.fixture(params=["memory", "redis", "resilient"])
async def outbox(
    request: pytest.FixtureRequest, valkey_url: str, redis_client: redis.asyncio.Redis
) -> AsyncIterator[Outbox]:
    shared = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    resilient = ResilientOutbox(shared, patience=SECONDS)
    kinds: dict[str, Outbox] = {"memory": MemoryOutbox(), "redis": shared, "resilient": resilient}
    yield kinds[request.param]
    await shared.aclose()


async def completes(app: CompletedChats) -> None:
    """Let the sandbox hand a chat over, complete it, and send its events to the application."""
    sandbox = Sandbox(webhook_transport=httpx.ASGITransport(app=app))
    sandbox.webhook = Webhook(url=URL, secret=SECRET)
    await whole_run(sandbox)
    await sandbox.deliver_events()


async def state(outbox: Outbox) -> str:
    return (await outbox.open(msgspec.structs.replace(ASHA, id="next"), Terms())).state


async def test_a_complete_chat_ends_the_episode_and_the_conversation_is_given_back(outbox: Outbox) -> None:
    given_back: list[CompletedChat] = []

    async def give_back(chat: CompletedChat) -> None:
        given_back.append(chat)

    await outbox.open(ASHA, Terms())
    await outbox.confirm(ASHA, episode=3600)
    assert await state(outbox) == "duplicate"
    await completes(CompletedChats(outbox, secret=SECRET, on_complete=give_back))
    assert {(chat.user_name, chat.business_id) for chat in given_back} == {("asha", 1201)}
    assert any(chat.conversation_no is not None for chat in given_back)
    assert await state(outbox) == "go"


def event(**changes: Any) -> dict[str, Any]:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 60))
    user = {"user_name": "asha"}
    name = "webhook_conversation_complete"
    return {"event_name": name, "timestamp": stamp, "user": user, "business_id": 1201, **changes}


async def post(app: CompletedChats, body: bytes, signature: str | None = None, method: str = "POST") -> int:
    signed = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    headers = {"X-Hub-Signature": signed if signature is None else signature}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        return (await client.request(method, "/", content=body, headers=headers)).status_code


async def test_an_event_of_an_earlier_chat_does_not_end_the_running_episode(outbox: Outbox) -> None:
    called: list[CompletedChat] = []

    async def give_back(chat: CompletedChat) -> None:
        called.append(chat)

    await outbox.open(ASHA, Terms())
    app = CompletedChats(outbox, secret=SECRET, on_complete=give_back)
    late = json.dumps(event(timestamp="2019-07-03T11:42:44.077Z")).encode()
    assert await post(app, late) == 200
    assert (await state(outbox), called) == ("duplicate", [])


@pytest.mark.parametrize("signature", ["", "sha1=", "sha1=00", "sha256=abc", "é"])
async def test_what_is_not_signed_is_refused(signature: str) -> None:
    outbox = MemoryOutbox()
    await outbox.open(ASHA, Terms())
    app = CompletedChats(outbox, secret=SECRET)
    assert await app.take(json.dumps(event()).encode(), signature) == 401
    assert await state(outbox) == "duplicate"


DEEP = b"[" * 100_000 + b"]" * 100_000
NO_EVENTS = [b"", b"{", b"[]", b"5", DEEP]


@pytest.mark.parametrize("body", NO_EVENTS, ids=range(len(NO_EVENTS)))
async def test_what_is_no_event_is_refused(body: bytes) -> None:
    assert await post(CompletedChats(MemoryOutbox(), secret=SECRET), body) == 400


ODD: list[dict[str, Any]] = [
    *({"user": None}, {"user": []}, {"user": {}}, {"business_id": None}, {"business_id": "x"}, {"timestamp": "soon"}),
    *({"user": {"auth_id": "r1"}}, {"user": {"user_name": 5}}, {"data": []}, {"timestamp": None}, {"data": {"a": {}}}),
]


@pytest.mark.parametrize("change", ODD, ids=map(str, ODD))
async def test_an_event_of_another_shape_is_taken(change: dict[str, Any]) -> None:
    assert await post(CompletedChats(MemoryOutbox(), secret=SECRET), json.dumps(event(**change)).encode()) == 200


async def test_a_user_is_named_by_auth_id_alone_in_events_of_an_older_page() -> None:
    outbox, called = MemoryOutbox(), list[CompletedChat]()

    async def give_back(chat: CompletedChat) -> None:
        called.append(chat)

    chat = msgspec.structs.replace(ASHA, user_name="r1")
    await outbox.open(chat, Terms())
    app = CompletedChats(outbox, secret=SECRET, on_complete=give_back)
    assert await post(app, json.dumps(event(user={"auth_id": "r1"})).encode()) == 200
    assert [(each.user_name, each.auth_id) for each in called] == [("", "r1")]
    assert (await outbox.open(msgspec.structs.replace(chat, id="next"), Terms())).state == "go"


async def test_the_conversation_of_a_chat_is_told_and_its_link_is_closed(
    valkey_url: str, redis_client: redis.asyncio.Redis
) -> None:
    called: list[CompletedChat] = []

    async def give_back(chat: CompletedChat) -> None:
        called.append(chat)

    links = relay_store(valkey_url)
    link = Link.of("socketio", "s1", 1201, receipt="id-1", opened_at=time.time())
    await links.prepare(link)
    await links.asked(link.id, "id-1", paused=True)
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    app = CompletedChats(outbox, secret=SECRET, on_complete=give_back, links=links)
    body = json.dumps(event(user={"auth_id": link.id, "user_name": "8f3a"})).encode()
    assert await post(app, body) == 200
    assert [(chat.sender_id, chat.user_name) for chat in called] == [("s1", "8f3a")]
    closed = await links.find("socketio", "s1")
    assert closed is not None
    assert (closed.state, closed.holds) == ("ended", False)
    await links.aclose()
    await outbox.aclose()


async def test_a_conversation_that_rasa_does_not_know_is_no_failure() -> None:
    async def give_back(chat: CompletedChat) -> None:
        raise UnknownConversation("Rasa has no conversation 'asha'.", status=200)

    app = CompletedChats(MemoryOutbox(), secret=SECRET, on_complete=give_back)
    assert await post(app, json.dumps(event()).encode()) == 200


async def test_other_events_and_calls_do_nothing() -> None:
    outbox = MemoryOutbox()
    await outbox.open(ASHA, Terms())
    app = CompletedChats(outbox, secret=SECRET)
    assert await post(app, json.dumps(event(event_name="chat_pinned")).encode()) == 200
    assert await post(app, b"", method="GET") == 405
    assert await post(app, b"x" * 1_000_001) == 413
    assert await state(outbox) == "duplicate"


async def test_what_fails_is_asked_for_again(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(chat: CompletedChat) -> None:
        raise OSError("Rasa is down")

    body = json.dumps(event()).encode()
    assert await post(CompletedChats(MemoryOutbox(), secret=SECRET, on_complete=fail), body) == 500
    down = CompletedChats.from_url(f"redis://127.0.0.1:{free_port()}", secret=SECRET)
    assert await post(down, body) == 500
    assert "sends it again" in caplog.text


def test_a_secret_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        CompletedChats(MemoryOutbox(), secret="")
