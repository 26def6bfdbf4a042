"""One suite over both ledgers: what is recorded, and that one process at a time may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.errors import FaqLocked, FaqLockLost, LedgerError
from haptik_actions.faq import FileLedger, Ledger, NodeSet, RedisLedger, Run
from haptik_actions.faq._node import Packer

Make = Callable[..., Ledger]
TakeOver = Callable[[], Awaitable[None]]

LEASE = 2.0
"""In seconds: longer than a busy machine takes from one line of a test to the next."""


def nodes(*names: str) -> NodeSet:
    return Packer.pack([name, f"{name}?", "yes", "", "", "", ""] for name in names)


def run(known: NodeSet, **fields: Any) -> Run:
    defaults = {"id": "run1", "domain": "shop", "state": "planned", "digest": known.digest, "nodes": known.count}
    return Run(**{**defaults, "source": "faq.csv", "owner": "me", "began": 1.0, "changed": 2.0, **fields})


@pytest.fixture(params=["file", "redis"])
async def make(
    request: pytest.FixtureRequest, tmp_path: Path, valkey_url: str, redis_client: redis.asyncio.Redis
) -> AsyncIterator[Make]:
    """Opens the same ledger once more, as another process would."""
    opened: list[Ledger] = []

    def open_file(domain: str = "shop") -> Ledger:
        return FileLedger(tmp_path / "ledger", domain)

    def open_redis(domain: str = "shop") -> Ledger:
        return RedisLedger(redis.asyncio.Redis.from_url(valkey_url), domain, lease=LEASE)

    def make(domain: str = "shop") -> Ledger:
        opened.append(open_file(domain) if request.param == "file" else open_redis(domain))
        return opened[-1]

    yield make
    for ledger in opened:
        await ledger.aclose()


@pytest.fixture
def take_over(tmp_path: Path) -> TakeOver:
    """Makes the lock free although somebody holds it: its lease runs out, or somebody removes the lock file."""

    def remove_lock_files() -> None:
        for lock in tmp_path.rglob("lock"):
            lock.unlink()

    async def take_over() -> None:
        remove_lock_files()
        await asyncio.sleep(LEASE + 0.1)

    return take_over


async def test_an_empty_ledger_knows_nothing(make: Make) -> None:
    ledger = make()
    assert (await ledger.applied(), await ledger.runs(), await ledger.nodes("00")) == (None, [], None)


async def test_a_run_is_there_for_others_from_when_it_is_recorded(make: Make) -> None:
    ours, theirs = make(), make()
    known = nodes("a", "b")
    lease = await ours.acquire("me")
    await ours.record(lease, run(known), known)
    assert await theirs.runs() == [run(known)]
    assert await theirs.nodes(known.digest) == known
    assert await theirs.applied() is None
    done = run(known, state="done", task_id="t", message="ok")
    await ours.record(lease, done)
    assert (await theirs.runs(), await theirs.applied()) == ([done], done)


async def test_a_later_run_that_fails_leaves_the_applied_one_and_its_nodes(make: Make) -> None:
    ledger = make()
    lease = await ledger.acquire("me")
    good, bad = nodes("a"), nodes("b")
    await ledger.record(lease, run(good, state="done"), good)
    await ledger.record(lease, run(bad, id="run2"), bad)
    await ledger.record(lease, run(bad, id="run2", state="failed", message="row 1"))
    applied = await ledger.applied()
    assert applied is not None
    assert (applied.id, await ledger.nodes(applied.digest)) == ("run1", good)
    assert [known.id for known in await ledger.runs()] == ["run2", "run1"]


async def test_sets_that_nobody_needs_are_swept(make: Make) -> None:
    ledger = make()
    lease = await ledger.acquire("me")
    sets = [nodes(name) for name in "abc"]
    for number, known in enumerate(sets):
        await ledger.record(lease, run(known, id=f"run{number}", state="done"), known)
    assert [await ledger.nodes(known.digest) for known in sets] == [None, None, sets[2]]


async def test_a_hundred_runs_are_kept_and_the_applied_one_always(make: Make) -> None:
    ledger = make()
    lease = await ledger.acquire("me")
    known = nodes("a")
    await ledger.record(lease, run(known, id="good", state="done"), known)
    for number in range(105):
        await ledger.record(lease, run(known, id=f"run{number}", state="failed"))
    listed = await ledger.runs()
    applied = await ledger.applied()
    assert (len(listed), listed[0].id) == (100, "run104")
    assert applied is not None
    assert applied.id == "good"


async def test_who_comes_second_is_told_who_has_the_lock(make: Make) -> None:
    ours, theirs = make(), make()
    lease = await ours.acquire("pipeline 7")
    with pytest.raises(FaqLocked, match="pipeline 7 is applying to 'shop'"):
        await theirs.acquire("pipeline 8")
    await ours.release(lease)
    later = await theirs.acquire("pipeline 8")
    assert later.token > lease.token


async def test_domains_do_not_wait_for_each_other(make: Make) -> None:
    await make().acquire("me")
    assert (await make("another/../shop").acquire("me")).token == 1
    assert (await make("..").acquire("me")).token == 1


async def test_a_lock_that_is_renewed_stays(make: Make) -> None:
    ours, theirs = make(), make()
    lease = await ours.acquire("me")
    for _ in range(3):
        await asyncio.sleep(LEASE / 2)
        await ours.renew(lease)
    with pytest.raises(FaqLocked):
        await theirs.acquire("you")


async def test_who_lost_the_lock_cannot_write_any_more(make: Make, take_over: TakeOver) -> None:
    ours, theirs = make(), make()
    known = nodes("a")
    stale = await ours.acquire("slow")
    await ours.record(stale, run(known), known)
    await take_over()
    fresh = await theirs.acquire("quick")
    await theirs.record(fresh, run(known, id="run2", state="done"), known)
    for attempt in (ours.record(stale, run(known, state="done")), ours.renew(stale)):
        with pytest.raises(FaqLockLost):
            await attempt
    applied = await make().applied()
    assert applied is not None
    assert applied.id == "run2"


async def test_giving_back_a_lost_lock_does_not_free_the_new_one(make: Make, take_over: TakeOver) -> None:
    ours, theirs = make(), make()
    stale = await ours.acquire("slow")
    await take_over()
    await theirs.acquire("quick")
    await ours.release(stale)
    with pytest.raises(FaqLocked):
        await make().acquire("third")


async def test_a_lock_that_ran_out_and_that_nobody_took_is_still_ours(make: Make) -> None:
    ours = make()
    lease = await ours.acquire("me")
    await asyncio.sleep(LEASE + 0.1)
    known = nodes("a")
    await ours.record(lease, run(known, state="done"), known)
    await ours.renew(lease)
    with pytest.raises(FaqLocked):
        await make().acquire("you")


async def test_a_damaged_ledger_is_said(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path, "shop")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "ledger.json").write_text("{")
    for attempt in (ledger.runs(), ledger.acquire("me"), ledger.acquire("me")):
        with pytest.raises(LedgerError, match="shop is damaged"):
            await attempt
    (tmp_path / "shop" / "ledger.json").unlink()
    assert (await ledger.acquire("me")).token == 1, "the failed attempts have not kept the lock"
    await ledger.aclose()


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="Not a directory"):
        await FileLedger(tmp_path / "file", "shop").acquire("me")


async def test_a_redis_that_does_not_answer_is_said_without_its_address(unused_port: int) -> None:
    client = redis.asyncio.Redis.from_url(f"redis://:pa55@127.0.0.1:{unused_port}/0")
    ledger = RedisLedger(client, "shop")
    with pytest.raises(LedgerError, match=r"Redis does not answer \(ConnectionError\)") as raised:
        await ledger.runs()
    assert "pa55" not in str(raised.value)
    await ledger.aclose()
