from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from importlib import resources
from typing import Any

import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions.errors import ConfigurationError
from haptik_actions.messages import MessageStore, packaged_copy
from tests.support.patience import message_store
from tests.support.ports import free_port
from tests.support.valkey import Valkey


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def key() -> str:
    return f"greeting_{uuid.uuid4().hex[:8]}"


async def write(client: redis.asyncio.Redis, locale: str, key: str, value: Any) -> None:
    await client.set(f"haptik:messages:{locale}:{key}", value)


async def test_without_redis_the_packaged_copy_answers() -> None:
    store = MessageStore()
    for key, text in packaged_copy().items():
        assert await store.text(key) == text
        assert text.strip()
    assert {"haptik_handoff_connected", "haptik_handoff_delayed", "haptik_handoff_unavailable"} <= set(packaged_copy())


def test_the_packaged_copy_is_a_file_and_not_code() -> None:
    file = resources.files("haptik_actions.messages") / "defaults" / "en.json"
    assert json.loads(file.read_text(encoding="utf-8")) == packaged_copy()


async def test_what_stands_in_redis_wins(redis_client: redis.asyncio.Redis) -> None:
    await write(redis_client, "en", "haptik_handoff_connected", "One moment, I fetch {team}. ☎")
    store = message_store(redis_client)
    assert await store.text("haptik_handoff_connected", team="Orders") == "One moment, I fetch Orders. ☎"


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-IN", "namaste (en-IN)"),
        ("en_IN", "namaste (en-IN)"),
        ("en-GB", "hello (en)"),
        ("en", "hello (en)"),
        ("hi", "hello (en)"),
        (None, "hello (en)"),
        ("*", "hello (en)"),
        ("en:x", "hello (en)"),
        ("", "hello (en)"),
    ],
)
async def test_the_locale_chain(redis_client: redis.asyncio.Redis, key: str, locale: str, expected: str) -> None:
    await write(redis_client, "en-IN", key, "namaste (en-IN)")
    await write(redis_client, "en", key, "hello (en)")
    assert await message_store(redis_client).text(key, locale) == expected


async def test_own_defaults_come_before_the_packaged_copy(redis_client: redis.asyncio.Redis, key: str) -> None:
    defaults = {"en": {key: "mine", "haptik_handoff_connected": "my own"}, "de": {key: "meins"}}
    store = message_store(redis_client, defaults=defaults)
    assert await store.text(key) == "mine"
    assert await store.text(key, "de-AT") == "meins"
    assert await store.text("haptik_handoff_connected") == "my own"


async def test_an_edit_shows_when_the_cache_is_over(redis_client: redis.asyncio.Redis, key: str) -> None:
    clock = Clock()
    store = message_store(redis_client, ttl=1.0, timer=clock, patience=5.0)
    await write(redis_client, "en", key, "old")
    assert await store.text(key) == "old"
    await write(redis_client, "en", key, "new")
    assert await store.text(key) == "old"
    clock.now = 1.1
    assert await store.text(key) == "new"


async def test_by_default_an_edit_shows_within_a_second(redis_client: redis.asyncio.Redis, key: str) -> None:
    clock = Clock()
    store = message_store(redis_client, timer=clock, patience=5.0)
    await write(redis_client, "en", key, "old")
    assert await store.text(key) == "old"
    await write(redis_client, "en", key, "new")
    clock.now = 1.0
    assert await store.text(key) == "new"


@pytest.mark.parametrize("blank", [b"", b"  \n ", b"\xff\xfe"])
async def test_a_blank_or_broken_value_is_not_what_the_user_reads(
    redis_client: redis.asyncio.Redis, blank: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await write(redis_client, "en", "haptik_handoff_delayed", blank)
    assert await message_store(redis_client).text("haptik_handoff_delayed") == packaged_copy()["haptik_handoff_delayed"]
    assert "haptik:messages:en:haptik_handoff_delayed" in caplog.text


async def test_a_key_of_another_type_is_not_what_the_user_reads(
    redis_client: redis.asyncio.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    await redis_client.lpush("haptik:messages:en:haptik_handoff_delayed", "x")
    assert await message_store(redis_client).text("haptik_handoff_delayed") == packaged_copy()["haptik_handoff_delayed"]
    assert "haptik:messages:en:haptik_handoff_delayed" in caplog.text


async def test_a_key_that_exists_nowhere_is_answered_and_logged(
    redis_client: redis.asyncio.Redis, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = message_store(redis_client)
    assert await store.find(key, "en-IN") is None
    assert await store.text(key, "en-IN") == packaged_copy()["haptik_message_missing"]
    assert f"haptik:messages:en-IN:{key}" in caplog.text


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("Order {order_id} is {state}.", {"order_id": 1001, "state": "packed"}, "Order 1001 is packed."),
        ("{a}{a} {b}", {"a": "x", "b": "{a}"}, "xx {a}"),
        ("{order-id}", {"order-id": 7}, "7"),
        ("{größe}", {"größe": "L"}, "L"),
        ("no placeholder", {"x": 1}, "no placeholder"),
        ("{a.__class__}", {"a": 1}, "{a.__class__}"),
        ("{a[0]}", {"a": "xyz"}, "{a[0]}"),
        ("{a!r} {a:>5}", {"a": 1}, "{a!r} {a:>5}"),
        ("{0} {} { a }", {"a": 1}, "{0} {} { a }"),
        ("{{a}}", {"a": 1}, "{1}"),
        ('say {"type": "TEXT"}', {"type": 1}, 'say {"type": "TEXT"}'),
    ],
)
async def test_placeholders_are_plain_names(text: str, values: dict[str, Any], filled: str) -> None:
    assert await MessageStore(defaults={"en": {"k": text}}).text("k", **values) == filled


@pytest.mark.parametrize("values", [{}, {"name": None}])
async def test_a_missing_value_leaves_the_placeholder_and_logs_the_key(
    values: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await MessageStore(defaults={"en": {"greet_me": "Hi {name}"}}).text("greet_me", **values) == "Hi {name}"
    assert "greet_me" in caplog.text
    assert "name" in caplog.text


@given(text=st.text(), values=st.dictionaries(st.sampled_from(["a", "b", "team"]), st.text(max_size=5)))
async def test_any_text_is_a_message_and_only_names_change(text: str, values: dict[str, str]) -> None:
    store = MessageStore(defaults={"en": {"k": text, "haptik_message_missing": "gone"}})
    answer = await store.text("k", **values)
    if not text.strip() or re.match(r'\s*(\{\s*"|\[\s*["{])', text):
        assert answer == "gone"
    elif not any(f"{{{name}}}" in text for name in values):
        assert answer == text


class CountingRedis(redis.asyncio.Redis):
    """A real client that counts its pipelines."""

    pipelines = 0

    def pipeline(self, *args: Any, **kwargs: Any) -> Any:
        self.pipelines += 1
        return super().pipeline(*args, **kwargs)


async def test_callers_share_one_round_trip(valkey_url: str, key: str) -> None:
    client = CountingRedis(connection_pool=redis.asyncio.ConnectionPool.from_url(valkey_url))
    store = MessageStore(client)
    await write(client, "en", key, "hello")
    assert set(await asyncio.gather(*(store.text(key, "en-IN") for _ in range(200)))) == {"hello"}
    assert await store.find("not_there_" + key) is None
    assert await store.find("not_there_" + key) is None
    assert client.pipelines == 2
    await store.aclose()


async def test_a_store_that_goes_down_answers_with_what_was_read_last(own_valkey: Valkey) -> None:
    clock = Clock()
    store = MessageStore.from_url(own_valkey.url, timer=clock, patience=5.0)
    editor = redis.asyncio.Redis.from_url(own_valkey.url)
    await write(editor, "en", "haptik_handoff_connected", "edited")
    assert await store.text("haptik_handoff_connected") == "edited"
    own_valkey.stop()
    for _ in range(3):
        clock.now += 2
        assert await store.text("haptik_handoff_connected") == "edited"
        assert await store.text("haptik_handoff_delayed") == packaged_copy()["haptik_handoff_delayed"]
    own_valkey.start()
    await editor.connection_pool.disconnect()
    await write(editor, "en", "haptik_handoff_connected", "edited again")
    clock.now += 2
    assert await store.text("haptik_handoff_connected") == "edited again"
    await store.aclose()
    await getattr(editor, "aclose", editor.close)()


async def test_a_frozen_redis_delays_the_first_caller_only(own_valkey: Valkey) -> None:
    clock = Clock()
    own_valkey.freeze()
    store = MessageStore.from_url(own_valkey.url, timer=clock)

    async def ask_often() -> None:
        for _ in range(200):
            assert await store.text("haptik_handoff_delayed") == packaged_copy()["haptik_handoff_delayed"]

    # Were every caller to wait for its own half second, this would take 100 s.
    await asyncio.wait_for(ask_often(), timeout=60)
    await store.aclose()


async def test_a_redis_that_was_never_there_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    store = MessageStore.from_url(f"redis://127.0.0.1:{free_port()}")
    assert await store.text("haptik_handoff_delayed") == packaged_copy()["haptik_handoff_delayed"]
    assert "defaults" in caplog.text
    await store.aclose()


@pytest.mark.parametrize("bad", ["localhost:6379", "http://x", "redis://:pa55@[bad"])
def test_a_url_that_is_not_redis_is_refused_without_showing_it(bad: str) -> None:
    with pytest.raises(ConfigurationError, match="REDIS_URL") as caught:
        MessageStore.from_url(bad)
    assert "pa55" not in str(caught.value)
