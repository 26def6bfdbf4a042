"""One contract for every outbox: in memory, on a real Redis, and on Redis with memory behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import redis.asyncio

from haptik_actions._redis import connect
from haptik_actions.escalation import Entry, HandOff, MemoryOutbox, Outbox, RedisOutbox, ResilientOutbox, Terms
from tests.support.patience import SECONDS
from tests.support.ports import free_port
from tests.support.valkey import Valkey

TERMS = Terms(limit=1000)


def handoff(user: str = "asha", **changes: Any) -> HandOff:
    return HandOff(**{"id": f"id-{user}", "user_name": user, "business_id": 343, "teams": ("support",), **changes})


def entry_for(handed: HandOff, **changes: Any) -> Entry:
    return Entry(**{"handoff": handed, "created": time.time(), **changes})


@pytest.fixture(params=["memory", "redis", "resilient"])
async def outbox(request: pytest.FixtureRequest, valkey_url: str) -> AsyncIterator[Outbox]:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    made: dict[str, Callable[[], Outbox]] = {
        "memory": MemoryOutbox,
        "redis": lambda: RedisOutbox(connect(valkey_url, seconds=SECONDS)),
        "resilient": lambda: ResilientOutbox(RedisOutbox(connect(valkey_url, seconds=SECONDS)), patience=SECONDS),
    }
    outbox = made[request.param]()
    yield outbox
    await outbox.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


async def forget(client: redis.asyncio.Redis) -> None:
    keys = [key async for key in client.scan_iter("haptik:{outbox}*")]
    if keys:
        await client.delete(*keys)


async def test_what_is_opened_is_kept_until_it_is_confirmed(outbox: Outbox) -> None:
    ticket = await outbox.open(handoff(), TERMS)
    assert (ticket.state, ticket.wait) == ("go", 0)
    (kept,) = await outbox.entries()
    assert kept.handoff == handoff()
    assert kept.due is not None
    assert kept.due > time.time() + 20, "leased to who opened it"
    assert await outbox.claim(10) == []
    await outbox.confirm(handoff(), episode=3600)
    assert await outbox.entries() == []


async def test_a_chat_that_waits_is_a_duplicate_under_the_first_receipt(outbox: Outbox) -> None:
    await outbox.open(handoff(), TERMS)
    again = await outbox.open(handoff(id="second"), TERMS)
    assert (again.state, again.id) == ("duplicate", "id-asha")
    await outbox.confirm(handoff(), episode=3600)
    later = await outbox.open(handoff(id="third"), TERMS)
    assert (later.state, later.id) == ("duplicate", "id-asha")
    assert (await outbox.open(handoff("ben"), TERMS)).state == "go"
    assert (await outbox.open(handoff(business_id=7), TERMS)).state == "go"


@pytest.mark.parametrize("end", ["resumed", "ended", "refused", "dropped", "over"])
async def test_how_an_episode_ends(outbox: Outbox, end: str) -> None:
    await outbox.open(handoff(), TERMS)
    await outbox.confirm(handoff(), episode=0.05 if end == "over" else 3600)
    terms = TERMS
    if end == "resumed":
        terms = msgspec.structs.replace(TERMS, resumed_at=time.time() + 1)
    elif end == "ended":
        await outbox.end_episode(handoff().chat)
    elif end == "refused":
        await outbox.refuse(handoff())
    elif end == "dropped":
        await outbox.drop(handoff().chat)
    else:
        await asyncio.sleep(0.1)
    assert (await outbox.open(handoff(id="new"), terms)).state == "go"


@pytest.mark.parametrize(
    ("resumed", "receipts", "state"),
    [
        (-90, {"ended": "id-asha"}, "go"),
        (-90, {"ended": "id-ben"}, "duplicate"),
        (90, {"running": "id-asha"}, "duplicate"),
        (90, {"running": "id-ben"}, "go"),
        (90, {"ended": "id-asha", "running": "id-ben"}, "go"),
    ],
    ids=["resumed, clock behind", "another resumed", "handed over since, clock ahead", "another since", "both told"],
)
async def test_the_order_of_the_tracker_counts_more_than_clocks(
    outbox: Outbox, resumed: float, receipts: dict[str, str], state: str
) -> None:
    await outbox.open(handoff(), TERMS)
    await outbox.confirm(handoff(), episode=3600)
    terms = msgspec.structs.replace(TERMS, resumed_at=time.time() + resumed, **receipts)
    assert (await outbox.open(handoff(id="new"), terms)).state == state


async def test_what_is_due_is_claimed_once(outbox: Outbox) -> None:
    for user in ("asha", "ben", "chitra"):
        await outbox.open(handoff(user), TERMS)
        await outbox.later(entry_for(handoff(user), tries=1, error="ServerError"), 0)
    first = await outbox.claim(2)
    second = await outbox.claim(2)
    assert {e.handoff.user_name for e in first + second} == {"asha", "ben", "chitra"}
    assert (len(first), len(second)) == (2, 1)
    assert {(e.tries, e.error) for e in first + second} == {(1, "ServerError")}
    assert await outbox.claim(2) == []


async def test_what_is_put_off_is_not_due_before_its_time(outbox: Outbox) -> None:
    await outbox.open(handoff(), TERMS)
    await outbox.later(entry_for(handoff()), 0.2)
    assert await outbox.claim(5) == []
    await asyncio.sleep(0.25)
    assert [e.handoff for e in await outbox.claim(5)] == [handoff()]


async def test_a_dead_letter_waits_for_a_person(outbox: Outbox) -> None:
    await outbox.open(handoff(), TERMS)
    await outbox.bury(entry_for(handoff(), tries=70, error="ServerError"))
    (dead,) = await outbox.entries()
    assert (dead.due, dead.tries, dead.error) == (None, 70, "ServerError")
    assert await outbox.claim(5) == []
    assert await outbox.revive(handoff().chat) is True
    (back,) = await outbox.claim(5)
    assert back.tries == 0
    assert await outbox.drop(handoff().chat) is True
    assert await outbox.entries() == []


async def test_a_new_failure_takes_the_place_of_a_dead_letter(outbox: Outbox) -> None:
    await outbox.open(handoff(), TERMS)
    await outbox.bury(entry_for(handoff(), tries=70))
    assert (await outbox.open(handoff(id="new"), TERMS)).state == "go"
    (entry,) = await outbox.entries()
    assert (entry.handoff.id, entry.due is None) == ("new", False)


@pytest.mark.parametrize("tell", ["confirm", "refuse", "later", "bury"])
async def test_what_is_told_late_is_not_told_of_the_next_hand_off_of_the_chat(outbox: Outbox, tell: str) -> None:
    await outbox.open(handoff(id="first"), TERMS)
    resumed = msgspec.structs.replace(TERMS, resumed_at=time.time() + 1)
    assert (await outbox.open(handoff(id="second"), resumed)).state == "go"
    first = handoff(id="first")
    if tell == "confirm":
        await outbox.confirm(first, episode=3600)
    elif tell == "refuse":
        await outbox.refuse(first)
    else:
        await (outbox.later(entry_for(first), 0) if tell == "later" else outbox.bury(entry_for(first)))
    (kept,) = await outbox.entries()
    assert kept.handoff.id == "second"
    assert kept.due is not None
    assert kept.due > time.time() + 20, "leased to who opened it"
    assert (await outbox.open(handoff(id="third"), TERMS)).id == "second"


async def test_a_late_confirmation_does_not_take_the_place_of_a_later_episode(outbox: Outbox) -> None:
    await outbox.open(handoff(id="first"), TERMS)
    resumed = msgspec.structs.replace(TERMS, resumed_at=time.time() + 1)
    await outbox.open(handoff(id="second"), resumed)
    await outbox.confirm(handoff(id="second"), episode=3600)
    await outbox.confirm(handoff(id="first"), episode=3600, ago=60)
    assert (await outbox.open(handoff(id="third"), TERMS)).id == "second"


async def test_a_later_delivery_leaves_the_episode_its_end(outbox: Outbox) -> None:
    await outbox.open(handoff(), msgspec.structs.replace(TERMS, episode=0.3))
    await outbox.confirm(handoff(), episode=None)
    assert (await outbox.open(handoff(id="again"), TERMS)).state == "duplicate"
    await asyncio.sleep(0.4)
    assert (await outbox.open(handoff(id="again"), TERMS)).state == "go"


async def test_unknown_chats_do_nothing(outbox: Outbox) -> None:
    await outbox.later(entry_for(handoff()), 0)
    await outbox.bury(entry_for(handoff()))
    await outbox.refuse(handoff())
    await outbox.end_episode(handoff().chat)
    assert await outbox.revive(handoff().chat) is False
    assert await outbox.drop(handoff().chat) is False
    assert await outbox.entries() == []


async def test_a_team_gets_its_share_and_the_others_wait_behind(outbox: Outbox) -> None:
    terms = Terms(limit=3)
    tickets = [await outbox.open(handoff(f"u{n}"), terms) for n in range(8)]
    assert [t.state for t in tickets] == ["go"] * 3 + ["throttled"] * 5
    waits = [t.wait for t in tickets[3:]]
    assert all(59 < wait <= 60 for wait in waits[:3])
    assert all(119 < wait <= 120 for wait in waits[3:])
    assert (await outbox.open(handoff("other", teams=("orders",)), terms)).state == "go"
    assert len(await outbox.entries()) == 9
    assert await outbox.claim(20) == [], "nobody is due before their turn"


async def test_a_turn_comes_when_the_window_has_passed(valkey_url: str) -> None:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS), window=0.2)
    terms = Terms(limit=2)
    states = [(await outbox.open(handoff(f"u{n}"), terms)).state for n in range(3)]
    assert states == ["go", "go", "throttled"]
    await asyncio.sleep(0.25)
    assert [e.handoff.user_name for e in await outbox.claim(5)] == ["u2"]
    assert (await outbox.open(handoff("u3"), terms)).state == "go"
    await outbox.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


async def test_another_worker_takes_over_when_the_lease_is_over(valkey_url: str) -> None:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    dying = RedisOutbox(connect(valkey_url, seconds=SECONDS), lease=2)
    living = RedisOutbox(connect(valkey_url, seconds=SECONDS), lease=2)
    await dying.open(handoff(), TERMS)
    assert await living.claim(5) == []
    await asyncio.sleep(2.1)
    assert [e.handoff for e in await living.claim(5)] == [handoff()]
    assert await dying.claim(5) == []
    for each in (dying, living):
        await each.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


async def test_an_entry_holds_what_the_call_needs_and_expires(valkey_url: str) -> None:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    await outbox.open(handoff(countdown=5), TERMS)
    stored = msgspec.json.decode(await client.get("haptik:{outbox}:entry:343:asha") or b"{}")
    assert set(stored) == {"handoff", "created", "tries", "due", "error"}
    assert set(stored["handoff"]) == {"id", "user_name", "business_id", "teams", "countdown"}
    keys = [key async for key in client.scan_iter("haptik:{outbox}:*:*")]
    assert len(keys) == 3
    for key in keys:
        assert await client.pttl(key) > 0, key
    await outbox.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


async def test_memory_is_bounded_and_goes_by_the_receipt_of_the_tracker() -> None:
    outbox = MemoryOutbox(most=2)
    assert [(await outbox.open(handoff(f"u{n}"), TERMS)).state for n in range(3)] == ["go", "go", "full"]
    outbox = MemoryOutbox()
    told = msgspec.structs.replace(TERMS, receipt=("from-tracker", time.time() - 60))
    ticket = await outbox.open(handoff(), told)
    assert (ticket.state, ticket.id) == ("duplicate", "from-tracker")
    old = msgspec.structs.replace(TERMS, receipt=("from-tracker", time.time() - TERMS.episode - 1))
    assert (await outbox.open(handoff(), old)).state == "go"
    await outbox.refuse(handoff())
    await outbox.end_episode(handoff().chat)
    assert (await outbox.open(handoff(), told)).state == "go"


async def test_a_redis_that_goes_away_is_replaced_by_memory(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=0.3)))
    await outbox.open(handoff("before"), TERMS)
    own_valkey.stop()
    assert (await outbox.open(handoff("during"), TERMS)).state == "go"
    assert (await outbox.open(handoff("during", id="again"), TERMS)).state == "duplicate"
    assert "A restart would lose it" in caplog.text
    await outbox.later(entry_for(handoff("during"), tries=1), 0)
    assert [e.handoff.user_name for e in await outbox.claim(5)] == ["during"]
    await outbox.confirm(handoff("before"), episode=60)
    await outbox.confirm(handoff("during"), episode=60)
    assert await outbox.entries() == []
    await outbox.aclose()


async def test_a_redis_that_hangs_holds_up_few_callers(own_valkey: Valkey) -> None:
    own_valkey.freeze()
    outbox = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=0.2)))

    async def many() -> None:
        for n in range(100):
            assert (await outbox.open(handoff(f"u{n}"), TERMS)).state == "go"

    # A second for each of them would be 100 s.
    await asyncio.wait_for(many(), timeout=60)
    await outbox.aclose()


async def test_a_process_that_stops_leaves_everything_to_a_redis_that_hung_a_moment_ago(own_valkey: Valkey) -> None:
    users = [f"u{n:03}" for n in range(120)]
    ours = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=SECONDS)), patience=0.2)
    theirs = RedisOutbox(connect(own_valkey.url, seconds=SECONDS))
    own_valkey.freeze()
    for user in users:
        assert (await ours.open(handoff(user), msgspec.structs.replace(TERMS, limit=1000))).state == "go"
    own_valkey.thaw()
    await ours.aclose()
    assert sorted(str(entry.handoff.user_name) for entry in await theirs.entries()) == users
    await theirs.aclose()


async def test_a_redis_that_was_never_there() -> None:
    outbox = ResilientOutbox(RedisOutbox(connect(f"redis://127.0.0.1:{free_port()}", seconds=0.2)))
    assert (await outbox.open(handoff(), TERMS)).state == "go"
    await outbox.refuse(handoff())
    assert await outbox.entries() == []
    await outbox.aclose()


class Clock:
    """Makes the second pass in which a Redis that failed is left alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def two(own_valkey: Valkey) -> AsyncIterator[tuple[ResilientOutbox, RedisOutbox, Clock]]:
    """An outbox that goes on without Redis, and how another process sees the one on Redis."""
    clock = Clock()
    # Tests freeze Redis: each waits for as long as that, and a busy machine must answer within it when Redis is back.
    ours = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=SECONDS)), timer=clock, patience=1.5)
    theirs = RedisOutbox(connect(own_valkey.url, seconds=SECONDS))
    yield ours, theirs, clock
    await ours.aclose()
    await theirs.aclose()


async def test_what_redis_could_not_be_told_is_told_when_it_is_back(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, theirs, clock = two
    for user in ("asha", "ben", "chitra"):
        await ours.open(handoff(user), TERMS)
    own_valkey.freeze()
    await ours.confirm(handoff("asha"), episode=3600)
    await ours.refuse(handoff("ben"))
    await ours.later(entry_for(handoff("chitra"), tries=1, error="ServerError"), 0)
    own_valkey.thaw()
    clock.now += 5
    assert [(e.handoff.user_name, e.tries) for e in await ours.claim(5)] == [("chitra", 1)]
    assert [e.handoff.user_name for e in await theirs.entries()] == ["chitra"]
    assert (await theirs.open(handoff("asha", id="again"), TERMS)).state == "duplicate"
    assert (await theirs.open(handoff("ben", id="again"), TERMS)).state == "go"


async def test_a_confirmation_that_is_told_late_does_not_begin_the_episode_late(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, theirs, clock = two
    await ours.open(handoff(), TERMS)
    own_valkey.freeze()
    await ours.confirm(handoff(), episode=3600)
    own_valkey.thaw()
    clock.now += 600
    await ours.claim(5)
    resumed = msgspec.structs.replace(TERMS, resumed_at=time.time() - 300)
    assert (await theirs.open(handoff(id="after the resume"), resumed)).state == "go"


async def test_what_is_in_memory_moves_to_redis_when_that_is_back(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, theirs, clock = two
    own_valkey.freeze()
    await ours.open(handoff(), TERMS)
    await ours.later(entry_for(handoff(), tries=1, error="ServerError"), 60)
    assert await ours.depth() == (1, 0)
    own_valkey.thaw()
    clock.now += 5
    assert await ours.claim(5) == []
    (moved,) = await theirs.entries()
    assert (moved.handoff, moved.tries, moved.error) == (handoff(), 1, "ServerError")
    assert moved.due is not None
    assert 50 < moved.due - time.time() <= 60
    assert len(await ours.entries()) == 1, "in one place"
    assert (await theirs.open(handoff(id="again"), TERMS)).state == "duplicate"


async def test_what_is_delivered_from_memory_is_an_episode_for_every_process(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, theirs, clock = two
    own_valkey.freeze()
    await ours.open(handoff(), TERMS)
    await ours.confirm(handoff(), episode=3600)
    own_valkey.thaw()
    clock.now += 5
    await ours.claim(5)
    assert (await theirs.open(handoff(id="again"), TERMS)).state == "duplicate"


async def test_a_chat_in_memory_is_not_opened_in_redis_as_well(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, theirs, clock = two
    own_valkey.freeze()
    await ours.open(handoff(), TERMS)
    own_valkey.thaw()
    clock.now += 5
    assert (await ours.open(handoff(id="again"), TERMS)).state == "duplicate"
    assert await theirs.entries() == []


async def test_a_storm_is_written_down_in_redis(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    _, theirs, _ = two
    ours = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=SECONDS)), patience=SECONDS)
    tickets = await asyncio.gather(*(ours.open(handoff(f"u{n}"), Terms(limit=10_000)) for n in range(1500)))
    assert {ticket.state for ticket in tickets} == {"go"}
    assert await theirs.depth() == (1500, 0)
    await ours.aclose()


async def test_a_chat_that_redis_holds_is_not_handed_over_again_while_redis_is_down(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, _, clock = two
    await ours.open(handoff(), TERMS)
    own_valkey.freeze()
    told = msgspec.structs.replace(TERMS, receipt=("id-asha", time.time()))
    again = await ours.open(handoff(id="again"), told)
    assert (again.state, again.id) == ("duplicate", "id-asha")
    own_valkey.thaw()
    clock.now += 5
    assert [entry.handoff.id for entry in await ours.entries()] == ["id-asha"]


async def test_a_redis_that_has_just_come_back_is_asked_at_once(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock]
) -> None:
    ours, theirs, _ = two
    await ours.open(handoff("before"), TERMS)
    own_valkey.stop()
    await ours.open(handoff("during"), TERMS)
    own_valkey.start()
    await ours.open(handoff("after"), TERMS)
    assert [entry.handoff.user_name for entry in await theirs.entries()] == ["after"]


async def test_opening_again_with_the_same_id_is_the_same_opening(valkey_url: str) -> None:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    terms = Terms(limit=1)
    for user, state in (("asha", "go"), ("ben", "throttled")):
        first, second = await outbox.open(handoff(user), terms), await outbox.open(handoff(user), terms)
        assert (first.state, second.state, second.id) == (state, state, f"id-{user}")
        assert abs(first.wait - second.wait) < 5
    third = await outbox.open(handoff("chitra"), terms)
    assert 115 < third.wait <= 120, "nobody has had a turn twice"
    await outbox.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


async def test_a_busy_event_loop_is_not_a_redis_that_is_down(
    own_valkey: Valkey, two: tuple[ResilientOutbox, RedisOutbox, Clock], caplog: pytest.LogCaptureFixture
) -> None:
    _, theirs, _ = two
    ours = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=1)))
    asyncio.get_running_loop().call_later(0.001, time.sleep, 1.2)
    opening = asyncio.create_task(ours.open(handoff(), TERMS))
    assert (await opening).state == "go"
    assert [entry.handoff for entry in await theirs.entries()] == [handoff()]
    assert "does not answer" not in caplog.text
    await ours.aclose()


async def test_the_depth_counts_what_waits_and_dead_letters(outbox: Outbox) -> None:
    assert await outbox.depth() == (0, 0)
    for user in ("asha", "ben", "chitra"):
        await outbox.open(handoff(user), TERMS)
    await outbox.bury(entry_for(handoff("ben"), tries=70))
    assert await outbox.depth() == (2, 1)


async def test_many_entries_are_read_in_few_round_trips(valkey_url: str) -> None:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    for start in range(0, 1200, 50):
        await asyncio.gather(*(outbox.open(handoff(f"u{start + n}"), TERMS) for n in range(50)))
    before = (await client.info("stats"))["total_commands_processed"]
    assert len(await outbox.entries()) == 1200
    assert (await client.info("stats"))["total_commands_processed"] - before < 20
    await outbox.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


async def test_an_entry_that_redis_has_evicted_is_said_to_be_lost(
    valkey_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = redis.asyncio.Redis.from_url(valkey_url)
    await forget(client)
    outbox = RedisOutbox(connect(valkey_url, seconds=SECONDS))
    for user in ("asha", "ben"):
        await outbox.open(handoff(user), TERMS)
        await outbox.later(entry_for(handoff(user)), 0)
    await client.delete(f"haptik:{{outbox}}:entry:{handoff('asha').chat}")
    assert [entry.handoff.user_name for entry in await outbox.claim(5)] == ["ben"]
    assert "The hand-off of chat 343:asha is lost" in caplog.text
    assert await outbox.depth() == (1, 0)
    await outbox.aclose()
    await forget(client)
    await getattr(client, "aclose", client.close)()


@pytest.mark.parametrize(
    ("maxmemory", "policy", "warns"),
    [("0", "allkeys-lru", False), ("100mb", "allkeys-lru", True), ("100mb", "noeviction", False)],
)
async def test_a_redis_that_may_evict_hand_offs_is_warned_of(
    maxmemory: str, policy: str, warns: bool, own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        await client.config_set("maxmemory", maxmemory)
        await client.config_set("maxmemory-policy", policy)
    outbox = RedisOutbox(connect(own_valkey.url, seconds=SECONDS))
    await outbox.warn_of_eviction()
    assert ("maxmemory-policy is allkeys-lru. Set noeviction" in caplog.text) is warns
    await outbox.aclose()
    own_valkey.stop()
    await RedisOutbox(connect(own_valkey.url, seconds=0.2)).warn_of_eviction()


class ComesBack(MemoryOutbox):
    """Refuses the first hand-off, and answers for the second when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.opened, self.answers = asyncio.Event(), asyncio.Event()
        self.was_down = True

    async def open(self, handoff: HandOff, terms: Terms) -> Any:
        if self.was_down:
            self.was_down = False
            raise ConnectionError
        ticket = await super().open(handoff, terms)
        self.opened.set()
        await self.answers.wait()
        return ticket


@pytest.mark.parametrize("told", ["refuse", "bury", "later", "confirm"])
async def test_what_is_told_while_a_hand_off_moves_to_redis_reaches_redis(told: str) -> None:
    shared = ComesBack()
    ours = ResilientOutbox(shared)
    assert (await ours.open(handoff(), TERMS)).state == "go"
    moving = asyncio.create_task(ours.claim(5))
    await shared.opened.wait()
    tried = entry_for(handoff(), tries=7)
    if told == "refuse":
        await ours.refuse(handoff())
    elif told == "bury":
        await ours.bury(tried)
    elif told == "later":
        await ours.later(tried, 3600)
    else:
        await ours.confirm(handoff(), episode=3600)
    shared.answers.set()
    assert await moving == []
    kept = [(each.tries, each.due is None) for each in await shared.entries()]
    assert kept == {"refuse": [], "confirm": [], "bury": [(7, True)], "later": [(7, False)]}[told]
    assert await ours.entries() == await shared.entries()
