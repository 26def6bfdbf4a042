from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest
import redis
from click.testing import CliRunner, Result

from haptik_actions._redis import connect
from haptik_actions.cli import main
from haptik_actions.escalation import Entry, HandOff, RedisOutbox, Terms
from tests.support.patience import SECONDS
from tests.support.ports import free_port


@pytest.fixture
def outbox_url(valkey_url: str) -> Iterator[str]:
    client = redis.Redis.from_url(valkey_url)

    def forget() -> None:
        for key in client.scan_iter("haptik:{outbox}*"):
            client.delete(key)

    forget()
    yield valkey_url
    forget()
    client.close()


async def fill(url: str) -> None:
    outbox = RedisOutbox(connect(url, seconds=SECONDS))
    for user in ("asha", "ben\x1b[31m"):
        handoff = HandOff(id=f"id-{user[:3]}", user_name=user, business_id=1201, teams=("orders", "support"))
        await outbox.open(handoff, Terms())
        entry = Entry(handoff=handoff, created=time.time(), tries=3, error="ServerError")
        await (outbox.later(entry, 60) if user == "asha" else outbox.bury(entry))
    await outbox.aclose()


def damage(url: str, user: str = "asha") -> None:
    with redis.Redis.from_url(url) as client:
        client.set(f"haptik:{{outbox}}:entry:1201:{user}", b'{"handoff": {"id": "1"}}', keepttl=True)


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["outbox", *arguments], env={"REDIS_URL": url})


def test_an_empty_outbox(outbox_url: str) -> None:
    assert run(outbox_url, "list").output == "The outbox is empty.\n"
    assert json.loads(run(outbox_url, "list", "--json").output) == []


def test_list_shows_what_waits_and_what_was_given_up(outbox_url: str) -> None:
    asyncio.run(fill(outbox_url))
    shown = run(outbox_url, "list").output
    first, second = shown.splitlines()
    assert first.startswith("1201:asha  to orders, support  due 20")
    assert first.endswith("3 tries after ServerError  hand-off id-ash")
    assert "given up" in second
    assert "\x1b" not in shown
    rows = json.loads(run(outbox_url, "list", "--json").output)
    assert [(row["chat"], row["due"] is None, row["tries"]) for row in rows] == [
        ("1201:asha", False, 3),
        ("1201:ben\x1b[31m", True, 3),
    ]


def test_retry_makes_a_dead_letter_due(outbox_url: str) -> None:
    asyncio.run(fill(outbox_url))
    done = run(outbox_url, "retry", "1201:ben\x1b[31m")
    assert (done.exit_code, "tried again" in done.output) == (0, True)
    rows = json.loads(run(outbox_url, "list", "--json").output)
    assert [(row["due"] is None, row["tries"]) for row in rows] == [(False, 0), (False, 3)]


def test_drop_erases(outbox_url: str) -> None:
    asyncio.run(fill(outbox_url))
    assert run(outbox_url, "drop", "1201:asha").exit_code == 0
    assert [row["chat"] for row in json.loads(run(outbox_url, "list", "--json").output)] == ["1201:ben\x1b[31m"]


@pytest.mark.parametrize("action", ["retry", "drop"])
def test_an_unknown_chat_is_named(outbox_url: str, action: str) -> None:
    done = run(outbox_url, action, "7:nobody")
    assert done.exit_code == 1
    assert "7:nobody is not in the outbox" in done.output


@pytest.mark.parametrize(
    ("url", "status", "said"),
    [("", 2, "REDIS_URL is not set"), (f"redis://127.0.0.1:{free_port()}", 1, "Check REDIS_URL"), ("x", 2, "redis://")],
    ids=["no setting", "nobody there", "no URL"],
)
def test_what_is_wrong_with_the_setting_is_said(url: str, status: int, said: str) -> None:
    done = run(url, "list")
    assert (done.exit_code, said in done.output) == (status, True), done.output


def test_all_that_was_given_up_is_tried_again(outbox_url: str) -> None:
    asyncio.run(fill(outbox_url))
    assert run(outbox_url, "retry", "--all").output == "1 are tried again by the next action server that looks.\n"
    assert all(row["due"] for row in json.loads(run(outbox_url, "list", "--json").output))
    assert run(outbox_url, "retry", "--all").output.startswith("0 are tried again")


@pytest.mark.parametrize("arguments", [(), ("1201:asha", "--all")])
def test_a_retry_names_one_or_all(arguments: tuple[str, ...], outbox_url: str) -> None:
    result = run(outbox_url, "retry", *arguments)
    assert (result.exit_code, "Name one chat, or say --all" in result.stderr) == (2, True)


def test_what_cannot_be_read_is_listed_dropped_and_not_tried(outbox_url: str) -> None:
    asyncio.run(fill(outbox_url))
    damage(outbox_url)
    shown = run(outbox_url, "list").output.splitlines()[-1]
    assert shown.startswith("1201:asha  due 20")
    assert "  since 20" in shown
    assert "  unreadable: Object missing required field `business_id`" in shown
    rows = json.loads(run(outbox_url, "list", "--json").output)
    assert {frozenset(row) for row in rows} == {frozenset(rows[0])}, "all have the same keys"
    assert [(row["chat"], row["id"], row["unreadable"] is None) for row in rows] == [
        ("1201:ben\x1b[31m", "id-ben", True),
        ("1201:asha", None, False),
    ]
    assert all(row["since"].startswith("20") for row in rows)
    tried = run(outbox_url, "retry", "1201:asha")
    assert (tried.exit_code, "1201:asha cannot be read, and so cannot be tried" in tried.output) == (1, True)
    assert run(outbox_url, "drop", "1201:asha").exit_code == 0
    assert [row["unreadable"] for row in json.loads(run(outbox_url, "list", "--json").output)] == [None]


def test_what_was_given_up_and_cannot_be_read_is_counted_apart(outbox_url: str) -> None:
    asyncio.run(fill(outbox_url))
    damage(outbox_url, "ben\x1b[31m")
    tried = run(outbox_url, "retry", "--all")
    assert (tried.exit_code, tried.output.startswith("0 are tried again")) == (0, True)
    assert "1 cannot be read" in tried.stderr
