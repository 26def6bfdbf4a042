from __future__ import annotations

import asyncio
import uuid

import pytest

from haptik_actions._redis import connect
from haptik_actions.errors import IntegrationDown
from haptik_actions.escalation import Breakers
from tests.support.valkey import free_port


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Rejected(Exception):
    pass


async def use(breakers: Breakers, error: BaseException | None = None, name: str = "orders") -> str:
    try:
        async with breakers.guarding(name, passes=(Rejected,)):
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
    breakers = Breakers(failures=3, cooldown=30, timer=clock)
    assert [await use(breakers, ValueError()) for _ in range(4)] == ["failed"] * 3 + ["down"]
    assert breakers.states() == {"orders": "open"}
    clock.now = 29
    assert await use(breakers) == "down"
    clock.now = 31
    assert breakers.states() == {"orders": "half-open"}
    assert await use(breakers) == "worked"
    assert breakers.states() == {"orders": "closed"}
    assert [await use(breakers, ValueError()) for _ in range(2)] == ["failed"] * 2


async def test_one_call_probes_and_the_others_fail_at_once() -> None:
    clock = Clock()
    breakers = Breakers(failures=1, cooldown=30, timer=clock)
    await use(breakers, ValueError())
    clock.now = 31
    gate = asyncio.Event()

    async def probe() -> None:
        async with breakers.guarding("orders"):
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
    breakers = Breakers(failures=1, cooldown=30, timer=clock)
    await use(breakers, ValueError())
    clock.now = 31
    assert await use(breakers, asyncio.CancelledError()) == "failed"
    assert breakers.states() == {"orders": "half-open"}
    assert await use(breakers) == "worked"


async def test_control_flow_is_no_failure() -> None:
    breakers = Breakers(failures=1)
    assert await use(breakers, Rejected()) == "failed"
    assert await use(breakers) == "worked"


async def test_old_failures_do_not_count() -> None:
    clock = Clock()
    breakers = Breakers(failures=2, window=60, timer=clock)
    await use(breakers, ValueError())
    clock.now = 61
    await use(breakers, ValueError())
    assert breakers.states() == {"orders": "closed"}


async def test_names_are_apart() -> None:
    breakers = Breakers(failures=1)
    await use(breakers, ValueError(), "orders")
    assert await use(breakers, None, "payments") == "worked"


async def test_processes_share_failures_and_openings(valkey_url: str) -> None:
    name = f"orders-{uuid.uuid4().hex[:8]}"
    ours = Breakers(connect(valkey_url, seconds=5), failures=4)
    theirs = Breakers(connect(valkey_url, seconds=5), failures=4)
    assert await use(theirs, None, name) == "worked"
    for breakers in (ours, theirs, ours):
        assert await use(breakers, ValueError(), name) == "failed"
    assert theirs.states() == {name: "closed"}
    assert await use(ours, ValueError(), name) == "failed"
    assert ours.states() == {name: "open"}
    await theirs.refresh()
    assert theirs.states() == {name: "open"}
    assert await use(theirs, None, name) == "down"
    for breakers in (ours, theirs):
        await breakers.aclose()


async def test_without_redis_it_works_alone(caplog: pytest.LogCaptureFixture) -> None:
    breakers = Breakers(connect(f"redis://127.0.0.1:{free_port()}", seconds=0.2), failures=2)
    assert [await use(breakers, ValueError()) for _ in range(3)] == ["failed", "failed", "down"]
    await breakers.refresh()
    assert "not shared" in caplog.text
    await breakers.aclose()
