"""`REDIS_URL`: what can be said in it, and that what cannot work is refused before anything connects."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis.asyncio
import trustme
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from haptik_actions._redis import check_url, connect, disconnect, read_address
from haptik_actions._redis_health import COMMANDS, remarks_on
from haptik_actions.cli import main
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import (
    Engine,
    HandOff,
    MemoryOutbox,
    RedisOutbox,
    ResilientOutbox,
    Terms,
    _outbox_scripts,
)
from haptik_actions.relay import _scripts, _scripts_in, _scripts_out
from tests.support.patience import SECONDS
from tests.support.valkey import Valkey

DOMAIN = "slots:\n  haptik: {type: any, mappings: [{type: custom}]}\n  haptik_handoff: {type: any}\n"

READ: dict[str, dict[str, Any]] = {
    "redis://": {"hosts": (("localhost", 6379),), "options": {}},
    "redis://cache": {"hosts": (("cache", 6379),), "options": {}},
    "REDIS://cache:7": {"hosts": (("cache", 7),), "options": {}},
    "redis://[::1]:7/3": {"hosts": (("::1", 7),), "options": {"db": 3}},
    "redis://:p%40ss%2F@cache/2": {"hosts": (("cache", 6379),), "options": {"password": "p@ss/", "db": 2}},
    "redis://bot:x@cache?db=4": {"hosts": (("cache", 6379),), "options": {"username": "bot", "password": "x", "db": 4}},
    "redis://cache?ssl=true": {"hosts": (("cache", 6379),), "tls": True, "options": {}},
    "redis://cache?ssl=False": {"hosts": (("cache", 6379),), "options": {}},
    "redis://cache?decode_responses=true&socket_timeout=60": {"hosts": (("cache", 6379),), "options": {}},
    "rediss://cache?ssl_cert_reqs=CERT_NONE": {
        "hosts": (("cache", 6379),),
        "tls": True,
        "options": {"ssl_cert_reqs": "none", "ssl_check_hostname": False},
    },
    "unix:///run/redis.sock?db=1": {"path": "/run/redis.sock", "options": {"db": 1}},
    "redis+sentinel://bot:x@a:1,b,[::1]:3/mymaster/2?sentinel_username=s&sentinel_password=y": {
        "hosts": (("a", 1), ("b", 26379), ("::1", 3)),
        "master": "mymaster",
        "options": {"username": "bot", "password": "x", "db": 2},
        "sentinel": {"username": "s", "password": "y"},
    },
    "rediss+sentinel://a/m": {
        "hosts": (("a", 26379),),
        "master": "m",
        "tls": True,
        "options": {},
        "sentinel": {"ssl": True},
    },
    "rediss+sentinel://a/m?sentinel_ssl=no": {"hosts": (("a", 26379),), "master": "m", "tls": True, "options": {}},
}

REFUSED = {
    "": "is not a Redis URL",
    "cache:6379": "is not a Redis URL",
    "http://cache": "is not a Redis URL",
    "redis//cache": "is not a Redis URL",
    "redis:/cache:6379": "is not a Redis URL",
    '"redis://cache"': "is not a Redis URL",
    "redis://[::1": "is not a Redis URL",
    "sentinel://cache/m": "redis\\+sentinel://",
    "redis://cache:6379:1": "a host or a port",
    "redis://cache:99999": "between 1 and 65535",
    "redis://cache:0": "between 1 and 65535",
    "redis://:6379": "a host or a port",
    "redis://cache/first": "no number of a database",
    "redis://cache/1/2": "no number of a database",
    "redis://cache/1?db=2": "two databases",
    "redis://cache?db=x": "db .* whole number",
    "redis://cache?ssl=perhaps": "ssl .* true or false",
    "rediss://cache?ssl=false": "Write redis://",
    "redis://cache?ssl_cert_reqs=none": "ssl_cert_reqs, and no TLS. Write rediss://",
    "rediss://cache?ssl_cert_reqs=never": "none, optional or required",
    "rediss://cache?ssl_ca_certs=/no/such/file": "ssl_ca_certs that .*No such file",
    "redis://cache?max_connections=1": "5 or more",
    "redis://cache?socket_timout=1": "unknown option socket_timout. Did you mean 'socket_timeout'\\?",
    "redis://cache?foo=1": "unknown option foo. Known are",
    "redis://a,b": "several hosts",
    "redis://cache?sentinel_password=x": "redis\\+sentinel://",
    "redis+sentinel://a/": "which master",
    "redis+sentinel://a": "which master",
    "unix://run/redis.sock": "names no socket",
    "unix:///x?ssl=true": "TLS on a socket",
    "redis://cache /0": "percent-encoded",
}

PASSWORDS = {
    "redis://:pa55#w@cache": "percent-encoded",
    "redis://:12#pa55@cache:6379": "percent-encoded",
    "redis://bot:pa55@pa55@cache": "percent-encoded",
    "redis://:1/pa55@cache": "percent-encoded",
    "redis://:1?pa55@cache": "percent-encoded",
    "redis://bot:pa55@cache:nine": "a host or a port",
    "bot:pa55@cache:6379": "is not a Redis URL",
}


@pytest.mark.parametrize("url", READ)
def test_what_it_says(url: str) -> None:
    address = read_address(url)
    found = {name: getattr(address, name) for name in address.__struct_fields__}
    assert found == {"hosts": (), "path": None, "master": None, "tls": False, "sentinel": {}, **READ[url]}
    # redis-py takes the options: it looks at them only when a connection is made.
    pool: Any = connect(url, seconds=1).connection_pool
    assert pool.make_connection() is not None


@pytest.mark.parametrize("url", [*REFUSED, *PASSWORDS])
def test_what_cannot_work_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(ConfigurationError, match=(REFUSED | PASSWORDS)[url]) as refused:
        check_url(url)
    assert str(refused.value).startswith("REDIS_URL ")
    assert "pa55" not in str(refused.value)


def test_the_files_for_tls_are_read(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca, own, junk = tmp_path / "ca.pem", tmp_path / "own.pem", tmp_path / "junk.pem"
    authority.cert_pem.write_to_path(str(ca))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(own))
    junk.write_text("no certificate")
    check_url(f"rediss://cache?ssl_ca_certs={ca}&ssl_certfile={own}")
    with pytest.raises(ConfigurationError, match="ssl_ca_certs a file without a certificate"):
        check_url(f"rediss://cache?ssl_ca_certs={junk}")
    with pytest.raises(ConfigurationError, match="no certificate with its key"):
        check_url(f"rediss://cache?ssl_certfile={ca}")


@given(st.text(), st.text(min_size=1))
def test_every_password_can_be_written(user: str, password: str) -> None:
    try:
        written = f"redis://{quote(user, safe='')}:{quote(password, safe='')}@cache:7/1"
    except UnicodeEncodeError:
        return
    options = read_address(written).options
    assert (options.get("username", ""), options["password"]) == (user, password)


@given(st.text(alphabet="redis+sentinel:/?#@[]&=,%. \n0123456789xyz", max_size=60))
def test_whatever_stands_there_is_read_or_refused(tail: str) -> None:
    for url in (tail, f"redis://{tail}", f"rediss+sentinel://{tail}"):
        # Any other exception fails the test.
        with contextlib.suppress(ConfigurationError):
            check_url(url)


# Said before serving


@pytest.mark.parametrize("command", ["check", "run"])
def test_commands_refuse_it_before_they_serve(command: str, tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text(DOMAIN)
    (tmp_path / "actions.py").write_text("")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HAPTIK_")}
    done = subprocess.run(
        [sys.executable, "-m", "haptik_actions.cli", command],
        cwd=tmp_path,
        env={**environ, "REDIS_URL": "redis://:pa55w0rd@cache?sssl=true"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "REDIS_URL has the unknown option sssl. Did you mean 'ssl'?" in done.stderr
    assert "pa55" not in done.stdout + done.stderr


async def test_a_running_server_works_from_memory_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(base_url="https://haptik.example", client_id="c", token="s3cr3t-x", redis_url="redis://x?y=z")
    engine = Engine(load_settings=lambda: settings)
    engine.start()
    assert isinstance(engine.outbox(), MemoryOutbox)
    assert engine.links() is None
    assert await engine.messages().text("haptik_handoff_delayed", None, team="", reference="")
    assert caplog.text.count("REDIS_URL has the unknown option y. ") == 1
    assert "works without Redis, as while Redis is down" in caplog.text
    assert "REDIS_URL is not usable: hand-offs that Haptik cannot take yet are kept in this process" in caplog.text
    await engine.aclose()


# What this Redis promises


async def texts(url: str) -> list[tuple[str, str]]:
    client = connect(url, seconds=SECONDS)
    try:
        return [(remark.level, remark.text) for remark in await remarks_on(client)]
    finally:
        await disconnect(client)


@pytest.mark.parametrize(
    ("settings", "level", "words"),
    [
        ({}, "warning", "keeps nothing over a restart (appendonly no, no save)"),
        ({"save": "60 100"}, "warning", "keeps snapshots alone (appendonly no, save 60 100)"),
        ({"appendonly": "yes"}, "info", "appendfsync everysec): a crash of its machine loses the last second"),
        ({"appendonly": "yes", "appendfsync": "always"}, "info", "loses nothing that it has acknowledged"),
        ({"maxmemory": "100mb", "maxmemory-policy": "volatile-ttl"}, "warning", "maxmemory-policy is volatile-ttl"),
        ({"maxmemory-policy": "volatile-ttl"}, "info", "evicts nothing"),
    ],
)
async def test_what_it_keeps_is_told(own_valkey: Valkey, settings: dict[str, str], level: str, words: str) -> None:
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        for name, value in settings.items():
            await client.config_set(name, value)
    assert any(found == level and words in text for found, text in await texts(own_valkey.url))


async def with_account(valkey: Valkey, *rules: str) -> str:
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        untyped: Any = client
        await untyped.execute_command("ACL", "SETUSER", "bot", "on", ">x", "~haptik:*", "&*", *rules)
    return valkey.url.replace("//", "//bot:x@")


async def test_a_managed_redis_that_tells_nothing_is_said_to_tell_nothing(own_valkey: Valkey) -> None:
    url = await with_account(own_valkey, "+@all", "-config", "-info")
    told = await texts(url)
    assert {level for level, _ in told} == {"info"}
    assert any("does not say whether it keeps data" in text for _, text in told)
    assert any("does not say whether it evicts keys" in text for _, text in told)


async def test_commands_that_the_account_lacks_are_named(own_valkey: Valkey) -> None:
    url = await with_account(own_valkey, "+@all", "-eval", "-evalsha", "-script", "-zadd")
    level, text = (await texts(url))[0]
    assert level == "error"
    assert "may not use EVALSHA, SCRIPT LOAD, ZADD on" in text
    assert "+evalsha +script|load +zadd ~haptik:*" in text


def test_every_command_of_a_script_is_asked_for() -> None:
    scripts = [
        *_outbox_scripts.ALL,
        _scripts.PREPARE,
        _scripts.ASKED,
        _scripts.WITHDRAW,
        _scripts.UPDATE,
        _scripts.RESTORE,
    ]
    scripts += [getattr(module, name) for module in (_scripts_in, _scripts_out) for name in module.__all__]
    used = {name for script in scripts for name in re.findall(r"redis\.call\('(\w+)'", script)}
    assert used <= set(COMMANDS)


async def test_the_commands_that_are_asked_for_are_enough_for_the_outbox(own_valkey: Valkey) -> None:
    names = (f"+{name.lower().replace(' ', '|')}" for name in COMMANDS)
    url = await with_account(own_valkey, "-@all", *names)
    assert {level for level, _ in await texts(url)} == {"info"}
    outbox = RedisOutbox(connect(url, seconds=SECONDS))
    handoff = HandOff(id="1", user_name="asha", business_id=1, teams=("support",))
    assert (await outbox.open(handoff, Terms())).state == "go"
    assert [entry.handoff for entry in await outbox.entries()] == [handoff]
    await outbox.aclose()


async def test_without_scripts_the_hand_off_works_from_memory(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    url = await with_account(own_valkey, "+@all", "-eval", "-evalsha", "-script")
    settings = Settings(base_url="https://haptik.example", client_id="c", token="s3cr3t-x", redis_url=url)
    engine = Engine(load_settings=lambda: settings)
    engine.start()
    outbox = engine.outbox()
    assert isinstance(outbox, ResilientOutbox)
    handoff = HandOff(id="1", user_name="asha", business_id=1, teams=("support",))
    assert (await outbox.open(handoff, Terms())).state == "go"
    await engine.told_of_redis()
    assert caplog.text.count("may not use EVALSHA, SCRIPT LOAD on") == 1
    await outbox.confirm(handoff, episode=60)
    await engine.aclose()


async def test_a_replica_is_named(own_valkey: Valkey) -> None:
    async with redis.asyncio.Redis.from_url(own_valkey.url) as client:
        untyped: Any = client
        await untyped.execute_command("REPLICAOF", "127.0.0.1", "1")
    ((level, text),) = await texts(own_valkey.url)
    assert level == "error"
    assert "it is a replica" in text


def test_check_says_it(tmp_path: Path, own_valkey: Valkey) -> None:
    (tmp_path / "domain.yml").write_text(DOMAIN)
    result = CliRunner().invoke(main, ["check", "--domain", "domain.yml"], env={"REDIS_URL": own_valkey.url})
    assert "Redis keeps nothing over a restart" in result.stderr
    own_valkey.stop()
    result = CliRunner().invoke(main, ["check", "--domain", "domain.yml"], env={"REDIS_URL": own_valkey.url})
    assert "Redis does not answer (ConnectionError): what it promises cannot be told." in result.stderr
