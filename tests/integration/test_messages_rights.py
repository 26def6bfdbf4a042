"""The rights that docs/messages.md asks for are enough, on a real Valkey, and one that is missing is one sentence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
from redis.asyncio import Redis

from haptik_actions.errors import MessagesUnavailable
from haptik_actions.messages import Catalogue, MessageStore
from tests.support.valkey import Valkey

MESSAGES = Path(__file__).parents[2] / "docs" / "messages.md"
NEVER = "0-"


def rights(who: str) -> list[str]:
    """What a line `ACL SETUSER <who> …` of the document gives."""
    found = re.search(rf"^ACL SETUSER {who} on >\S+ (.+)$", MESSAGES.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"docs/messages.md has no ACL SETUSER {who}"
    return found[1].split()


@pytest.fixture
async def admin(own_valkey: Valkey) -> AsyncIterator[Redis]:
    client = redis.asyncio.Redis.from_url(own_valkey.url)
    yield client
    await getattr(client, "aclose", client.close)()


async def user(admin: Any, valkey: Valkey, who: str, *without: str) -> str:
    """The URL of a user with these rights alone, but for those of `without`."""
    given = ["resetchannels", *(right for right in rights(who) if right not in without)]
    await admin.execute_command("ACL", "SETUSER", who, "reset", "on", ">pa55", *given)
    return f"redis://{who}:pa55@127.0.0.1:{valkey.port}/0"


async def everything_that_editors_do(url: str) -> None:
    catalogue = Catalogue.from_url(url)
    try:
        catalogue.start()
        await catalogue.seed({"utter_a": [{"text": "a {b}"}]}, slots=["b"])
        await catalogue.seed_packaged("de")
        entry = await catalogue.publish("utter_a", "en", "A {b}", author="asha", expected=NEVER)
        draft = await catalogue.save_draft("utter_a", "en", "draft", author="asha", expected="")
        await catalogue.discard_draft("utter_a", "en", expected=draft.revision)
        draft = await catalogue.save_draft("utter_a", "en", "draft", author="asha", expected="")
        entry = await catalogue.publish(
            "utter_a", "en", "B {b}", author="asha", expected=entry.revision, draft=draft.revision
        )
        entry = await catalogue.rollback("utter_a", "en", 1, author="asha", expected=entry.revision)
        entry = await catalogue.delete("utter_a", "en", author="asha", expected=entry.revision)
        assert entry.value == "a {b}"
        assert len(await catalogue.history("utter_a", "en")) == 4
        assert (await catalogue.search("utter_a")).total == 1
        assert await catalogue.locales()
        assert await catalogue.summary()
        assert await catalogue.texts(["utter_a"], "en") == {"utter_a": "a {b}"}
        plan = await catalogue.plan_import(await catalogue.export("csv"), "csv")
        await catalogue.apply_import(plan, author="asha")
        await catalogue.check("utter_a", "en", "x")
        for _ in range(3000):
            if catalogue.is_tracking:
                break
            await asyncio.sleep(0.02)
        assert catalogue.is_tracking
    finally:
        await catalogue.aclose()


async def test_an_editor_needs_no_more_than_is_documented(admin: Redis, own_valkey: Valkey) -> None:
    await everything_that_editors_do(await user(admin, own_valkey, "editor"))


async def test_an_edit_by_hand_is_taken_up_under_these_rights(admin: Redis, own_valkey: Valkey) -> None:
    url = await user(admin, own_valkey, "editor")
    await admin.set("haptik:messages:en:utter_a", "by hand")
    # Written by something else: neither a version nor a list.
    await admin.lpush("haptik:messages-history:{haptik:messages:en:utter_a}", "no version")
    await admin.sadd("haptik:messages-draft:{haptik:messages:en:utter_a}", "no string")
    catalogue = Catalogue.from_url(url)
    entry = await catalogue.get("utter_a", "en")
    await catalogue.publish("utter_a", "en", "x", author="asha", expected=entry.revision)
    await catalogue.aclose()


# Without these Redis tells of no edit, or (LLEN) only a list is not counted that something else has written.
OPTIONAL = ("+subscribe", "+ping", "+client|id", "+client|tracking", "+llen")


@pytest.mark.parametrize(
    "right", [right for right in rights("editor") if right.startswith("+") and right not in OPTIONAL]
)
async def test_a_missing_right_of_an_editor_is_one_sentence(admin: Redis, own_valkey: Valkey, right: str) -> None:
    url = await user(admin, own_valkey, "editor", right)
    with pytest.raises(MessagesUnavailable, match=f"(?i)perm.*{right[1:]}") as caught:
        await everything_that_editors_do(url)
    assert "\n" not in str(caught.value)


async def test_a_bot_that_may_not_read_says_the_default(admin: Redis, own_valkey: Valkey) -> None:
    store = MessageStore.from_url(await user(admin, own_valkey, "bot", "+get"), defaults={"en": {"utter_a": "default"}})
    assert await store.text("utter_a") == "default"
    assert (store.health().state, store.health().detail) == ("defaults", "NoPermissionError")
    await store.aclose()


async def test_a_bot_needs_no_more_than_is_documented(admin: Redis, own_valkey: Valkey) -> None:
    url = await user(admin, own_valkey, "bot")
    await admin.set("haptik:messages:en:utter_a", "first")
    store = MessageStore.from_url(url)
    store.start()
    try:
        assert await store.text("utter_a") == "first"
        for _ in range(3000):
            if store.health().tracking:
                break
            await asyncio.sleep(0.02)
        assert store.health().tracking
        await admin.set("haptik:messages:en:utter_a", '{"broken')
        await admin.lpush("haptik:messages-history:{haptik:messages:en:utter_a}", '{"value": "published"}')
        for _ in range(3000):
            if await store.text("utter_a") == "published":
                break
            await asyncio.sleep(0.02)
        assert await store.text("utter_a") == "published"
    finally:
        await store.aclose()
