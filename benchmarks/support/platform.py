"""A platform in a process of its own that does as little as possible, so that it is not what is measured.

It takes every chat, or at most `limit` a second, and counts what it took.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from haptik_actions._serving import free_port
from support.processes import START_SECONDS, until

SEND = "/integration/external/v1.0/send_chat_to_agent/"


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What the platform took: how many chats, how many of them more than once, and how many requests it refused."""

    chats: int
    doubled: int
    refused: int


class Platform:
    """`url` is its base; `limit` in requests a second, None for any number."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def taken(self) -> Taken:
        """Ask what it took so far."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/taken") as reply:
            return Taken(**await reply.json())


@asynccontextmanager
async def start_platform(limit: int | None = None) -> AsyncIterator[Platform]:
    """Start it, and leave nothing running."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port, limit), daemon=True)
    process.start()
    platform = Platform(f"http://127.0.0.1:{port}")
    try:
        assert await until(lambda: _answers(platform), START_SECONDS), "the platform did not start"
        yield platform
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


async def _answers(platform: Platform) -> bool:
    try:
        await platform.taken()
    except (aiohttp.ClientError, OSError):
        return False
    return True


def _serve(port: int, limit: int | None) -> None:
    took: Counter[str] = Counter()
    refused = 0
    asked: Counter[int] = Counter()

    async def take(request: web.Request) -> web.Response:
        nonlocal refused
        body = await request.json()
        second = int(time.monotonic())
        asked[second] += 1
        if limit is not None and asked[second] > limit:
            refused += 1
            return web.json_response({"error_message": "too many requests"}, status=429)
        took[body["user_name"]] += 1
        return web.json_response({"success": True})

    async def tell(request: web.Request) -> web.Response:
        doubled = sum(count > 1 for count in took.values())
        return web.json_response({"chats": len(took), "doubled": doubled, "refused": refused})

    app = web.Application()
    app.router.add_post(SEND, take)
    app.router.add_get("/taken", tell)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)
