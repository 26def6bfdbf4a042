"""From the exception to the confirmed hand-off, outbox written and erased, against a bare POST of the same body."""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

from haptik_actions._redis import connect
from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.client._haptik_server import PlatformServer
from haptik_actions.client._transport import default_transport
from haptik_actions.config import Settings
from haptik_actions.escalation import HandOff, Outbox, RedisOutbox, ResilientOutbox
from support.calls import BUSINESS, call_of
from support.platform import SEND, start_platform
from support.processes import Valkey

CALLS = 1500
WARM_UP = 100
HEADERS = {"Authorization": "Bearer token", "client-id": "client", "Content-Type": "application/json"}
OPTIONS = {"team": "orders", "countdown": 5, "limit": 100_000}

Post = Callable[[str], Awaitable[tuple[float, ...]]]
"""Does it for a user, and returns how long it took in seconds."""


async def measure_handoff() -> dict[str, Any]:
    """Medians of single calls, one after the other and in turns; milliseconds."""
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        valkey = Valkey(Path(folder))
        await valkey.start()
        # What is logged of a failure is part of its cost: it is written, and to nowhere.
        handler = logging.FileHandler(os.devnull)
        logging.getLogger().addHandler(handler)
        try:
            async with start_platform() as platform:
                return await _compare(platform.url, valkey.url)
        finally:
            logging.getLogger().removeHandler(handler)
            await valkey.kill()


class Failing(Action):
    """Fails, and remembers when."""

    def __init__(self) -> None:
        self.failed_at = 0.0

    def name(self) -> str:
        return "action_check_order"

    @escalate_on_error
    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        self.failed_at = time.perf_counter()
        raise ConnectionError("the integration is down")


class Watched(ResilientOutbox):
    """An outbox that remembers when it was told that a hand-off is confirmed, and when it had erased it."""

    def __init__(self, shared: Outbox) -> None:
        super().__init__(shared)
        self.confirmed_at = self.erased_at = 0.0
        self.erased = asyncio.Event()

    async def confirm(self, handoff: HandOff, *, episode: float | None, ago: float = 0.0) -> None:
        self.confirmed_at = time.perf_counter()
        await super().confirm(handoff, episode=episode, ago=ago)
        self.erased_at = time.perf_counter()
        self.erased.set()


async def _compare(url: str, redis_url: str) -> dict[str, Any]:
    settings = Settings(base_url=url, client_id="client", token="token", business_id=BUSINESS, redis_url=redis_url)
    # One transport for both: the bare POST goes through the very connection that the hand-off goes through.
    transport = default_transport(PlatformServer(url))
    outbox = Watched(RedisOutbox(connect(redis_url, seconds=0.5)))
    runtime = Runtime(load_settings=lambda: settings, transport=transport, outbox=outbox)
    configure(lambda: runtime)
    async with aiohttp.ClientSession() as session:
        times = await _in_turns(_sides(url, session, httpx.AsyncClient(transport=transport), outbox))
    await runtime.aclose()
    configure()
    return _ratios(times)


def _sides(url: str, session: aiohttp.ClientSession, client: httpx.AsyncClient, outbox: Watched) -> dict[str, Post]:
    action, executor = Failing(), ActionExecutor()
    executor.register_action(action)

    async def by_guard(user: str) -> tuple[float, ...]:
        answer = await executor.run(call_of("rest", "action_check_order", user, "raises", OPTIONS))
        answered_at = time.perf_counter()
        events = answer["events"] if isinstance(answer, dict) else answer.events
        assert events[0]["value"]["state"] == "connected", events
        await outbox.erased.wait()
        outbox.erased.clear()
        return tuple(at - action.failed_at for at in (outbox.confirmed_at, answered_at, outbox.erased_at))

    async def by_httpx(user: str) -> tuple[float, ...]:
        began = time.perf_counter()
        reply = await client.post(url + SEND, json=_body(user), headers=HEADERS)
        assert reply.json()["success"] is True
        return (time.perf_counter() - began,)

    async def by_aiohttp(user: str) -> tuple[float, ...]:
        began = time.perf_counter()
        async with session.post(url + SEND, json=_body(user), headers=HEADERS) as reply:
            assert (await reply.json())["success"] is True
        return (time.perf_counter() - began,)

    return {"guard": by_guard, "post": by_httpx, "post_by_aiohttp": by_aiohttp}


def _body(user: str) -> dict[str, Any]:
    return {"user_name": user, "business_id": BUSINESS, "team_name": "orders", "countdown": 5}


async def _in_turns(sides: dict[str, Post]) -> dict[str, list[tuple[float, ...]]]:
    times: dict[str, list[tuple[float, ...]]] = {side: [] for side in sides}
    for number in range(CALLS + WARM_UP):
        for side, post in sides.items():
            times[side].append(await post(f"{side}-{number}"))
    return {side: found[WARM_UP:] for side, found in times.items()}


def _ratios(times: dict[str, list[tuple[float, ...]]]) -> dict[str, Any]:
    post = statistics.median(found[0] for found in times["post"])
    by_aiohttp = statistics.median(found[0] for found in times["post_by_aiohttp"])
    confirmed, answered, erased = (statistics.median(found[index] for found in times["guard"]) for index in (0, 1, 2))
    return {
        "milliseconds": {
            "until_confirmed": round(1000 * confirmed, 3),
            "until_answered": round(1000 * answered, 3),
            "until_erased": round(1000 * erased, 3),
            "post": round(1000 * post, 3),
            "post_by_aiohttp": round(1000 * by_aiohttp, 3),
        },
        "confirmed_vs_post": {"measured": round(confirmed / post, 2), "goal": "at most 2"},
        "confirmed_vs_post_by_aiohttp": {"measured": round(confirmed / by_aiohttp, 2)},
        "answered_vs_post": {"measured": round(answered / post, 2)},
        "erased_vs_post": {"measured": round(erased / post, 2)},
    }
