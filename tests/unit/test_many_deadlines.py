"""Many guarded actions at once on one loop: each has its own deadline, whatever the others do."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa_sdk import Action

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from tests.support import virtual_time
from tests.support.rasa import action_call, run_action

SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
LATE_BY = 0.005
"""Seconds, of a clock that waits for the machine."""


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport))
    yield
    configure()


class Taking(Action):
    """Takes its time, and notes when it was told that its deadline had passed."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.told_after: float | None = None

    def name(self) -> str:
        return "action_taking"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        began = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.told_after = asyncio.get_running_loop().time() - began
            raise
        return []


async def call(action: Action, user: str, deadline: float) -> str | None:
    """Run it; return the kind of its failure."""
    who = {"user_name": user, "business_id": 343}
    answer = await run_action(action, action_call("x", metadata=who, slots={"haptik": {"deadline": deadline}}))
    values = [event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff"]
    return values[0]["error"] if values else None


async def started(calls: list[tuple[float, float, float]]) -> list[tuple[Taking, str | None]]:
    async def one(number: int, starts: float, seconds: float, deadline: float) -> tuple[Taking, str | None]:
        await asyncio.sleep(starts)
        action = Taking(seconds)
        return action, await call(action, f"u{number}", deadline)

    return await asyncio.gather(*(one(number, *each) for number, each in enumerate(calls)))


# Starts after, takes, may take: seconds.
CALLS = st.tuples(st.sampled_from([0, 0.05, 0.1]), st.sampled_from([0, 0.01, 5]), st.sampled_from([0.1, 0.2, 4]))


@settings(max_examples=60, deadline=None)
@given(calls=st.lists(CALLS.filter(lambda each: min(each[1:]) < 1), max_size=12))
def test_each_of_many_actions_has_its_own_deadline(calls: list[tuple[float, float, float]]) -> None:
    for (_, seconds, deadline), (action, failure) in zip(calls, virtual_time.run(started(calls)), strict=True):
        if seconds < deadline:
            assert (failure, action.told_after) == (None, None)
        else:
            assert failure == "IntegrationTimeout"
            assert action.told_after is not None
            assert deadline - 0.002 <= action.told_after < deadline + LATE_BY


async def test_a_deadline_holds_after_others_with_the_same_have_ended_and_none_was_left() -> None:
    assert await call(Taking(0), "u1", 0.2) is None
    await asyncio.sleep(0.1)
    late = Taking(5)
    assert await call(late, "u2", 0.2) == "IntegrationTimeout"
    assert late.told_after is not None
    assert late.told_after >= 0.198
    await asyncio.sleep(0.3)
    assert await call(Taking(5), "u3", 0.2) == "IntegrationTimeout"


def test_a_deadline_holds_on_each_of_several_loops() -> None:
    for number in range(3):
        assert asyncio.run(call(Taking(5), f"u{number}", 0.1)) == "IntegrationTimeout"


async def test_an_action_that_is_told_twice_that_it_is_late_leaves_its_task_unharmed() -> None:
    class Stubborn(Taking):
        @escalate_on_error
        async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
            for _ in range(2):
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    continue
            return []

    assert await call(Stubborn(0), "u1", 0.1) == "IntegrationTimeout"
    # Neither a cancellation that is still on its way nor one that is still counted.
    await asyncio.sleep(0.6)
    task = asyncio.current_task()
    assert task is not None
    assert sys.version_info < (3, 11) or task.cancelling() == 0


async def test_the_timer_of_an_action_does_not_keep_the_context_of_its_user_alive() -> None:
    user: contextvars.ContextVar[Any] = contextvars.ContextVar("user")

    class User:
        ended = False

        def __del__(self) -> None:
            User.ended = True

    async def one() -> None:
        user.set(User())
        await call(Taking(0), "u1", 60.0)

    # The first call starts what lives as long as the server.
    await call(Taking(0), "u0", 30.0)
    await asyncio.create_task(one())
    # What the action server itself does with a task that has ended is over after one turn of the loop.
    await asyncio.sleep(0)
    assert User.ended
