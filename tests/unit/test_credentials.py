from __future__ import annotations

import asyncio
import logging
import pickle
from pathlib import Path

import pytest

from haptik_actions.credentials import (
    CachedCredentials,
    Credentials,
    CredentialsProvider,
    EnvironmentCredentials,
    FileCredentials,
    StaticCredentials,
)
from haptik_actions.errors import ConfigurationError, CredentialsUnavailable

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
    cached = CachedCredentials(source, ttl=60, timer=clock)
    for _ in range(5):
        assert (await cached.get()).token == "first"
    assert source.reads == 1
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
