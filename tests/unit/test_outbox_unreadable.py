"""Entries of the outbox on Redis that this version cannot read: they hold up nobody, and none is lost in silence."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from haptik_actions._redis import connect
from haptik_actions.escalation import Entry, HandOff, RedisOutbox, Terms
from tests.support.patience import SECONDS

DUE, DEAD = "haptik:{outbox}:due", "haptik:{outbox}:dead"
READABLE = b'"user_name": "asha", "business_id": 343, "teams": ["support"]'
DAMAGED = {
    "of another version": (b'{"handoff": {"id": "1"}, "made": 1}', "missing required field"),
    "cut off": (b'{"handoff": {"id": "1', "truncated"),
    "empty": (b"", "truncated"),
    "no JSON": (b"\x00\xffasha", "malformed"),
    "no UTF-8": (b'{"handoff": {"id": "\xff", ' + READABLE + b'}, "created": 1}', "utf-8"),
    "no team": (
        b'{"handoff": {"id": "1", "user_name": "asha", "business_id": 343, "teams": []}, "created": 1}',
        "teams",
    ),
    "of another chat": (b'{"handoff": {"id": "1", ' + READABLE.replace(b"343", b"7") + b'}, "created": 1}', "7:asha"),
    "nested without end": (b'{"made": ' + b"[" * 100_000, "recursion"),
}


@pytest.fixture
async def client(valkey_url: str) -> AsyncIterator[Any]:
    async with redis.asyncio.Redis.from_url(valkey_url) as client:
        await forget(client)
        yield client
        await forget(client)


@pytest.fixture
async def outbox(client: Any, valkey_url: str) -> AsyncIterator[RedisOutbox]:
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    yield outbox
    await outbox.aclose()


async def forget(client: Any) -> None:
    async for key in client.scan_iter("haptik:{outbox}*"):
        await client.delete(key)


def handoff(user: str) -> HandOff:
    return HandOff(id=f"id-{user}", user_name=user, business_id=343, teams=("support",))


def key_of(user: str) -> str:
    return f"haptik:{{outbox}}:entry:343:{user}"


async def make_due(outbox: RedisOutbox, *users: str) -> None:
    for user in users:
        await outbox.open(handoff(user), Terms())
        await outbox.later(Entry(handoff=handoff(user), created=time.time()), 0)


@pytest.mark.parametrize("kind", DAMAGED)
async def test_it_is_listed_with_the_reason_and_keeps_no_other_waiting(
    kind: str, client: Any, outbox: RedisOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    payload, why = DAMAGED[kind]
    await make_due(outbox, "asha", "ben")
    await client.set(key_of("asha"), payload, keepttl=True)
    assert [entry.handoff.user_name for entry in await outbox.claim(5)] == ["ben"]
    assert [entry.handoff.user_name for entry in await outbox.entries()] == ["ben"]
    (left,) = await outbox.unreadable()
    assert (left.chat, why in left.why) == ("343:asha", True), left
    assert left.since == pytest.approx(time.time(), abs=30)
    assert left.due == pytest.approx(time.time() + 30, abs=30)
    # It is not erased: whoever can read it delivers it.
    assert await client.get(key_of("asha")) == payload
    assert "343:asha cannot be read" in caplog.text
    assert "haptik-actions outbox drop" in caplog.text


async def test_it_is_logged_once(client: Any, outbox: RedisOutbox, caplog: pytest.LogCaptureFixture) -> None:
    await make_due(outbox, "asha")
    for _ in range(3):
        await client.set(key_of("asha"), b"{}", keepttl=True)
        await client.zadd(DUE, {"343:asha": 1})
        assert await outbox.claim(5) == []
    assert caplog.text.count("cannot be read") == 1
    await client.set(key_of("asha"), b"[]", keepttl=True)
    await client.zadd(DUE, {"343:asha": 1})
    assert await outbox.claim(5) == []
    assert caplog.text.count("cannot be read") == 2, "that one is another"


async def test_what_nobody_has_read_for_an_hour_is_a_dead_letter(
    client: Any, outbox: RedisOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    await make_due(outbox, "asha", "ben")
    for user, age in (("asha", 3601), ("ben", 3500)):
        await client.set(key_of(user), b"{}", px=(24 * 3600 - age) * 1000)
    assert await outbox.claim(5) == []
    assert await outbox.depth() == (1, 1)
    assert [(left.chat, left.due is None) for left in await outbox.unreadable()] == [
        ("343:ben", False),
        ("343:asha", True),
    ]
    assert await client.get(key_of("asha")) == b"{}"
    assert "343:asha is given up: no process could read it" in caplog.text
    assert (await outbox.open(handoff("asha"), Terms())).state == "go", "the user is not left without an agent"


async def test_it_may_be_dropped_and_cannot_be_tried(client: Any, outbox: RedisOutbox) -> None:
    await make_due(outbox, "asha")
    await client.set(key_of("asha"), b"{}", keepttl=True)
    assert await outbox.revive("343:asha") is False
    assert len(await outbox.unreadable()) == 1
    assert await outbox.drop("343:asha") is True
    assert (await outbox.unreadable(), await outbox.depth()) == ([], (0, 0))


async def test_what_is_told_of_a_hand_off_leaves_it_alone(client: Any, outbox: RedisOutbox) -> None:
    await make_due(outbox, "asha")
    entry = Entry(handoff=handoff("asha"), created=time.time())
    for payload in (b"", b"7", b'{"handoff": 7}', b'{"handoff": {}}'):
        await client.set(key_of("asha"), payload, keepttl=True)
        await outbox.confirm(entry.handoff, episode=60)
        await outbox.refuse(entry.handoff)
        await outbox.later(entry, 5)
        await outbox.bury(entry)
        assert await client.get(key_of("asha")) == payload


async def test_a_dead_letter_that_has_expired_is_said_to_be_lost_and_counted_no_more(
    client: Any, outbox: RedisOutbox, caplog: pytest.LogCaptureFixture
) -> None:
    await make_due(outbox, "asha", "ben")
    for user in ("asha", "ben"):
        await outbox.bury(Entry(handoff=handoff(user), created=time.time(), tries=70))
        await client.zadd(DEAD, {f"343:{user}": (time.time() - 24 * 3600 - 5) * 1000})
    await client.delete(key_of("asha"))
    assert await outbox.claim(5) == []
    assert await outbox.depth() == (0, 1)
    assert "The hand-off of chat 343:asha is lost" in caplog.text
    assert "343:ben" not in caplog.text


async def test_a_member_that_is_no_text_holds_up_nobody(client: Any, outbox: RedisOutbox) -> None:
    await make_due(outbox, "asha")
    await client.zadd(DUE, {b"343:\xff": 1})
    assert [entry.handoff.user_name for entry in await outbox.entries()] == ["asha"]
    assert [entry.handoff.user_name for entry in await outbox.claim(5)] == ["asha"]
