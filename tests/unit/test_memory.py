"""Nothing of a call outlives it: not even until the garbage collector looks, which it does less and less often."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.actions._guarded_call import GuardedCall
from haptik_actions.config import Settings
from tests.support.rasa import action_call, run_action

SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
ROUNDS, USERS = 6, 10


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport))
    yield
    configure()


class Kind(Action):
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def name(self) -> str:
        return f"action_{self.kind}"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        await getattr(self, self.kind)()
        return []

    async def works(self) -> None:
        await asyncio.sleep(0)

    async def fails(self) -> None:
        raise ValueError("down")

    async def hangs(self) -> None:
        # No timer: asyncio keeps those that were cancelled for a while, with the context they were made in.
        await asyncio.Event().wait()

    async def swallows(self) -> None:
        while True:
            try:
                await self.hangs()
            except BaseException:  # noqa: BLE001
                await asyncio.sleep(0)

    async def swallows_once(self) -> None:
        try:
            await self.hangs()
        except asyncio.CancelledError:
            return

    async def blocks(self) -> None:
        time.sleep(1.5)  # noqa: ASYNC251


class Synchronous(Kind):
    @escalate_on_error
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        if self.kind == "hangs":
            time.sleep(0.5)
        raise ValueError("down")


MIXES = {
    **{kind: [Kind(kind)] for kind in ("works", "fails", "hangs", "swallows", "swallows_once")},
    "blocks": [Kind("blocks"), Kind("works")],
    "swallows and blocks": [Kind("swallows"), Kind("blocks"), Kind("works")],
    "synchronous": [Synchronous("fails"), Synchronous("hangs")],
}


def held() -> Counter[str]:
    """What there is of calls, without asking the garbage collector for anything."""
    errors = (asyncio.CancelledError, ValueError, GuardedCall, TimeoutError)
    kinds = Counter(type(each).__name__ for each in gc.get_objects() if isinstance(each, errors))
    kinds["Tracker"] = sum(type(each).__name__ == "Tracker" for each in gc.get_objects())
    return kinds


async def call(action: Action, user: int) -> None:
    slot = {"deadline": 0.1, "limit": 1_000_000}
    who = {"user_name": f"u{user}", "business_id": 343}
    await run_action(action, action_call("x", metadata=who, slots={"haptik": slot}))


@pytest.mark.parametrize("mix", MIXES)
async def test_nothing_of_a_call_outlives_it(mix: str) -> None:
    # What lives as long as the server is made first, and an action that blocks has its thread from then on.
    await asyncio.gather(*(call(action, 0) for action in MIXES[mix]))
    gc.collect()
    gc.disable()
    try:
        before = held()
        for number in range(1, ROUNDS + 1):
            users = range(number * USERS, (number + 1) * USERS)
            await asyncio.gather(*(call(action, user) for user in users for action in MIXES[mix]))
        await _until_threads_have_ended()
        grown = held() - before
    finally:
        gc.enable()
    # A call or two may be under way to its end; of 60 that were made, none is kept.
    assert sum(grown.values()) <= 6, grown


async def _until_threads_have_ended() -> None:
    for thread in threading.enumerate():
        if thread.name == "haptik-actions-run":
            await asyncio.to_thread(thread.join, 30)
    # Timers that were cancelled stand in the loop until their time.
    await asyncio.sleep(0.6)
