from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
import redis
from click.testing import CliRunner, Result

from haptik_actions._redis import connect
from haptik_actions.cli import main
from haptik_actions.escalation import BreakerRule, Breakers, SharedBreakers
from tests.support.patience import SECONDS
from tests.support.ports import free_port


@pytest.fixture
def breakers_url(valkey_url: str) -> Iterator[str]:
    client = redis.Redis.from_url(valkey_url)

    def forget() -> None:
        for key in client.scan_iter("haptik:{breakers}*"):
            client.delete(key)

    forget()
    yield valkey_url
    forget()
    client.close()


async def fail(url: str, *rules: BreakerRule) -> None:
    breakers = Breakers(SharedBreakers(connect(url, seconds=SECONDS)))
    for rule in rules:
        with pytest.raises(ConnectionError):
            async with breakers.guarding(rule):
                raise ConnectionError
    await breakers.aclose()


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["breakers", *arguments], env={"REDIS_URL": url})


def test_no_failures(breakers_url: str) -> None:
    assert run(breakers_url, "list").output == "No breaker has had a failure within a day.\n"
    assert json.loads(run(breakers_url, "list", "--json").output) == []


def test_every_state_is_shown_and_can_be_reset(breakers_url: str) -> None:
    rules = (
        BreakerRule(name="crm\x1b[31m", failures=1, cooldown=0.001),
        BreakerRule(name="orders", failures=1, cooldown=3000),
        BreakerRule(name="payments"),
    )
    asyncio.run(fail(breakers_url, *rules))
    crm, orders, payments = run(breakers_url, "list").output.splitlines()
    assert crm == r"crm\x1b[31m  half-open  the next call tries"
    assert orders.startswith("orders  open  tried again in ")
    assert payments == "payments  closed  1 failure in the running window"
    rows = json.loads(run(breakers_url, "list", "--json").output)
    assert [(row["name"], row["state"], row["failures"]) for row in rows] == [
        ("crm\x1b[31m", "half-open", 0),
        ("orders", "open", 0),
        ("payments", "closed", 1),
    ]

    assert run(breakers_url, "reset", "orders").output == "The breaker orders is closed.\n"
    assert "orders  closed  0 failures" in run(breakers_url, "list").output
    again = run(breakers_url, "reset", "orders")
    assert (again.exit_code, "is closed and has no failures" in again.stderr) == (1, True)


def test_a_redis_that_does_not_answer(breakers_url: str) -> None:
    result = run(f"redis://127.0.0.1:{free_port()}", "list")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: Redis does not answer (ConnectionError). Check REDIS_URL.\n",
    )
