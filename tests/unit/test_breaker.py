from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from haptik_actions._redis import connect
from haptik_actions.errors import IntegrationDown
from haptik_actions.escalation import BreakerRule, Breakers, BreakerState, SharedBreakers
from tests.support.patience import SECONDS
from tests.support.ports import free_port


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Rejected(Exception):
    pass


def rule(name: str = "orders", failures: int = 1, **seconds: float) -> BreakerRule:
    return BreakerRule(name=name, failures=failures, **seconds)


async def use(breakers: Breakers, error: BaseException | None = None, by: BreakerRule | None = None) -> str:
    try:
        async with breakers.guarding(by or rule(), passes=(Rejected,)):
            if error is not None:
                raise error
    except IntegrationDown:
        return "down"
    except BaseException as raised:
        if raised is not error:
            raise
        return "failed"
    return "worked"


async def test_it_opens_after_repeated_failures_and_closes_after_one_success() -> None:
    clock = Clock()
    breakers, by = Breakers(timer=clock), rule(failures=3)
    assert [await use(breakers, ValueError(), by) for _ in range(4)] == ["failed"] * 3 + ["down"]
    assert breakers.states() == {"orders": "open"}
    clock.now = 29
    assert await use(breakers) == "down"
    clock.now = 31
    assert breakers.states() == {"orders": "half-open"}
    assert await use(breakers) == "worked"
    assert breakers.states() == {"orders": "closed"}
    assert [await use(breakers, ValueError(), by) for _ in range(2)] == ["failed"] * 2


async def test_one_call_probes_and_the_others_fail_at_once() -> None:
    clock = Clock()
    breakers = Breakers(timer=clock)
    await use(breakers, ValueError())
    clock.now = 31
    gate = asyncio.Event()

    async def probe() -> None:
        async with breakers.guarding(rule()):
            await gate.wait()
            raise ValueError

    task = asyncio.create_task(probe())
    await asyncio.sleep(0)
    assert await use(breakers) == "down"
    gate.set()
    with pytest.raises(ValueError):
        await task
    assert await use(breakers) == "down", "a failed probe opens it again at once"
    clock.now = 62
    assert await use(breakers) == "worked"


async def test_a_probe_that_is_cancelled_proves_nothing() -> None:
    clock = Clock()
    breakers = Breakers(timer=clock)
    await use(breakers, ValueError())
    clock.now = 31
    assert await use(breakers, asyncio.CancelledError()) == "failed"
    assert breakers.states() == {"orders": "half-open"}
    assert await use(breakers) == "worked"


async def test_control_flow_is_no_failure() -> None:
    breakers = Breakers()
    assert await use(breakers, Rejected()) == "failed"
    assert await use(breakers) == "worked"


async def test_old_failures_do_not_count() -> None:
    clock = Clock()
    breakers, by = Breakers(timer=clock), rule(failures=2, window=60)
    await use(breakers, ValueError(), by)
    clock.now = 61
    await use(breakers, ValueError(), by)
    assert breakers.states() == {"orders": "closed"}


async def test_names_are_apart() -> None:
    breakers = Breakers()
    await use(breakers, ValueError(), rule("orders"))
    assert await use(breakers, None, rule("payments")) == "worked"


@pytest.fixture
async def shared(valkey_url: str) -> AsyncIterator[Callable[[], SharedBreakers]]:
    made: list[SharedBreakers] = []

    def make() -> SharedBreakers:
        made.append(SharedBreakers(connect(valkey_url, seconds=SECONDS)))
        return made[-1]

    yield make
    for state in await make().states():
        await made[0].close(state.name)
    for each in made:
        await each.aclose()


@pytest.fixture
def by() -> BreakerRule:
    return rule(f"orders-{uuid.uuid4().hex[:8]}", failures=4)


async def test_processes_share_failures_and_openings(shared: Callable[[], SharedBreakers], by: BreakerRule) -> None:
    ours, theirs = Breakers(shared()), Breakers(shared())
    assert await use(theirs, None, by) == "worked"
    for breakers in (ours, theirs, ours):
        assert await use(breakers, ValueError(), by) == "failed"
    assert theirs.states() == {by.name: "closed"}
    assert await use(ours, ValueError(), by) == "failed"
    assert ours.states() == {by.name: "open"}
    await theirs.refresh()
    assert theirs.states() == {by.name: "open"}
    assert await use(theirs, None, by) == "down"


async def test_a_process_that_never_used_it_knows_that_it_is_open(
    shared: Callable[[], SharedBreakers], by: BreakerRule
) -> None:
    for _ in range(4):
        await use(Breakers(shared()), ValueError(), by)
    new = Breakers(shared())
    await new.refresh()
    assert await use(new, None, by) == "down"


async def test_what_one_process_closes_is_closed_for_all(shared: Callable[[], SharedBreakers], by: BreakerRule) -> None:
    clock = Clock()
    ours, theirs = Breakers(shared(), timer=clock), Breakers(shared())
    for _ in range(4):
        await use(ours, ValueError(), by)
    await theirs.refresh()
    assert theirs.states()[by.name] == "open"
    clock.now = 31
    assert await use(ours, None, by) == "worked"
    await theirs.refresh()
    assert await use(theirs, None, by) == "worked"


async def test_a_person_sees_and_resets_them(shared: Callable[[], SharedBreakers], by: BreakerRule) -> None:
    admin, breakers = shared(), Breakers(shared())

    async def seen() -> BreakerState | None:
        return next((state for state in await admin.states() if state.name == by.name), None)

    assert await seen() is None
    await use(breakers, ValueError(), by)
    assert await seen() == BreakerState(name=by.name, state="closed", failures=1)
    for _ in range(3):
        await use(breakers, ValueError(), by)
    state = await seen()
    assert state is not None
    assert (state.state, state.failures, 25 < state.seconds <= 30) == ("open", 0, True)
    assert await admin.close(by.name) is True
    assert await admin.close(by.name) is False
    await breakers.refresh()
    assert await use(breakers, None, by) == "worked"


async def test_a_cooldown_that_is_over_is_half_open(shared: Callable[[], SharedBreakers], by: BreakerRule) -> None:
    quick = rule(by.name, cooldown=0.05)
    breakers = Breakers(shared())
    await use(breakers, ValueError(), quick)
    await asyncio.sleep(0.1)
    (state,) = [state for state in await shared().states() if state.name == by.name]
    assert (state.state, state.seconds) == ("half-open", 0)
    await breakers.refresh()
    assert breakers.states() == {by.name: "half-open"}
    assert await use(breakers, None, quick) == "worked"


async def test_without_redis_it_works_alone(caplog: pytest.LogCaptureFixture) -> None:
    breakers = Breakers(SharedBreakers(connect(f"redis://127.0.0.1:{free_port()}", seconds=0.2)))
    by = rule(failures=2)
    assert [await use(breakers, ValueError(), by) for _ in range(3)] == ["failed", "failed", "down"]
    await breakers.refresh()
    assert "not shared" in caplog.text
    await breakers.aclose()


async def test_a_call_from_before_that_is_cancelled_lets_no_second_one_probe() -> None:
    clock, began = Clock(), asyncio.Event()
    breakers = Breakers(timer=clock)

    async def hang() -> None:
        async with breakers.guarding(rule()):
            began.set()
            await asyncio.Event().wait()

    before = asyncio.create_task(hang())
    await began.wait()
    assert await use(breakers, ValueError()) == "failed"
    clock.now = 31
    async with breakers.guarding(rule()):
        before.cancel()
        await asyncio.wait([before])
        assert before.cancelled()
        assert await use(breakers) == "down"
    assert breakers.states() == {"orders": "closed"}
