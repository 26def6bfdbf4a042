"""Exceptions that end programs, and deadlines that nobody listens to: each is a failure like any other."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action
from rasa_sdk.events import FollowupAction

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call, run_action

CONNECTED = packaged_copy()["haptik_handoff_connected"]
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
QUICK: dict[str, Any] = {"deadline": 0.3}


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport))
    yield
    configure()


class Does(Action):
    """Does what a test gives it, and returns what comes of it."""

    def __init__(self, what: Callable[[Any], Awaitable[Any]], name: str = "action_does") -> None:
        self.what, self._name = what, name

    def name(self) -> str:
        return self._name

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.what(dispatcher)


async def call(action: Action, user: str = "u1", **slot: Any) -> dict[str, Any]:
    who = {"user_name": user, "business_id": 343}
    return await run_action(action, action_call("x", metadata=who, slots={"haptik": slot}))


def error(answer: dict[str, Any]) -> str | None:
    values = [event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff"]
    return values[0]["error"] if values else None


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


class OwnInterrupt(KeyboardInterrupt):
    pass


ENDINGS = [KeyboardInterrupt(), OwnInterrupt("stop"), GeneratorExit(), GeneratorExit("closed")]


@pytest.mark.parametrize("raised", ENDINGS, ids=repr)
@pytest.mark.parametrize("waits", [False, True], ids=["at once", "after a while"])
@pytest.mark.parametrize("slot", [{}, {"breaker": "b"}, {"idempotent": True, "retry": 1}, {"thread": True}], ids=str)
async def test_what_ends_programs_is_a_failure(raised: BaseException, waits: bool, slot: dict[str, Any]) -> None:
    async def ends(dispatcher: Any) -> None:
        if waits:
            await asyncio.sleep(0.01)
        raise raised

    answer = await call(Does(ends), **slot)
    assert (error(answer), texts(answer)) == ("RuntimeError", [CONNECTED])


async def test_a_generator_exit_out_of_something_awaitable_is_a_failure() -> None:
    class Own:
        def __await__(self) -> Generator[Any, None, None]:
            yield from asyncio.sleep(0).__await__()
            raise GeneratorExit

    class Returns(Action):
        def name(self) -> str:
            return "action_returns"

        @escalate_on_error
        def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
            return Own()

    assert error(await call(Returns())) == "RuntimeError"


async def test_a_call_that_is_closed_ends() -> None:
    ended = []

    async def waits(dispatcher: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    closed = call(Does(waits))
    closed.send(None)
    # As Python does with a call that nobody awaits any more; without an answer, as there is nobody who reads it.
    closed.close()
    assert ended == [True]


async def swallows(dispatcher: Any) -> list[Any]:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    return []


async def swallows_and_returns_nothing(dispatcher: Any) -> None:
    await swallows(dispatcher)


async def swallows_with_a_word_before(dispatcher: Any) -> Any:
    dispatcher.utter_message(text="one moment")
    return await swallows(dispatcher)


async def swallows_twice(dispatcher: Any) -> Any:
    await swallows(dispatcher)
    return await swallows(dispatcher)


async def swallows_in_a_bare_except(dispatcher: Any) -> Any:
    try:
        await asyncio.sleep(60)
    except:  # noqa: E722
        return []


async def swallows_a_block(dispatcher: Any) -> Any:
    with contextlib.suppress(BaseException):
        time.sleep(30)  # noqa: ASYNC251
    return []


TOLD_NOTHING = [
    *(swallows, swallows_and_returns_nothing, swallows_with_a_word_before, swallows_twice, swallows_in_a_bare_except),
    swallows_a_block,
]


@pytest.mark.parametrize("what", TOLD_NOTHING, ids=lambda what: what.__name__)
async def test_a_deadline_that_is_swallowed_is_a_failure(what: Any) -> None:
    answer = await call(Does(what, f"action_{what.__name__}"), **QUICK)
    assert error(answer) == "IntegrationTimeout"
    assert texts(answer)[-1] == CONNECTED


async def test_a_deadline_that_a_repeated_action_swallows_is_a_failure() -> None:
    answer = await call(Does(swallows), **QUICK, idempotent=True, retry=2)
    assert (error(answer), texts(answer)) == ("IntegrationTimeout", [CONNECTED])


async def test_an_action_that_tells_its_user_that_it_is_late_has_told_them() -> None:
    async def says_so(dispatcher: Any) -> Any:
        await swallows(dispatcher)
        dispatcher.utter_message(text="Our shop is slow today.")
        return []

    answer = await call(Does(says_so), **QUICK)
    assert (error(answer), texts(answer)) == (None, ["Our shop is slow today."])


async def test_an_action_that_says_what_comes_next_when_it_is_late_is_left_to_it() -> None:
    async def goes_on(dispatcher: Any) -> Any:
        await swallows(dispatcher)
        return [FollowupAction("action_sorry")]

    answer = await call(Does(goes_on), **QUICK)
    assert (error(answer), answer["events"]) == (None, [FollowupAction("action_sorry")])


async def test_its_task_is_unharmed() -> None:
    await call(Does(swallows), **QUICK)
    await asyncio.sleep(0.6)
    task = asyncio.current_task()
    assert task is not None
    assert sys.version_info < (3, 11) or task.cancelling() == 0
