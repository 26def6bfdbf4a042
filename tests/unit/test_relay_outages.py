"""The relay while Haptik or Redis is away, and while nobody can tell whether something arrived."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import redis.asyncio

from haptik_actions.errors import RelayAway
from haptik_actions.relay import FromUser, Link, read_event
from haptik_actions.relay._queues import Queues, Wait
from tests.support.patience import until
from tests.support.relay import Bench, bench, completed, message, pinned, signed
from tests.support.valkey import Valkey


@pytest.fixture
async def one(redis_client: redis.asyncio.Redis, valkey_url: str) -> AsyncIterator[Bench]:
    async with bench(valkey_url) as made:
        yield made


async def rows_of(one: Bench, link: Link, count: int) -> list[tuple[str, str]]:
    await until(lambda: _has_rows(one, link, count))
    return await one.ledger(link)


async def _has_rows(one: Bench, link: Link, count: int) -> bool:
    return len(await one.ledger(link)) >= count


LOG = "/v1.0/log_message_from_user/"


# Haptik


async def test_haptik_away_for_a_while(one: Bench) -> None:
    link = await one.opened()
    refusals = [httpx.ConnectError("refused")] * 2
    one.platform.answer = lambda path, body: refusals.pop() if refusals and path == LOG else None
    await one.write(link, *"abc")
    await one.platform.until(lambda: len(one.platform.logged) == 3)

    assert one.platform.texts(link.id) == ["a", "b", "c"]
    assert await rows_of(one, link, 4) == [("own", "said"), *[("words", "sent")] * 3]
    assert one.host.of[link.id] == [
        "Your message has not reached our agent yet. I keep trying; you do not have to write it again."
    ]


@pytest.mark.parametrize("answer", [{"error_message": "no good"}, {"error_message": "invalid business_id provided"}])
async def test_what_haptik_refuses_does_not_hold_up_the_rest(one: Bench, answer: dict[str, Any]) -> None:
    link = await one.opened()
    one.platform.answer = lambda path, body: (
        httpx.Response(400, json=answer) if path == LOG and body["message_body"] == "b" else None
    )
    await one.write(link, *"abc")
    await one.platform.until(lambda: len(one.platform.logged) == 2)
    await one.host.until_said(1)

    assert one.platform.texts(link.id) == ["a", "c"]
    assert one.host.of[link.id] == ["I'm sorry, your last message could not be passed on to our agent."]
    assert ("words", "refused") in await rows_of(one, link, 4)


async def test_blank_words_are_refused_and_hold_up_nothing(one: Bench) -> None:
    link = await one.opened()
    assert await one.write(link, "  ", "a\ud83d") == ["queued", "queued"]
    await one.platform.until(lambda: len(one.platform.logged) == 1)
    assert one.platform.texts(link.id) == ["a?"]


def lose_the_first_answer(one: Bench) -> None:
    losses = [httpx.ReadError("the connection broke")]
    one.platform.lost = lambda path, body: losses.pop() if losses and path == LOG else None


async def test_what_nobody_can_tell_is_sent_again_and_the_ledger_says_so(one: Bench) -> None:
    link = await one.opened()
    lose_the_first_answer(one)
    await one.write(link, "a", "b")
    await one.platform.until(lambda: len(one.platform.logged) == 3)

    assert one.platform.texts(link.id) == ["a", "a", "b"]
    assert await rows_of(one, link, 2) == [("words", "sent_again"), ("words", "sent")]


@pytest.mark.parametrize(
    ("known", "how", "read"),
    [(True, "found", ["a", "b"]), (False, "sent", ["a", "a", "b"])],
    ids=["the transcript has it", "the transcript does not have it"],
)
async def test_the_transcript_settles_it(one: Bench, known: bool, how: str, read: list[str]) -> None:
    link = await one.opened(user_name="u1", conversation_no=3)
    lose_the_first_answer(one)
    rows = [{"text": "a", "sender": "user", "message_id": 5001, "timestamp": "06/22/40 07:24:25 AM UTC"}]
    old = [{"text": "a", "sender": "user", "message_id": 9, "timestamp": "06/22/20 07:24:25 AM UTC"}]
    one.platform.answer = lambda path, body: (
        httpx.Response(200, json={"chat_json": rows if known else old}) if "get_chat_history" in path else None
    )
    await one.write(link, "a", "b")
    await one.platform.until(lambda: one.platform.texts(link.id) == read)

    assert await rows_of(one, link, 2) == [("words", how), ("words", "sent")]


async def test_a_team_that_does_not_take_it_is_passed_over(one: Bench) -> None:
    link = await one.opened(user_name="u1", teams=("gone", "orders"))

    def answer(path: str, body: Any) -> httpx.Response | None:
        if "send_chat" in path and body["team_name"] == "gone":
            return httpx.Response(400, json={"error_message": "invalid team_name provided"})
        return None

    one.platform.answer = answer
    await one.write(link, "Hello")
    await one.platform.until(lambda: len(one.platform.moves) == 1 and len(one.platform.logged) == 1)
    assert one.platform.moves[0]["team_name"] == "orders"
    assert ("team", "sent") in await rows_of(one, link, 2)


async def test_words_do_not_wait_for_a_team(one: Bench) -> None:
    link = await one.opened(user_name="u1", teams=("orders",))
    failures = [httpx.Response(503, json={})]
    one.platform.answer = lambda path, body: failures.pop() if failures and "send_chat" in path else None
    await one.write(link, "Hello")
    await one.platform.until(lambda: len(one.platform.logged) == 1)
    await one.platform.until(lambda: len(one.platform.moves) == 1)


# Redis


@pytest.fixture
def durable(own_valkey: Valkey) -> Valkey:
    """A server that keeps what it was told over a restart."""
    own_valkey.stop()
    own_valkey.options = ("--appendonly", "yes", "--appendfsync", "always")
    return own_valkey.start()


async def test_redis_away_for_a_while(durable: Valkey) -> None:
    async with bench(durable.url) as one:
        link = await one.opened()
        await one.take(pinned(link, 1), message(link, 2, "before"))
        await one.host.until_said(2)
        assert await one.write(link, "a") == ["queued"]
        await one.platform.until(lambda: len(one.platform.logged) == 1)
        assert await one.relay.holds("callback", "asha") is not None

        durable.stop()
        assert await one.write(link, "b", "c") == ["kept", "kept"]
        assert await one.take(message(link, 3, "during")) == [503]
        assert await one.relay.holds("callback", "asha") is not None
        with pytest.raises(RelayAway):
            await one.relay.holds("callback", "never seen")
        await one.host.until_said(3)
        durable.start()

        await one.platform.until(lambda: len(one.platform.logged) == 3)
        await until(lambda: _is_stored(one, message(link, 3, "during")))
        assert await one.write(link, "d") == ["queued"]
        await one.platform.until(lambda: len(one.platform.logged) == 4)
        await one.host.until_said(4)

    assert one.platform.texts(link.id) == ["a", "b", "c", "d"]
    delayed = "Your message has not reached our agent yet. I keep trying; you do not have to write it again."
    assert one.host.of[link.id][1:] == ["before", delayed, "during"]


async def _is_stored(one: Bench, body: dict[str, Any]) -> bool:
    return await one.relay.take(*signed(body)) == 200


async def test_a_redis_that_hangs_keeps_no_webhook_waiting(own_valkey: Valkey) -> None:
    async with bench(own_valkey.url, patience=1.0) as one:
        link = await one.opened()
        own_valkey.freeze()
        begun = asyncio.get_running_loop().time()
        assert await one.take(message(link, 1, "x")) == [503]
        assert await one.write(link, "a") == ["kept"]
        assert asyncio.get_running_loop().time() - begun < 10
        own_valkey.thaw()
        await one.platform.until(lambda: one.platform.texts(link.id) == ["a"])
        assert await one.write(link, "b") in (["queued"], ["kept"])
        await one.platform.until(lambda: one.platform.texts(link.id) == ["a", "b"])


async def test_what_took_long_to_be_stored_waits_as_long_for_what_came_before(
    redis_client: redis.asyncio.Redis, valkey_url: str
) -> None:
    async with bench(valkey_url, start=False) as one:
        link = await one.opened()
        queues = Queues(one.store.board, lease=15)
        event = read_event(signed(message(link, 2, "second"))[0])
        assert event is not None
        # As in a process that has just started again, and that many events wait for.
        assert await queues.put(link.id, event, "second", 0.2, time.monotonic() - 60) == "stored"
        waits = await queues.for_user(link.id, 0.2, None)
        assert isinstance(waits, Wait)
        assert waits.seconds is not None
        assert waits.seconds > 1


async def test_a_wish_to_go_back_waits_for_redis(durable: Valkey) -> None:
    async with bench(durable.url) as one:
        link = await one.opened()
        durable.stop()
        assert await one.write(link, "a", "back to the bot") == ["kept", "kept"]
        durable.start()
        await one.host.until(lambda: any(what == "ended" for what, _, _ in one.host.log))
        await one.platform.until(lambda: len(one.platform.logged) == 2)
        assert one.platform.texts(link.id)[0] == "a"


# Bad input


async def test_who_does_not_sign_is_refused(one: Bench) -> None:
    link = await one.opened()
    body, signature = signed(message(link, 1, "x"))
    assert await one.relay.take(body, None) == 401
    assert await one.relay.take(body, signature[:-1] + "0") in (401, 200)
    assert await one.relay.take(body + b" ", signature) == 401
    assert await one.relay.take(b"x" * 1_000_001, signature) == 413
    assert await one.relay.take(*signed(b"[1]")) == 400
    assert await one.relay.take(*signed(b"[" * 50_000)) == 400
    assert await one.relay.take(body, signature) == 200


async def test_a_relay_without_a_secret_takes_nothing(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    async with bench(valkey_url, secret=None) as one:
        link = await one.opened()
        assert await one.take(message(link, 1, "x")) == [401]


async def test_a_queue_does_not_grow_for_ever(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    async with bench(valkey_url, client=None, start=False) as one:
        link = await one.opened()
        big = FromUser(kind="document", name="a.pdf", content=b"x" * 9_000_000)
        assert [await one.relay.write(link, big) for _ in range(4)] == ["queued"] * 3 + ["full"]
        assert await one.relay.write(link, FromUser(kind="image", content=b"x" * 10_000_001)) == "full"
        await one.take(completed(link))
