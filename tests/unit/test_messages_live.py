"""The store while Redis changes, goes away and comes back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from haptik_actions.messages import Catalogue, MessageStore, packaged_copy
from tests.support.patience import message_store, until
from tests.support.ports import free_port
from tests.support.valkey import Valkey

CONNECTED = "haptik_handoff_connected"


async def tracked(store: MessageStore) -> MessageStore:
    store.start()

    async def tracks() -> bool:
        return store.health().tracking

    await until(tracks)
    return store


@pytest.fixture
async def editor(own_valkey: Valkey) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(own_valkey.url)
    yield client
    await getattr(client, "aclose", client.close)()


async def test_an_edit_by_anybody_is_told(own_valkey: Valkey, editor: redis.asyncio.Redis) -> None:
    # The clock stands still: no time to live ends, so only what Redis tells can change an answer.
    store = await tracked(MessageStore.from_url(own_valkey.url, timer=lambda: 0.0))
    assert await store.text(CONNECTED) == packaged_copy()[CONNECTED]
    for locale, text in (("en", "one"), ("en", "two"), ("en-IN", "three")):
        await editor.set(f"haptik:messages:{locale}:{CONNECTED}", text)

        async def shows(text: str = text) -> bool:
            return await store.text(CONNECTED, "en-IN") == text

        await until(shows)
    await editor.set(f"haptik:messages-default:en:{CONNECTED}", "the domain's")
    await editor.delete(f"haptik:messages:en:{CONNECTED}", f"haptik:messages:en-IN:{CONNECTED}")

    async def default_shows() -> bool:
        return await store.text(CONNECTED) == "the domain's"

    await until(default_shows)
    await editor.flushall()

    async def nothing_shows() -> bool:
        return await store.text(CONNECTED) == packaged_copy()[CONNECTED]

    await until(nothing_shows)
    await store.aclose()


async def test_what_was_missed_while_redis_was_away_is_read_anew(
    own_valkey: Valkey, editor: redis.asyncio.Redis
) -> None:
    store = await tracked(MessageStore.from_url(own_valkey.url))
    await editor.set(f"haptik:messages:en:{CONNECTED}", "before")
    assert await store.text(CONNECTED) in ("before", packaged_copy()[CONNECTED])

    async def is_before() -> bool:
        return await store.text(CONNECTED) == "before"

    await until(is_before)
    own_valkey.stop()

    async def is_stale() -> bool:
        return await store.text(CONNECTED) == "before" and store.health().state == "stale"

    await until(is_stale)
    assert not store.health().tracking
    since = store.health().since
    assert since is not None
    assert abs(since - time.time()) < 60
    own_valkey.start()
    await editor.connection_pool.disconnect()
    await editor.set(f"haptik:messages:en:{CONNECTED}", "after")

    async def is_fresh() -> bool:
        return await store.text(CONNECTED) == "after" and store.health().tracking

    await until(is_fresh)
    assert store.health().state == "fresh"
    await store.aclose()


async def test_a_redis_that_may_not_track_is_asked_again_when_time_is_over(
    own_valkey: Valkey, editor: redis.asyncio.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    client: Any = editor
    await client.execute_command("ACL", "SETUSER", "bot", "on", ">botpw", "~haptik:*", "+get", "+lrange", "+ping")
    store = MessageStore.from_url(own_valkey.url.replace("redis://", "redis://bot:botpw@"), ttl=0.02)
    store.start()
    await editor.set(f"haptik:messages:en:{CONNECTED}", "one")

    async def shows(text: str) -> bool:
        return await store.text(CONNECTED) == text

    await until(lambda: shows("one"))
    await editor.set(f"haptik:messages:en:{CONNECTED}", "two")
    await until(lambda: shows("two"))
    await until(lambda: _said(caplog, "CLIENT TRACKING"))
    assert store.health().state == "fresh"
    assert not store.health().tracking
    await store.aclose()


async def _said(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text


async def test_broken_copy_is_not_shown_but_what_was_published_last(
    redis_client: redis.asyncio.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue = Catalogue(redis_client)
    await catalogue.publish(CONNECTED, "en", "published", author="asha", expected="0-")
    await redis_client.set(f"haptik:messages:en:{CONNECTED}", '{"text": "edited by hand"')
    # A store that knows nothing yet: no memory of its own helps it.
    assert await message_store(redis_client).text(CONNECTED) == "published"
    assert f"haptik:messages:en:{CONNECTED}" in caplog.text


async def test_broken_copy_that_nobody_published_leaves_the_rest_of_the_chain(
    redis_client: redis.asyncio.Redis,
) -> None:
    await redis_client.set(f"haptik:messages:en-IN:{CONNECTED}", '["')
    await redis_client.set(f"haptik:messages:en:{CONNECTED}", "english")
    assert await message_store(redis_client).text(CONNECTED, "en-IN") == "english"


async def test_each_locale_goes_to_its_own_default_before_the_next_locale(redis_client: redis.asyncio.Redis) -> None:
    await redis_client.set("haptik:messages-default:hi:utter_greet", "namaste")
    await redis_client.set("haptik:messages:en:utter_greet", "edited")
    store = message_store(redis_client)
    assert await store.text("utter_greet", "hi-IN") == "namaste"
    assert await store.text("utter_greet", "ta") == "edited"
    assert await store.text("utter_greet", "zh-Hant-TW") == "edited"


async def test_a_restart_while_redis_is_down_shows_the_snapshot(
    own_valkey: Valkey, editor: redis.asyncio.Redis, tmp_path: Path
) -> None:
    snapshot = tmp_path / "folder" / "messages.json"
    await editor.set("haptik:messages:en:utter_a", "edited")
    await editor.set(f"haptik:messages-default:en:{CONNECTED}", "the domain's")
    first = await tracked(MessageStore.from_url(own_valkey.url, snapshot=snapshot))
    assert await first.text("utter_a", "en-IN") == "edited"
    assert await first.text(CONNECTED) == "the domain's"
    assert await first.find("utter_nowhere") is None
    await first.aclose()
    own_valkey.stop()
    second = MessageStore.from_url(own_valkey.url, snapshot=snapshot)
    assert second.health().state == "stale"
    second.start()
    assert await second.text("utter_a") == "edited"
    assert await second.text(CONNECTED) == "the domain's"
    assert await second.text("haptik_apology") == packaged_copy()["haptik_apology"]
    assert second.health().state == "stale"
    await second.aclose()
    content = json.loads(snapshot.read_text(encoding="utf-8"))
    assert content["messages"]["haptik:messages:en:utter_a"][1] == "edited"
    assert "utter_nowhere" not in str(content)
    assert [path.name for path in snapshot.parent.iterdir()] == ["messages.json"]


async def test_processes_share_a_snapshot_and_the_newer_reading_wins(
    redis_client: redis.asyncio.Redis, tmp_path: Path
) -> None:
    snapshot, now = tmp_path / "messages.json", [100.0]
    url_of: Any = redis_client.connection_pool.connection_kwargs
    client = redis.asyncio.Redis(host=url_of["host"], port=url_of["port"])
    old, new = (MessageStore(c, snapshot=snapshot, clock=lambda: now[0]) for c in (redis_client, client))
    await redis_client.set("haptik:messages:en:a", "old a")
    await redis_client.set("haptik:messages:en:b", "b")
    await old.text("a")
    await old.text("b")
    now[0] = 200.0
    await redis_client.set("haptik:messages:en:a", "new a")
    await new.text("a")
    await new.aclose()
    await old.aclose()
    readings = json.loads(snapshot.read_text(encoding="utf-8"))["messages"]
    assert readings["haptik:messages:en:a"] == [200.0, "new a"]
    assert readings["haptik:messages:en:b"] == [100.0, "b"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]", b'{"format": 9, "messages": {}}', b"null"])
async def test_a_snapshot_that_is_broken_is_no_error(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = tmp_path / "messages.json"
    snapshot.write_bytes(content)
    store = MessageStore.from_url(f"redis://127.0.0.1:{free_port()}", snapshot=snapshot)
    assert await store.text(CONNECTED) == packaged_copy()[CONNECTED]
    assert store.health().state == "defaults"
    assert str(snapshot) in caplog.text
    await store.aclose()


async def test_a_snapshot_holds_no_more_than_the_cache(redis_client: redis.asyncio.Redis, tmp_path: Path) -> None:
    snapshot = tmp_path / "messages.json"
    store = message_store(redis_client, snapshot=snapshot, maxsize=5)
    for number in range(100):
        await redis_client.set(f"haptik:messages:en:k{number}", "text")
        await store.text(f"k{number}")
    await store.aclose()
    assert len(json.loads(snapshot.read_text(encoding="utf-8"))["messages"]) <= 30


async def test_a_folder_that_cannot_be_written_is_a_line_in_the_log(
    redis_client: redis.asyncio.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = message_store(redis_client, snapshot=tmp_path / "file" / "messages.json")
    await redis_client.set("haptik:messages:en:a", "text")
    assert await store.text("a") == "text"
    await store.aclose()
    assert "cannot be written" in caplog.text


async def test_a_redis_that_hangs_holds_up_nobody_who_can_be_answered(
    own_valkey: Valkey, editor: redis.asyncio.Redis
) -> None:
    await editor.set(f"haptik:messages:en:{CONNECTED}", "edited")
    clock = [0.0]
    store = MessageStore.from_url(own_valkey.url, timer=lambda: clock[0], patience=0.01)
    await until(lambda: _is(store, "edited"))
    own_valkey.freeze()

    async def ask_often() -> None:
        for _ in range(100):
            clock[0] += 1.1
            assert await store.text(CONNECTED) == "edited"

    # Were each to wait for the half second that Redis may take, this would take 50 s.
    await asyncio.wait_for(ask_often(), 30)
    await store.aclose()


async def _is(store: MessageStore, text: str) -> bool:
    return await store.text(CONNECTED) == text


async def test_an_edit_during_a_read_is_not_lost(own_valkey: Valkey, editor: redis.asyncio.Redis) -> None:
    store = await tracked(MessageStore.from_url(own_valkey.url, timer=lambda: 0.0, maxsize=50))
    key, stop = "utter_busy", False

    async def read_on() -> None:
        while not stop:
            await store.find(key)
            # An answer from the cache suspends nobody, and the others want their turn.
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read_on()) for _ in range(5)]
    for number in range(200):
        await editor.set(f"haptik:messages:en:{key}", str(number))
    await until(lambda: _says(store, key, "199"))
    stop = True
    await asyncio.gather(*readers)
    await store.aclose()


async def _says(store: MessageStore, key: str, text: str) -> bool:
    return await store.find(key) == text


@pytest.mark.parametrize("is_kept", [False, True], ids=["memory", "snapshot"])
async def test_a_start_says_once_that_nothing_outlives_the_process(
    own_valkey: Valkey, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_kept: bool
) -> None:
    caplog.set_level("INFO")
    store = MessageStore.from_url(own_valkey.url, snapshot=tmp_path / "m.json" if is_kept else None)
    store.start()
    store.start()
    assert caplog.text.count("HAPTIK_MESSAGES_SNAPSHOT") == (0 if is_kept else 1)
    await store.aclose()


async def test_without_redis_the_state_is_defaults() -> None:
    store = MessageStore()
    store.start()
    assert store.health().state == "defaults"
    assert not store.health().tracking
    await store.aclose()
