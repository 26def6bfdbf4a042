"""Applies a CSV file in a process of its own, which kills itself (SIGKILL) at the stage that is named.

    python -m tests.support.faq_run STAGE LEDGER SOURCE

LEDGER is a folder or a Redis URL; the platform is the one of the environment. The process dies in the transport or in
the ledger that are handed to the library, so that everything of the library runs as it does in production.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import httpx
import redis.asyncio

from haptik_actions.client import FaqTask, HaptikClient, PlatformServer
from haptik_actions.credentials import EnvironmentCredentials
from haptik_actions.faq import Allowance, Applier, FileLedger, Ledger, NodeSet, RedisLedger, Run, load, open_source

DOMAIN = "shop"
LEASE = 2.0

STAGES = ("planned", "uploading", "taken", "polling", "loading", "loaded")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def open_ledger(where: str) -> Ledger:
    if where.startswith("redis://"):
        return RedisLedger(redis.asyncio.Redis.from_url(where), DOMAIN, lease=LEASE)
    return FileLedger(where, DOMAIN)


class DyingLedger:
    """A ledger whose process dies after it has written the stage's state, and before it writes the end."""

    def __init__(self, ledger: Ledger, stage: str) -> None:
        self._ledger, self._stage, self.domain = ledger, stage, ledger.domain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def record(self, lease: Any, run: Run, nodes: NodeSet | None = None) -> None:
        if run.state == "done" and self._stage == "loaded":
            die()
        await self._ledger.record(lease, run, nodes)
        if run.state == self._stage:
            die()


class DyingTransport(httpx.AsyncHTTPTransport):
    """Dies when the platform has taken the file, before anybody reads the task's id."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if request.method == "POST":
            await response.aread()
            die()
        return response


async def main(stage: str, where: str, source: str) -> None:
    def on_progress(run: Run, task: FaqTask | None) -> None:
        if stage == "loading" and task is not None and task.state == "in_progress":
            die()

    _, nodes = load(open_source(source))
    assert nodes is not None
    transport = DyingTransport() if stage == "taken" else None
    server = PlatformServer(os.environ["HAPTIK_BASE_URL"])
    async with HaptikClient(server, EnvironmentCredentials(), transport=transport) as client:
        ledger: Any = DyingLedger(open_ledger(where), stage)
        applier = Applier(ledger, client, on_progress=on_progress)
        await applier.apply(nodes, source=source, allowance=Allowance(first=True))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
