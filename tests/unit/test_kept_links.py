"""A Redis that forgets does not cut users off from their agents: links of running chats are written down again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis.asyncio

from haptik_actions._redis import connect
from haptik_actions.escalation import Delivery, HandOff, RedisOutbox, ResilientOutbox, Terms
from haptik_actions.escalation._ties import KeptLinks
from haptik_actions.relay import Link
from tests.support.patience import SECONDS, until
from tests.support.relay import BUSINESS, Bench, bench, completed, message, pinned
from tests.support.valkey import Valkey


@pytest.fixture
async def one(own_valkey: Valkey) -> AsyncIterator[Bench]:
    async with bench(own_valkey.url) as made:
        yield made


@pytest.fixture
async def client(own_valkey: Valkey) -> AsyncIterator[Any]:
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        yield client


async def test_agent_and_user_find_each_other_after_a_loss(
    one: Bench, client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    link = await one.opened(return_address={"callback": 1}, user_name="u-known")
    kept = KeptLinks(one.store)
    kept.keep(link)
    assert await one.take(pinned(link, 1)) == [200]
    assert await kept.look() == 0
    stood = await one.store.link(link.id)
    await client.flushall()
    assert await kept.look() == 1
    assert await one.store.link(link.id) == stood
    assert await one.store.find_chat(BUSINESS, user_name="u-known") == stood
    assert "lost the links of 1 running chats" in caplog.text
    assert await one.take(message(link, 2, "Hello from Priya")) == [200]
    await one.host.until(lambda: "Hello from Priya" in one.host.of[link.id])
    await one.write(link, "Hello, Priya")
    await one.platform.until(lambda: one.platform.texts(link.id) == ["Hello, Priya"])
    await kept.aclose()


@pytest.mark.parametrize("end", ["the chat", "another episode"])
async def test_a_chat_that_is_over_does_not_come_back(one: Bench, client: Any, end: str) -> None:
    link = await one.opened()
    kept = KeptLinks(one.store)
    kept.keep(link)
    if end == "the chat":
        await one.take(pinned(link, 1), completed(link))
        await until(lambda: _has_ended(one, link))
    else:
        await one.store.update(link.id, state="ended")
        await one.opened(receipt="another")
    assert await kept.look() == 0
    await client.flushall()
    assert await kept.look() == 0
    assert await one.store.link(link.id) is None
    await kept.aclose()


async def _has_ended(one: Bench, link: Link) -> bool:
    return await one.state(link) == "ended"


async def test_the_timer_is_back_where_nobody_has_come(one: Bench, client: Any) -> None:
    link = await one.opened(assign_within=3600)
    kept = KeptLinks(one.store)
    kept.keep(link)
    await client.flushall()
    assert await kept.look() == 1
    (timers,) = [key async for key in client.scan_iter("haptik:{relay-*}:timers")]
    ((_, at),) = await client.zrange(timers, 0, -1, withscores=True)
    assert at / 1000 == pytest.approx(link.opened_at + 3600, abs=1)
    await kept.aclose()


async def test_only_so_many_are_kept(one: Bench, client: Any) -> None:
    kept = KeptLinks(one.store, most=2)
    for name in ("asha", "ben", "chitra"):
        kept.keep(await one.opened(name))
    await client.flushall()
    assert await kept.look() == 2
    await kept.aclose()


async def test_a_delivery_keeps_the_links_of_what_it_has_handed_over(
    one: Bench, client: Any, own_valkey: Valkey
) -> None:
    outbox = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=SECONDS)), patience=SECONDS)
    delivery = Delivery(one.client, outbox, links=one.store)
    link = Link.of("callback", "asha", BUSINESS)
    handoff = HandOff(id="1", user_name="u-known", business_id=BUSINESS, teams=("support",), link=link)
    handed = await delivery.hand_over(handoff, Terms(), pauses=lambda: True)
    assert handed.state == "connected"
    await client.flushall()
    await until(lambda: _is_asked(one, link))
    await delivery.aclose()


async def _is_asked(one: Bench, link: Link) -> bool:
    stands = await one.store.link(link.id)
    return stands is not None and stands.state == "asked" and stands.paused


async def test_how_a_chat_is_found_is_written_down_again(one: Bench, client: Any) -> None:
    link = await one.opened(user_name="u-known", auth_id="haptiks-own")
    kept = KeptLinks(one.store)
    kept.keep(link)
    assert await forget_names(client) == 2
    assert await kept.look() == 0
    assert await one.store.find_chat(BUSINESS, user_name="u-known") == link
    assert await one.store.find_chat(BUSINESS, auth_id="haptiks-own") == link
    await kept.aclose()


async def test_a_user_who_was_handed_over_from_elsewhere_is_not_taken_back(one: Bench, client: Any) -> None:
    before = await one.opened("asha", user_name="u-known")
    kept = KeptLinks(one.store)
    kept.keep(before)
    now = await one.opened("asha", channel="socketio", user_name="u-known")
    assert await kept.look() == 0
    assert await one.store.find_chat(BUSINESS, user_name="u-known") == now
    await kept.aclose()


@pytest.mark.parametrize("since", ["an event", "a look", "the user's words"])
async def test_an_event_finds_its_chat_by_what_has_passed_through_since(one: Bench, client: Any, since: str) -> None:
    """Haptik has named the user itself, and Redis has thrown away how their chat is found."""
    link = await one.opened(user_name="u-known", auth_id=None)
    theirs = {"user": {"user_name": "u-known", "device_platform": 13}}
    if since == "an event":
        assert await one.take(message(link, 1, "Before", **theirs)) == [200]
        await one.host.until(lambda: "Before" in one.host.of[link.id])
    elif since == "a look":
        assert await one.relay.holds("callback", "asha") == link
    assert await forget_names(client) == 1
    if since == "the user's words":
        assert await one.write(link, "Hello") == ["queued"]
        assert await one.store.find_chat(BUSINESS, user_name="u-known") == link
    assert await one.take(message(link, 2, "Hello from Priya", **theirs)) == [200]
    await one.host.until(lambda: "Hello from Priya" in one.host.of[link.id])
    assert await one.take(message(link, 3, "Are you there?", **theirs)) == [200]
    await one.host.until(lambda: "Are you there?" in one.host.of[link.id])


async def test_what_leads_to_a_chat_is_lost_again_and_again(one: Bench, client: Any) -> None:
    link = await one.opened(user_name="u-known", auth_id=None)
    theirs = {"user": {"user_name": "u-known", "device_platform": 13}}
    assert await one.relay.holds("callback", "asha") == link
    for number in range(1, 11):
        await forget_names(client)
        assert await one.take(message(link, number, f"words {number}", **theirs)) == [200]
    await one.host.until(lambda: "words 10" in one.host.of[link.id])
    said = [words for words in one.host.of[link.id] if words.startswith("words")]
    assert said == [f"words {number}" for number in range(1, 11)]


async def forget_names(client: Any) -> int:
    """Do what a Redis does that is full and evicts keys: it may throw away any of them."""
    keys = [key async for key in client.scan_iter("haptik:{relay-*}:chat:*")]
    return int(await client.delete(*keys)) if keys else 0
