"""A Redis that forgets: restarted without its data, emptied, evicting, replaced by a replica that lags.

Every hand-off that was promised is delivered, once, unless a person has dropped it or it was given up.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import redis.asyncio

from haptik_actions._redis import connect
from haptik_actions.escalation import Entry, HandOff, RedisOutbox, ResilientOutbox, Terms
from tests.support.patience import SECONDS, until
from tests.support.valkey import Valkey

TERMS = Terms(limit=100_000)
USERS = ("asha", "ben", "chitra")


def handoff(user: str = "asha", **changes: Any) -> HandOff:
    return HandOff(**{"id": f"id-{user}", "user_name": user, "business_id": 343, "teams": ("support",), **changes})


def entry_for(handed: HandOff, **changes: Any) -> Entry:
    return Entry(**{"handoff": handed, "created": time.time(), **changes})


def outbox_on(url: str, **options: Any) -> ResilientOutbox:
    """One whose looks are the test's own."""
    patient: dict[str, Any] = {"look": 3600.0, "grace": 0.05, "patience": SECONDS}
    return ResilientOutbox(RedisOutbox(connect(url, seconds=SECONDS)), **{**patient, **options})


async def calls(client: Any, command: str) -> int:
    stats = await client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {}).get("calls", 0))


async def has_grown(client: Any, before: int) -> bool:
    return await calls(client, "zscore") > before


class World:
    """Two processes on one Redis, and what an operator sees of it."""

    def __init__(self, valkey: Valkey) -> None:
        self.valkey = valkey
        self.first, self.second = outbox_on(valkey.url), outbox_on(valkey.url)
        self.operator = RedisOutbox(connect(valkey.url, seconds=SECONDS))
        self.redis: Any = redis.asyncio.Redis.from_url(valkey.url)

    async def promise(self, *users: str) -> None:
        """The first process opens hand-offs and puts them off; the users are told that it takes a while."""
        for user in users:
            assert (await self.first.open(handoff(user), TERMS)).state == "go"
            await self.first.later(entry_for(handoff(user), tries=1), 0.05)

    async def lose_everything(self) -> None:
        self.valkey.stop()
        self.valkey.start()
        await until(self._answers)

    async def _answers(self) -> bool:
        try:
            return bool(await self.redis.ping())
        except redis.ConnectionError:
            return False

    async def users(self) -> set[str | None]:
        return {entry.handoff.user_name for entry in await self.operator.entries()}

    async def aclose(self) -> None:
        for outbox in (self.first, self.second, self.operator):
            await outbox.aclose()
        await getattr(self.redis, "aclose", self.redis.close)()


@pytest.fixture
async def world(own_valkey: Valkey) -> AsyncIterator[World]:
    world = World(own_valkey)
    yield world
    await world.aclose()


async def test_what_a_restart_has_lost_is_written_down_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.promise(*USERS)
    await world.lose_everything()
    assert await world.users() == set()
    assert await world.first.recall() == 3
    assert await world.users() == set(USERS)
    assert "Redis has lost 3 hand-offs that users were promised; they are written down again" in caplog.text
    assert await world.first.recall() == 0, "once"
    again = await world.second.open(handoff("asha", id="again"), TERMS)
    assert (again.state, again.id) == ("duplicate", "id-asha"), "its episode is back, too"
    await asyncio.sleep(0.1)
    back = await world.second.claim(10)
    assert {(entry.handoff.user_name, entry.tries) for entry in back} == {(user, 1) for user in USERS}


async def test_a_process_looks_by_itself(own_valkey: Valkey) -> None:
    ours = outbox_on(own_valkey.url, look=0.05)
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        await ours.open(handoff(), TERMS)
        await client.flushall()
        await until(lambda: client.zcard("haptik:{outbox}:due"))
    await ours.aclose()


async def _nothing(world: World) -> None:
    await world.redis.flushall()


async def _its_entry(world: World) -> None:
    await world.redis.delete("haptik:{outbox}:entry:343:asha")


async def _all_that_is_due(world: World) -> None:
    await world.redis.delete("haptik:{outbox}:due")


async def _its_entry_after_a_claim(world: World) -> None:
    await _its_entry(world)
    await asyncio.sleep(0.1)
    assert await world.second.claim(10) == []


@pytest.mark.parametrize("lose", [_nothing, _its_entry, _all_that_is_due, _its_entry_after_a_claim])
async def test_single_keys_may_be_lost(world: World, lose: Callable[[World], Awaitable[None]]) -> None:
    await world.promise("asha")
    await lose(world)
    assert await world.first.recall() == 1
    await asyncio.sleep(0.1)
    assert [entry.handoff.user_name for entry in await world.second.claim(10)] == ["asha"]


async def _delivered(world: World) -> None:
    (entry,) = await world.second.claim(10)
    await world.second.confirm(entry.handoff, episode=None)


async def _delivered_and_over(world: World) -> None:
    await _delivered(world)
    await world.second.end_episode(handoff().chat)


async def _dropped(world: World) -> None:
    assert await world.operator.drop(handoff().chat) is True


async def _given_up(world: World) -> None:
    (entry,) = await world.second.claim(10)
    await world.second.bury(entry)


async def _refused(world: World) -> None:
    await world.second.refuse(handoff())


ENDS = [_delivered, _delivered_and_over, _dropped, _given_up, _refused]


@pytest.mark.parametrize("end", ENDS)
async def test_what_is_done_with_elsewhere_does_not_come_back(
    world: World, end: Callable[[World], Awaitable[None]]
) -> None:
    await world.promise("asha")
    await asyncio.sleep(0.1)
    await end(world)
    assert await world.first.recall() == 0
    await world.redis.flushall()
    assert await world.first.recall() == await world.second.recall() == 0
    assert await world.users() == set()


@pytest.mark.parametrize("first", ["who knows", "who does not"])
async def test_what_was_delivered_just_before_the_loss_is_not_delivered_again(world: World, first: str) -> None:
    await world.promise("asha")
    await asyncio.sleep(0.1)
    await _delivered(world)
    await world.redis.flushall()
    looks = [world.second, world.first] if first == "who knows" else [world.first, world.second]
    for outbox in looks:
        await outbox.recall()
    assert await world.users() == set()
    assert await world.first.recall() == 0
    assert await world.users() == set()


async def test_what_is_being_delivered_is_not_taken_by_another(world: World) -> None:
    await world.promise("asha")
    await asyncio.sleep(0.1)
    (entry,) = await world.second.claim(10)
    await world.redis.flushall()
    assert await world.first.recall() == 1
    await world.second.recall()
    await asyncio.sleep(0.1)
    assert await world.first.claim(10) == []
    await world.second.confirm(entry.handoff, episode=None)
    assert await world.users() == set()


async def test_a_look_does_not_prolong_the_lease_of_a_process_that_dies(own_valkey: Valkey) -> None:
    ours = ResilientOutbox(RedisOutbox(connect(own_valkey.url, seconds=1), lease=0.2), look=3600.0)
    theirs = RedisOutbox(connect(own_valkey.url, seconds=SECONDS))
    await ours.open(handoff(), TERMS)
    await ours.recall()
    (entry,) = await theirs.entries()
    assert entry.due is not None
    assert entry.due < time.time() + 0.3
    await ours.aclose()
    await theirs.aclose()


async def test_a_dead_letter_that_a_person_brings_back_is_an_entry_again(world: World) -> None:
    await world.promise("asha")
    await asyncio.sleep(0.1)
    await _given_up(world)
    assert await world.first.recall() == await world.second.recall() == 0
    assert await world.operator.revive(handoff().chat) is True
    assert [entry.tries for entry in await world.first.claim(10)] == [0]
    await world.redis.flushall()
    assert await world.second.recall() == 0
    assert await world.first.recall() == 1


async def test_the_hand_off_that_came_later_is_the_one_that_counts(world: World) -> None:
    await world.promise("asha")
    await world.redis.flushall()
    assert (await world.second.open(handoff(id="later"), TERMS)).state == "go"
    assert await world.first.recall() == 0
    assert [entry.handoff.id for entry in await world.operator.entries()] == ["later"]
    await world.second.confirm(handoff(id="later"), episode=3600)
    assert await world.first.recall() == await world.second.recall() == 0
    assert await world.users() == set()


async def test_a_turn_and_a_pause_are_kept(world: World) -> None:
    assert (await world.first.open(handoff("asha"), Terms(limit=1))).state == "go"
    assert (await world.first.open(handoff("ben"), Terms(limit=1))).state == "throttled"
    await world.first.later(entry_for(handoff("asha")), 40)
    await world.redis.flushall()
    assert await world.first.recall() == 2
    due = {entry.handoff.user_name: (entry.due or 0) - time.time() for entry in await world.operator.entries()}
    assert 30 < due["asha"] <= 40
    assert 50 < due["ben"] <= 60


async def test_a_process_that_is_new_holds_what_others_left(own_valkey: Valkey) -> None:
    gone = outbox_on(own_valkey.url)
    await gone.open(handoff(), TERMS)
    await gone.later(entry_for(handoff()), 60)
    await gone.aclose()
    new = outbox_on(own_valkey.url, look=0.05)
    assert await new.claim(10) == []
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        # It reads what there is and looks for it from then on.
        before = await calls(client, "zscore")
        await until(lambda: has_grown(client, before))
        await client.flushall()
        await until(lambda: client.zcard("haptik:{outbox}:due"))
    await new.aclose()


@pytest.mark.parametrize("bound", [{"most": 2}, {"most_bytes": 400}])
async def test_a_process_holds_a_bounded_number(
    own_valkey: Valkey, bound: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    ours = outbox_on(own_valkey.url, **bound)
    for user in USERS:
        await ours.open(handoff(user), TERMS)
    assert caplog.text.count("This process holds 2 open hand-offs") == 1
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        await client.flushall()
    assert await ours.recall() == 2
    await ours.aclose()


async def test_what_only_memory_holds_at_the_end_is_said_to_be_lost(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    ours = outbox_on(own_valkey.url)
    own_valkey.stop()
    await ours.open(handoff(), TERMS)
    await ours.aclose()
    assert "Hand-off id-asha is lost: the process stops before Haptik or Redis took it" in caplog.text


class Chaos:
    """Three processes that open, deliver and fail; a Redis that forgets now and then; an operator who drops."""

    def __init__(self, valkey: Valkey, seed: int) -> None:
        self._random = random.Random(seed)
        self._valkey = valkey
        self._processes = [outbox_on(valkey.url, grace=0.02) for _ in range(3)]
        self._operator = RedisOutbox(connect(valkey.url, seconds=SECONDS))
        self._redis: Any = redis.asyncio.Redis.from_url(valkey.url)
        self.promised: set[str] = set()
        self.ended: set[str] = set()
        self.delivered: Counter[str] = Counter()

    async def step(self) -> None:
        act = self._random.choices(
            [self._open, self._work, self._lose_all, self._evict, self._drop], weights=[6, 8, 1, 3, 1]
        )[0]
        await act()
        for process in self._random.sample(self._processes, 3):
            await process.recall()

    async def settle(self) -> None:
        for _ in range(200):
            await asyncio.sleep(0.03)
            for process in self._processes:
                await process.recall()
                await self._work_of(process, fails=0.0)
            waiting = [entry for entry in await self._operator.entries() if entry.due is not None]
            if not waiting and self.promised <= {*self.delivered, *self.ended}:
                return
        raise AssertionError(f"still there: {waiting}")

    async def aclose(self) -> None:
        for process in self._processes:
            await process.aclose()
        await self._operator.aclose()
        await getattr(self._redis, "aclose", self._redis.close)()

    async def _open(self) -> None:
        user = f"u{len(self.promised)}"
        process = self._random.choice(self._processes)
        if (await process.open(handoff(user), TERMS)).state == "go":
            self.promised.add(user)
            await process.later(entry_for(handoff(user), tries=1), 0.02)

    async def _work(self) -> None:
        await self._work_of(self._random.choice(self._processes), fails=0.5)

    async def _work_of(self, process: ResilientOutbox, *, fails: float) -> None:
        for entry in await process.claim(3):
            user = entry.handoff.user_name or ""
            if self._random.random() < fails:
                await process.later(entry, 0.02)
            elif self._random.random() < 0.1:
                self.ended.add(user)
                await process.bury(entry)
            else:
                self.delivered[user] += 1
                await process.confirm(entry.handoff, episode=None)

    async def _lose_all(self) -> None:
        await self._redis.flushall()

    async def _evict(self) -> None:
        keys = [key async for key in self._redis.scan_iter("haptik:*")]
        if keys:
            await self._redis.delete(self._random.choice(sorted(keys)))

    async def _drop(self) -> None:
        entries = await self._operator.entries()
        if entries:
            entry = self._random.choice(entries)
            if await self._operator.drop(entry.handoff.chat):
                self.ended.add(entry.handoff.user_name or "")


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_forgotten_each_promise_is_kept_once(own_valkey: Valkey, seed: int) -> None:
    chaos = Chaos(own_valkey, seed)
    for _ in range(120):
        await chaos.step()
    await chaos.settle()
    assert set(chaos.delivered) | chaos.ended == chaos.promised
    assert {user: count for user, count in chaos.delivered.items() if count > 1} == {}
    await chaos.aclose()
