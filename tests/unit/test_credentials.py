from __future__ import annotations

import asyncio
import json
import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import redis.asyncio

from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.credentials import (
    CachedCredentials,
    CallableCredentials,
    ChainCredentials,
    Credentials,
    CredentialsByBusiness,
    CredentialsProvider,
    CredentialsSelector,
    EnvironmentCredentials,
    FileCredentials,
    RedisCredentials,
    StaticCredentials,
)
from haptik_actions.errors import ConfigurationError, CredentialsUnavailable
from tests.support.ports import free_port

PAIR = Credentials(client_id="client-1", token="s3cr3t-token")


class Source:
    """A provider that counts its reads and can fail or hang."""

    def __init__(self) -> None:
        self.reads = 0
        self.token = "first"
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self) -> Credentials:
        self.reads += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Credentials(client_id="client-1", token=self.token)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_neither_value_is_ever_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").info("%s %r %s", PAIR, PAIR, f"{PAIR!s:>10}")
        logging.getLogger("x").info("%r", StaticCredentials(client_id="client-1", token="s3cr3t-token"))
    assert "s3cr3t" not in caplog.text
    assert "client-1" not in caplog.text


def test_credentials_are_a_value() -> None:
    assert Credentials(client_id=" client-1\n", token="s3cr3t-token\n") == PAIR
    assert pickle.loads(pickle.dumps(PAIR)) == PAIR
    assert PAIR.hide("token s3cr3t-token of client-1") == "token *** of ***"


@pytest.mark.parametrize("bad", ["", "  ", "two\nlines", "tök", "nul\0"])
@pytest.mark.parametrize("name", ["client_id", "token"])
def test_a_pair_that_no_header_can_carry_is_refused(name: str, bad: str) -> None:
    with pytest.raises(ConfigurationError, match=name) as caught:
        Credentials(**{"client_id": "c", "token": "t", name: bad})
    assert not bad.strip() or bad not in str(caught.value)


async def test_static_and_environment() -> None:
    assert await StaticCredentials(client_id="client-1", token="s3cr3t-token").get() == PAIR
    environ = {"HAPTIK_CLIENT_ID": "client-1", "HAPTIK_TOKEN": "s3cr3t-token"}
    assert await EnvironmentCredentials(environ).get() == PAIR


@pytest.mark.parametrize("missing", ["HAPTIK_CLIENT_ID", "HAPTIK_TOKEN"])
async def test_the_environment_names_what_is_missing(missing: str) -> None:
    environ = {"HAPTIK_CLIENT_ID": "client-1", "HAPTIK_TOKEN": "s3cr3t-token", missing: " "}
    with pytest.raises(ConfigurationError, match=missing):
        await EnvironmentCredentials(environ).get()


@pytest.mark.parametrize(
    "text",
    [
        '{"client_id": "client-1",\n\t"token": "s3cr3t-token"}',
        "client_id: client-1\ntoken: s3cr3t-token\n",
    ],
)
async def test_a_file_may_be_json_or_yaml_and_is_read_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "haptik.yml"
    path.write_text(text)
    provider = FileCredentials(path)
    assert await provider.get() == PAIR
    path.write_text(text.replace("s3cr3t-token", "new"))
    assert await provider.get() == Credentials(client_id="client-1", token="new")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("client_id: client-1", "`token`"),
        ("token: s3cr3t-token", "`client_id`"),
        ("client_id: ''\ntoken: s3cr3t-token", "`client_id`"),
        ("- s3cr3t-token", "the keys"),
        ("token: 's3cr3t-token\nclient_id: x", "line"),
        (None, "exists"),
    ],
)
async def test_a_bad_file_is_named_and_its_text_is_not(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "haptik.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        await FileCredentials(path).get()
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)


def test_providers_fit_the_protocol() -> None:
    assert isinstance(StaticCredentials(client_id="c", token="t"), CredentialsProvider)
    assert isinstance(CachedCredentials(Source()), CredentialsProvider)


async def test_the_cache_reads_once_per_ttl() -> None:
    source, clock = Source(), Clock()
    cached = CachedCredentials(source, ttl=60, refresh_ahead=1, timer=clock)
    for _ in range(5):
        assert (await cached.get()).token == "first"
    assert source.reads == 1
    # The jitter shortens the time to live by a tenth at most.
    clock.now = 53
    assert (await cached.get()).token == "first"
    clock.now, source.token = 61, "second"
    assert (await cached.get()).token == "second"
    assert source.reads == 2


async def test_callers_share_one_read() -> None:
    source = Source()
    source.gate.clear()
    cached = CachedCredentials(source)
    callers = [asyncio.create_task(cached.get()) for _ in range(1000)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    source.gate.set()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert source.reads == 1
    assert isinstance(results[0], asyncio.CancelledError)
    assert {r.token for r in results[1:] if isinstance(r, Credentials)} == {"first"}


def test_loops_in_several_threads_ask_at_once() -> None:
    everybody = threading.Barrier(3)

    async def source() -> Credentials:
        # Nobody has it yet when the last one asks.
        await asyncio.to_thread(everybody.wait, 30)
        return PAIR

    cached = CachedCredentials(CallableCredentials(source))

    def ask() -> Credentials:
        return asyncio.run(cached.get())

    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(ask) for _ in range(3)]
    assert [each.result() for each in asked] == [PAIR] * 3


async def test_a_rejected_pair_is_read_again_once() -> None:
    source = Source()
    cached = CachedCredentials(source)
    first = await cached.get()
    source.token = "second"
    renewed = await asyncio.gather(*(cached.renew(first) for _ in range(100)))
    assert {pair.token for pair in renewed} == {"second"}
    assert source.reads == 2
    assert (await cached.renew(first)).token == "second"
    assert source.reads == 2


async def test_a_failing_source_is_reported_and_not_cached() -> None:
    source = Source()
    source.error = RuntimeError("vault sealed")
    cached = CachedCredentials(source)
    with pytest.raises(CredentialsUnavailable, match=r"Source: RuntimeError") as caught:
        await cached.get()
    assert caught.value.__cause__ is source.error
    source.error = None
    assert (await cached.get()).token == "first"


async def test_a_hanging_source_does_not_hold_up_later_calls() -> None:
    source = Source()
    source.gate.clear()
    cached = CachedCredentials(source, timeout=0.01)
    with pytest.raises(CredentialsUnavailable):
        await cached.get()
    source.gate.set()
    assert (await cached.get()).token == "first"


async def test_a_rejected_pair_is_not_read_again_within_ten_seconds() -> None:
    source, clock = Source(), Clock()
    cached = CachedCredentials(source, timer=clock)
    wrong = await cached.get()
    for _ in range(50):
        assert await cached.renew(wrong) == wrong
    assert source.reads == 2
    clock.now = 10
    assert await cached.renew(wrong) == wrong
    assert source.reads == 3


async def a_few_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_pair_is_renewed_before_it_is_over_and_nobody_waits() -> None:
    source, clock = Source(), Clock()
    cached = CachedCredentials(source, ttl=100, refresh_ahead=0.8, timer=clock)
    await cached.get()
    source.token = "second"
    source.gate.clear()
    clock.now = 85
    assert [(await cached.get()).token for _ in range(20)] == ["first"] * 20
    await a_few_turns()
    assert source.reads == 2, "one read in the background"
    source.gate.set()
    await a_few_turns()
    assert (await cached.get()).token == "second"
    assert source.reads == 2


async def test_processes_that_start_together_do_not_read_together() -> None:
    ends = set()
    for _ in range(30):
        source, clock = Source(), Clock()
        cached = CachedCredentials(source, ttl=100, refresh_ahead=1, timer=clock)
        await cached.get()
        while source.reads == 1:
            clock.now += 0.25
            await cached.get()
        ends.add(clock.now)
        assert 90 <= clock.now <= 101
    assert len(ends) > 10


async def test_the_last_good_pair_is_kept_while_the_source_is_down(caplog: pytest.LogCaptureFixture) -> None:
    source, clock = Source(), Clock()
    cached = CachedCredentials(source, ttl=100, timer=clock)
    await cached.get()
    source.error = ConnectionError("vault is sealed")
    clock.now = 101
    for _ in range(10):
        assert (await cached.get()).token == "first"
    assert source.reads == 2, "a source that is down is not asked by every call"
    assert "last good" in caplog.text
    source.error, source.token = None, "second"
    clock.now = 112
    assert (await cached.get()).token == "second"


async def test_something_else_than_credentials_is_said() -> None:
    class Wrong:
        async def get(self) -> Credentials:
            return ("client-1", "s3cr3t-token")  # type: ignore[return-value]

    with pytest.raises(CredentialsUnavailable, match="Wrong returned tuple") as caught:
        await CachedCredentials(Wrong()).get()
    assert "s3cr3t" not in str(caught.value)


async def test_a_mounted_folder_is_read_again_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "client_id").write_text("client-1\n")
    (tmp_path / "token").write_text("s3cr3t-token\n")
    provider = FileCredentials(tmp_path)
    assert await provider.get() == PAIR
    fresh = tmp_path / "fresh"
    fresh.write_text("new")
    fresh.replace(tmp_path / "token")
    assert (await provider.get()).token == "new"
    (tmp_path / "token").unlink()
    with pytest.raises(ConfigurationError, match="token"):
        await provider.get()


@pytest.mark.parametrize("single", [True, False], ids=["file", "folder"])
async def test_a_byte_order_mark_is_no_part_of_a_credential(tmp_path: Path, single: bool) -> None:
    (tmp_path / "client_id").write_bytes(b"\xef\xbb\xbfclient-1\r\n")
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbfs3cr3t-token\r\n")
    (tmp_path / "both.yml").write_bytes(b"\xef\xbb\xbfclient_id: client-1\r\ntoken: s3cr3t-token\r\n")
    assert await FileCredentials(tmp_path / "both.yml" if single else tmp_path).get() == PAIR


async def test_redis_holds_a_pair(redis_client: redis.asyncio.Redis, valkey_url: str) -> None:
    key = "haptik:messages:test-credentials"
    provider = RedisCredentials(valkey_url, key)
    await redis_client.set(key, json.dumps({"client_id": "client-1", "token": "s3cr3t-token"}))
    assert await provider.get() == PAIR
    for bad in ("s3cr3t-token", '["s3cr3t-token"]', '{"token": "s3cr3t-token"}'):
        await redis_client.set(key, bad)
        with pytest.raises(ConfigurationError, match=key) as caught:
            await provider.get()
        assert "s3cr3t" not in str(caught.value)
    with pytest.raises(CredentialsUnavailable, match=key):
        await RedisCredentials(f"redis://127.0.0.1:{free_port()}", key).get()


async def test_any_function_is_a_provider() -> None:
    async def as_mapping() -> dict[str, str]:
        return {"client_id": "client-1", "token": "s3cr3t-token", "lease": "1h"}

    async def as_value() -> Credentials:
        return PAIR

    async def lacking() -> dict[str, str]:
        return {"client_id": "client-1"}

    assert await CallableCredentials(as_mapping).get() == PAIR
    assert await CallableCredentials(as_value).get() == PAIR
    with pytest.raises(ConfigurationError, match=r"lacking.*token"):
        await CallableCredentials(lacking).get()


async def test_a_chain_takes_the_first_that_has_a_pair(tmp_path: Path) -> None:
    down = Source()
    down.error = ConnectionError("s3cr3t-token refused")
    static = StaticCredentials(client_id="client-1", token="s3cr3t-token")
    empty = EnvironmentCredentials({})
    assert await ChainCredentials(empty, FileCredentials(tmp_path / "none.yml"), down, static).get() == PAIR
    with pytest.raises(ConfigurationError, match=r"HAPTIK_CLIENT_ID.*none\.yml"):
        await ChainCredentials(empty, FileCredentials(tmp_path / "none.yml")).get()
    with pytest.raises(CredentialsUnavailable, match=r"Source: ConnectionError") as caught:
        await ChainCredentials(empty, down).get()
    assert "s3cr3t" not in str(caught.value)
    with pytest.raises(ConfigurationError):
        ChainCredentials()


async def test_each_business_has_a_provider_of_its_own() -> None:
    first, second = Source(), Source()
    second.token = "second"
    by_business = CredentialsByBusiness({1: first, 2: second})
    assert isinstance(by_business, CredentialsSelector)
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json={"success": True})

    async with HaptikClient(
        PlatformServer("https://haptik.example"), by_business, transport=httpx.MockTransport(answer)
    ) as client:
        for business_id in (1, 2, 1, 2):
            await client.send_chat_to_agent(user_name="u", business_id=business_id, team_name="t")
        with pytest.raises(ConfigurationError, match="business 3"):
            await client.send_chat_to_agent(user_name="u", business_id=3, team_name="t")
        with pytest.raises(ConfigurationError, match="no business"):
            await client.faq_task("x")
    assert seen == ["Bearer first", "Bearer second"] * 2
    assert (first.reads, second.reads) == (1, 1)
    assert CredentialsByBusiness({}, default=first).select(None) is first


@pytest.mark.parametrize(("mode", "is_said"), [(0o644, True), (0o604, True), (0o600, False), (0o640, False)])
async def test_a_file_that_others_can_read_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, is_said: bool
) -> None:
    path = tmp_path / "haptik.json"
    path.write_text('{"client_id": "shop", "token": "s3cret"}')
    path.chmod(mode)
    provider = FileCredentials(path)
    for _ in range(2):
        await provider.get()
    said = [record.getMessage() for record in caplog.records if "every user of this machine" in record.getMessage()]
    assert len(said) == is_said
    assert "s3cret" not in caplog.text
