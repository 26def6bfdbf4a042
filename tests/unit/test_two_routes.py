"""How a chat comes to Haptik: moved where Haptik knows the user, opened where it does not; and what ties it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx
import pytest
import redis.asyncio

from haptik_actions.config import Settings
from haptik_actions.errors import RelayAway
from haptik_actions.escalation import Conversation, Engine, Escalation, Failure, HandOffOptions, HandOffRequested
from haptik_actions.messages import packaged_copy
from haptik_actions.relay import AfterAgent, Link, Relay, RelayStore, conversation_id
from tests.support.patience import SECONDS, relay_store

COPY = packaged_copy()
USER, MESSAGE, MOVE = "/v1.0/user/", "/v1.0/log_message_from_user/", "/integration/external/v1.0/send_chat_to_agent/"
SETTINGS: dict[str, Any] = {
    "base_url": "https://haptik.example",
    "messenger_url": "https://messenger.example",
    "client_id": "client-1",
    "token": "s3cr3t-token",
    "business_id": 343,
    "team": "support",
}
ID = conversation_id("socketio", "s1")


class Platform(httpx.AsyncBaseTransport):
    """Answers as documented, or with what `answers` holds for a path; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, list[httpx.Response | Exception]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked.append((request.url.path, body))
        waiting = self.answers.get(request.url.path)
        answer = waiting.pop(0) if waiting else self._answer(request.url.path, body)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def _answer(self, path: str, body: dict[str, Any]) -> httpx.Response:
        if path == MESSAGE:
            logged = {"message_id": len(self.asked), "message_body": body["message_body"], "message_type": 0}
            return httpx.Response(200, json={**logged, "created_at": "2026-11-30T10:00:00Z"})
        if path == USER:
            return httpx.Response(200, json={"auth_id": body["auth_id"], "name": "", "email": "", "mobile_no": ""})
        return httpx.Response(200, json={"success": True})


@pytest.fixture
def platform() -> Platform:
    return Platform()


MakeEngine = Callable[..., Engine]


@pytest.fixture
async def engine(platform: Platform, valkey_url: str, redis_client: redis.asyncio.Redis) -> AsyncIterator[MakeEngine]:
    made: list[Engine] = []

    def make(**settings: Any) -> Engine:
        known = {**SETTINGS, "redis_url": valkey_url, **settings}
        made.append(Engine(load_settings=lambda: Settings(**known), transport=platform, retries=0))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[RelayStore]:
    store = relay_store(valkey_url)
    yield store
    await store.aclose()


async def fail(
    engine: Engine, error: BaseException | None = None, *, options: dict[str, Any] | None = None, **talk: Any
) -> Escalation:
    failure = Failure(
        action="action_order_status",
        error=error or LookupError("no order"),
        plan=engine.escalator.plan("action_order_status", HandOffOptions(), options or {}),
    )
    return await engine.escalator.escalate(failure, Conversation(sender_id="s1", channel="socketio", **talk))


async def link_of(store: RelayStore) -> Link:
    link = await store.find("socketio", "s1")
    assert link is not None
    return link


# Moved


async def test_a_user_whom_haptik_knows_is_moved_and_tied(
    engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    got = await fail(engine(), metadata=({"user_name": "asha", "conversation_no": 7},), form="return_form")
    assert got.receipt is not None
    assert (got.receipt.state, got.receipt.team, got.pause) == ("connected", "support", True)
    assert platform.asked == [(MOVE, {"team_name": "support", "user_name": "asha", "business_id": 343})]
    link = await link_of(store)
    assert (link.state, link.paused, link.receipt, link.moved) == ("asked", True, got.receipt.id, True)
    assert (link.user_name, link.auth_id, link.conversation_no, link.form) == ("asha", None, 7, "return_form")
    assert await store.find_chat(343, "asha") == link


async def test_without_redis_nothing_is_tied_and_the_chat_is_moved_all_the_same(
    engine: MakeEngine, platform: Platform
) -> None:
    got = await fail(engine(redis_url=None), metadata=({"user_name": "asha"},))
    assert got.receipt is not None
    assert (got.receipt.state, platform.paths()) == ("connected", [MOVE])


# Opened


async def test_a_user_whom_haptik_does_not_know_is_registered_and_their_chat_opened(
    engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    options = {
        "brief": {"slots": ["order_id"], "turns": 2},
        "assign_within": 300,
        "after_agent": {"trigger": "agent_is_done", "reset": ["order_id"]},
        "countdown": 5,
    }
    turns = [("user", "hello"), ("bot", "Which order?"), ("user", "1001, mail me at asha@example.com")]
    talk: dict[str, Any] = {"slots": {"order_id": "1001", "language_code": "de-DE"}, "turns": turns}
    got = await fail(engine(), options=options, metadata=({"full_name": "Asha K"},), **talk)
    assert got.receipt is not None
    assert (got.receipt.state, got.receipt.team) == ("connected", "support")
    opening = "The bot hands this chat over. Why: action_order_status failed (LookupError).\n"
    opening += "order_id: 1001\nBot: Which order?\nUser: 1001, mail me at […]"
    assert platform.asked == [
        (USER, {"auth_id": ID, "name": "Asha K", "language_code": "de"}),
        (MESSAGE, {"user": {"auth_id": ID}, "message_body": opening, "message_type": 0, "business_id": 343}),
    ]
    link = await link_of(store)
    assert (link.state, link.paused, link.user_name, link.auth_id, link.moved) == ("asked", True, None, ID, False)
    assert (link.teams, link.countdown, link.assign_within) == (("support",), 5, 300)
    assert link.after_agent == AfterAgent(trigger="agent_is_done", reset=("order_id",))


async def test_a_chat_is_opened_also_where_no_team_is_named(engine: MakeEngine, store: RelayStore) -> None:
    got = await fail(engine(team=None))
    assert got.receipt is not None
    assert (got.receipt.state, got.receipt.team) == ("connected", None)
    assert (await link_of(store)).moved is True


async def test_one_whose_name_an_earlier_chat_has_told_is_opened_and_moved_at_once(
    engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    await store.prepare(Link.of("socketio", "s1", 343, receipt="earlier", user_name="8f3a"))
    got = await fail(engine())
    assert got.receipt is not None
    assert (got.receipt.state, platform.paths()) == ("connected", [USER, MESSAGE, MOVE])
    assert platform.asked[-1][1] == {"team_name": "support", "user_name": "8f3a", "business_id": 343}
    assert (await link_of(store)).moved is True


async def test_a_team_that_refuses_does_not_open_the_chat_once_more(
    engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    await store.prepare(Link.of("socketio", "s1", 343, receipt="earlier", user_name="8f3a"))
    platform.answers[MOVE] = [httpx.Response(503, json={})]
    got = await fail(engine())
    assert got.receipt is not None
    assert (got.receipt.state, platform.paths()) == ("connected", [USER, MESSAGE, MOVE])
    # The relay moves it.
    assert (await link_of(store)).moved is False


@pytest.mark.parametrize("settings", [{"messenger_url": None}, {"redis_url": None}], ids=lambda s: str(*s))
async def test_without_messenger_or_redis_such_users_cannot_be_handed_over(
    settings: dict[str, Any], engine: MakeEngine, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    got = await fail(engine(**settings))
    assert got.receipt is not None
    assert (got.receipt.state, got.pause, platform.asked) == ("unavailable", False, [])
    assert "that needs HAPTIK_MESSENGER_URL and REDIS_URL" in caplog.text


# Later


async def test_what_the_outbox_delivers_is_tied_without_a_pause(
    engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    platform.answers[USER] = [httpx.Response(503, json={})]
    engines = engine()
    got = await fail(engines)
    assert got.receipt is not None
    assert (got.receipt.state, got.pause) == ("delayed", False)
    assert ((await link_of(store)).state, (await link_of(store)).receipt) == ("bot", got.receipt.id)
    (entry,) = await engines.outbox().entries()
    assert await engines.outbox().revive(entry.handoff.chat)
    assert await engines.delivery().deliver_due() == 1
    assert platform.paths() == [USER, USER, MESSAGE]
    link = await link_of(store)
    assert (link.state, link.paused, link.receipt) == ("asked", False, got.receipt.id)
    assert await engines.outbox().entries() == []


async def test_an_opening_that_may_have_arrived_is_sent_again_and_logged(
    engine: MakeEngine, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    platform.answers[MESSAGE] = [httpx.ReadError("gone")]
    engines = engine()
    got = await fail(engines)
    assert got.receipt is not None
    assert got.receipt.state == "delayed"
    assert "may have the opening" in caplog.text
    (entry,) = await engines.outbox().entries()
    await engines.outbox().revive(entry.handoff.chat)
    await engines.delivery().deliver_due()
    assert platform.paths() == [USER, MESSAGE, USER, MESSAGE]


@pytest.mark.parametrize("hears", [False, True], ids=["nobody hears of ends", "a webhook works"])
async def test_an_episode_that_was_delivered_late_promises_what_somebody_hears_of(
    hears: bool, engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    if hears:
        await store.note_webhook()
    engines, talk = engine(), cast("dict[str, Any]", {"metadata": ({"user_name": "asha"},)})
    platform.answers[MOVE] = [httpx.Response(503, json={})]
    got = await fail(engines, **talk)
    assert got.receipt is not None
    (entry,) = await engines.outbox().entries()
    await engines.outbox().revive(entry.handoff.chat)
    await engines.delivery().deliver_due()
    # The agent may be done by now. Haptik takes a chat that still waits as the same one.
    slots = {"haptik_handoff": got.receipt.to_slot()}
    again = await fail(engines, **talk, running=got.receipt.id, slots=slots)
    assert again.receipt is not None
    assert again.receipt.state == ("duplicate" if hears else "connected")
    assert platform.paths().count(MOVE) == (2 if hears else 3)


async def test_what_nothing_accepts_is_not_tied(engine: MakeEngine, platform: Platform, store: RelayStore) -> None:
    platform.answers[MESSAGE] = [httpx.Response(400, json={"error_message": 'business "343" is inactive'})]
    got = await fail(engine())
    assert got.receipt is not None
    assert got.receipt.state == "unavailable"
    assert (await link_of(store)).state == "ended"


async def test_a_second_failure_is_a_duplicate_until_the_bot_has_the_conversation_back(
    engine: MakeEngine, platform: Platform, store: RelayStore
) -> None:
    first = await fail(engine())
    assert first.receipt is not None
    again = await fail(engine(), running=first.receipt.id)
    assert again.receipt is not None
    assert (again.receipt.state, again.receipt.id) == ("duplicate", first.receipt.id)
    # The link does not know that somebody has resumed the conversation by hand.
    new = await fail(engine(), ended=first.receipt.id)
    assert new.receipt is not None
    assert new.receipt.state == "connected"
    assert (await link_of(store)).receipt == new.receipt.id
    assert platform.paths() == [USER, MESSAGE, USER, MESSAGE]


async def test_one_that_goes_on_by_tracker_and_link_is_a_duplicate_though_the_outbox_forgot_it(
    engine: MakeEngine, platform: Platform, store: RelayStore, redis_client: redis.asyncio.Redis
) -> None:
    await store.note_webhook()
    first = await fail(engine())
    assert first.receipt is not None
    for key in [key async for key in redis_client.scan_iter("haptik:{outbox}:*")]:
        await redis_client.delete(key)
    again = await fail(engine(), running=first.receipt.id)
    assert again.receipt is not None
    assert (again.receipt.state, again.receipt.id) == ("duplicate", first.receipt.id)
    assert platform.paths() == [USER, MESSAGE]


# Copy


async def test_here_is_promised_only_where_somebody_relays(
    engine: MakeEngine, store: RelayStore, redis_client: redis.asyncio.Redis
) -> None:
    assert (await fail(engine())).text == COPY["haptik_handoff_connected"]
    relay = Relay(store, None, engine().messages(), NoHost(), secret="s3cr3t-webhook")
    relay.start()
    try:
        while not await RelayStore(redis_client, patience=SECONDS).is_relayed():
            pass
        assert (await fail(engine(), ended="x", resumed_at=9e9)).text == COPY["haptik_handoff_connected_here"]
        asked = await fail(engine(), HandOffRequested(), ended="x", resumed_at=9e9)
        assert asked.text == COPY["haptik_request_connected_here"]
    finally:
        await relay.aclose()


async def test_haptik_itself_brings_the_words_to_users_of_its_channels(engine: MakeEngine) -> None:
    failure = Failure(action="a", error=LookupError(), plan=HandOffOptions())
    talk = Conversation(sender_id="asha", channel="haptik", metadata=({"user_name": "asha"},))
    got = await engine().escalator.escalate(failure, talk)
    assert got.text == COPY["haptik_handoff_connected_here"]


class NoHost:
    """Reaches nobody."""

    def reach(self, link: Link) -> Any:
        return "away"

    async def say(self, link: Link, saying: Any) -> None:
        raise RelayAway("nobody")

    async def assigned(self, link: Link, saying: Any) -> None:
        raise RelayAway("nobody")

    async def ended(self, link: Link, ending: Any, saying: Any) -> None:
        raise RelayAway("nobody")

    async def hear(self, link: Link, words: Any) -> None:
        raise RelayAway("nobody")
