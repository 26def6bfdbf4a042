"""What can go wrong inside an action: it raises, hangs, returns garbage; and what its options make of that."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from rasa_sdk import Action, Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call, run_action

COPY = packaged_copy()
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
WHO = {"user_name": "u1", "business_id": 343}


@pytest.fixture(autouse=True)
def platform() -> Iterator[list[dict[str, Any]]]:
    asked: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200, json={"success": True})

    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=httpx.MockTransport(answer)))
    yield asked
    configure()


class Scripted(Action):
    """Does what it is told, one thing per try."""

    def __init__(self, *does: Any) -> None:
        self.does, self.tries = does, 0

    def name(self) -> str:
        return "action_scripted"

    async def script(self, dispatcher: Any) -> Any:
        does = self.does[min(self.tries, len(self.does) - 1)]
        self.tries += 1
        dispatcher.utter_message(text=f"try {self.tries}")
        if isinstance(does, BaseException):
            raise does
        if does == "hang":
            await asyncio.sleep(3600)
        return does


class Plain(Scripted):
    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.script(dispatcher)


class Quick(Scripted):
    @escalate_on_error(deadline=0.1)
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.script(dispatcher)


class QuickSync(Action):
    released = threading.Event()

    def name(self) -> str:
        return "action_quick_sync"

    @escalate_on_error(deadline=0.1)
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        self.released.wait(30)
        return []


class Repeated(Scripted):
    @escalate_on_error(idempotent=True, retry=2, deadline=20)
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.script(dispatcher)


class Unsafe(Scripted):
    @escalate_on_error(retry=2)
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.script(dispatcher)


async def call(action: Action, user: str = "u1", slot: Any = None) -> dict[str, Any]:
    who = {**WHO, "user_name": user}
    return await run_action(action, action_call("x", metadata=who, slots={"haptik": slot} if slot else {}))


def error(answer: dict[str, Any]) -> str | None:
    values = [e["value"] for e in answer["events"] if e.get("name") == "haptik_handoff"]
    return values[0]["error"] if values else None


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


class OwnBaseException(BaseException):
    pass


@pytest.mark.parametrize("raised", [SystemExit(1), OwnBaseException(), ValueError(), TimeoutError(), RecursionError()])
async def test_whatever_is_raised_is_answered(raised: BaseException) -> None:
    answer = await call(Plain(raised))
    assert error(answer) == type(raised).__name__
    assert texts(answer) == ["try 1", COPY["haptik_handoff_connected"]]


async def test_a_hang_becomes_a_hand_off() -> None:
    answer = await call(Quick("hang"))
    assert error(answer) == "IntegrationTimeout"
    assert texts(answer)[-1] == COPY["haptik_handoff_connected"]


async def test_a_synchronous_hang_becomes_a_hand_off_and_blocks_nobody() -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.005)

    heart = asyncio.create_task(beat())
    try:
        answers = await asyncio.gather(*(call(QuickSync(), f"u{n}") for n in range(20)))
    finally:
        QuickSync.released.set()
        heart.cancel()
    assert {error(answer) for answer in answers} == {"IntegrationTimeout"}
    # With the loop blocked there is the first alone.
    assert beats > 1


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), GeneratorExit(), SystemExit(1)])
async def test_what_would_end_a_server_is_a_failure_in_a_thread(raised: BaseException) -> None:
    class Ending(QuickSync):
        @escalate_on_error(deadline=30)
        def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
            raise raised

    answer = await call(Ending())
    assert error(answer) == ("SystemExit" if isinstance(raised, SystemExit) else "RuntimeError")


async def test_the_deadline_of_the_domain_holds() -> None:
    started = time.monotonic()
    answer = await call(Plain("hang"), slot={"actions": {"action_scripted": {"deadline": 0.1}}})
    assert error(answer) == "IntegrationTimeout"
    assert time.monotonic() - started < 8


async def test_a_time_out_of_the_integration_itself_keeps_its_name() -> None:
    assert error(await call(Plain(asyncio.TimeoutError()))) == "TimeoutError"


GARBAGE = [
    "text",
    5,
    {"event": "slot", "name": "x", "value": 1},
    object(),
    [5],
    ["text"],
    [None],
    [{}],
    [{"event": None}],
    [{"event": "slot", "value": 1}],
    [{"event": "followup"}],
    [SlotSet("x", datetime(2026, 1, 1))],
    [SlotSet("x", object())],
    [SlotSet("x", {1, 2})],
    [SlotSet("x", 10**5000)],
]


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}], ids=["nan", "inf"])
async def test_a_number_that_rasa_reads_though_it_is_no_json_is_no_failure(value: Any) -> None:
    answer = await call(Plain([SlotSet("x", value)]))
    assert texts(answer) == ["try 1"]
    assert repr([event["value"] for event in answer["events"]]) == repr([value])


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_a_failure(garbage: Any) -> None:
    answer = await call(Plain(garbage))
    assert error(answer) == "InvalidReturn"
    assert texts(answer)[-1] == COPY["haptik_handoff_connected"]


@pytest.mark.parametrize("fine", [None, [], (), [SlotSet("x", 1)], (SlotSet("x", None), FollowupAction("action_y"))])
async def test_what_rasa_can_read_passes(fine: Any, platform: list[dict[str, Any]]) -> None:
    answer = await call(Plain(fine))
    assert answer["events"] == list(fine or [])
    assert platform == []


async def test_an_event_that_rasa_does_not_know_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    answer = await call(Plain([SlotSet("x", 1), {"event": "no_such_event"}, SlotSet("y", 2)]))
    assert [e["name"] for e in answer["events"]] == ["x", "y"]
    assert "no_such_event" in caplog.text


async def test_an_idempotent_action_is_run_again_and_says_nothing_twice() -> None:
    action = Repeated(ConnectionError(), TimeoutError(), [SlotSet("x", 1)])
    answer = await call(action)
    assert action.tries == 3
    assert texts(answer) == ["try 3"]
    assert [e["event"] for e in answer["events"]] == ["slot"]


async def test_an_idempotent_action_fails_in_the_end() -> None:
    action = Repeated(ConnectionError())
    assert error(await call(action)) == "ConnectionError"
    assert action.tries == 3


async def test_an_action_that_is_not_idempotent_is_run_once() -> None:
    action = Unsafe(ConnectionError())
    assert error(await call(action)) == "ConnectionError"
    assert action.tries == 1


async def test_garbage_is_not_worth_another_try() -> None:
    action = Repeated("text")
    assert error(await call(action)) == "InvalidReturn"
    assert action.tries == 1


class Broken(Scripted):
    @escalate_on_error(breaker="orders")
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.script(dispatcher)


async def test_a_breaker_saves_the_deadline() -> None:
    action = Broken(ConnectionError())
    errors = [error(await call(action, f"u{n}")) for n in range(8)]
    assert errors == ["ConnectionError"] * 5 + ["IntegrationDown"] * 3
    assert action.tries == 5


async def test_a_storm_is_held_back_and_said_once(
    platform: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    answers = [await call(Plain(ValueError()), f"u{n}", {"limit": 5}) for n in range(12)]
    states = [next(e["value"]["state"] for e in a["events"] if e["event"] == "slot") for a in answers]
    assert states == ["connected"] * 5 + ["throttled"] * 7
    assert len(platform) == 5
    assert texts(answers[-1])[-1] == COPY["haptik_handoff_throttled"]
    assert not any(e["event"] == "pause" for e in answers[-1]["events"])
    assert caplog.text.count("hand-offs a minute") == 2, "once per round of the limit"


async def test_the_same_traceback_is_logged_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(20):
        await call(Plain(ValueError()), f"u{number}")
    await call(Plain(KeyError()), "other")
    assert caplog.text.count("failed in conversation") == 21
    assert caplog.text.count("Traceback (most recent call last)") == 2


async def test_a_second_failure_hands_off_nothing(platform: list[dict[str, Any]]) -> None:
    first, second = await call(Plain(ValueError())), await call(Plain(ValueError()))
    assert len(platform) == 1
    assert texts(second)[-1] == COPY["haptik_handoff_duplicate"]
    ids = [next(e["value"]["id"] for e in a["events"] if e["event"] == "slot") for a in (first, second)]
    assert ids[0] == ids[1]


async def test_a_conversation_that_was_resumed_is_handed_over_again(platform: list[dict[str, Any]]) -> None:
    await call(Plain(ValueError()))
    body = action_call("x", metadata=WHO)
    body["tracker"]["events"].append({"event": "resume", "timestamp": time.time() + 1})
    await run_action(Plain(ValueError()), body)
    assert len(platform) == 2


class Uttering(Action):
    def __init__(self, **message: Any) -> None:
        self.message = message

    def name(self) -> str:
        return "action_uttering"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="fine")
        dispatcher.utter_message(**self.message)
        return []


MUTE = [
    {"json_message": {"at": datetime(2026, 1, 1)}},
    {"text": object()},
    {"text": 5},
    {"text": 10**5000},
    {"text": ["a", "b"]},
    {"json_message": {"price": float("nan")}},
    {"image": float("inf")},
    {"buttons": [{"title": {1}}]},
    {"buttons": {"title": "x", "payload": "/y"}},
    {"buttons": ["x"]},
    {"elements": "x"},
]


@pytest.mark.parametrize("message", MUTE, ids=range(len(MUTE)))
async def test_a_message_that_rasa_cannot_say_is_a_failure_and_does_not_go_out(message: dict[str, Any]) -> None:
    answer = await call(Uttering(**message))
    assert error(answer) == "InvalidReturn"
    assert texts(answer) == ["fine", COPY["haptik_handoff_connected"]]
    json.dumps(answer)


class Appends(Action):
    """Bypasses `utter_message`."""

    def name(self) -> str:
        return "action_appends"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.messages += [{"text": "fine"}, "Your order is on its way."]
        return []


async def test_something_else_among_the_messages_does_not_go_out_and_an_agent_comes(
    platform: list[dict[str, Any]],
) -> None:
    answer = await call(Appends())
    assert texts(answer) == ["fine", COPY["haptik_handoff_connected"]]
    assert len(platform) == 1


class Talkative(Action):
    """Goes on uttering after its deadline, as a synchronous action in its thread does."""

    def __init__(self, released: threading.Event) -> None:
        self.released = released
        self.uttered = threading.Event()

    def name(self) -> str:
        return "action_talkative"

    @escalate_on_error(deadline=0.1)
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="one moment")
        while not self.released.wait(0.001):
            dispatcher.utter_message(json_message={"at": datetime(2026, 1, 1)})
            self.uttered.set()
        return []


async def test_what_is_uttered_after_the_deadline_does_not_reach_the_answer() -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.2)
        return httpx.Response(200, json={"success": True})

    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=httpx.MockTransport(slow)))
    released = threading.Event()
    try:
        answer = await call(Talkative(released))
    finally:
        released.set()
    assert texts(answer) == ["one moment", COPY["haptik_handoff_connected"]]


async def test_what_is_uttered_before_the_answer_is_written_does_not_reach_it(platform: list[dict[str, Any]]) -> None:
    released, dispatcher, body = threading.Event(), CollectingDispatcher(), action_call("x", metadata=WHO)
    uttering = Talkative(released)
    try:
        await uttering.run(dispatcher, Tracker.from_dict(body["tracker"]), body["domain"])
        # The server writes now; the action's thread is still there.
        uttering.uttered.clear()
        assert uttering.uttered.wait(60)
    finally:
        released.set()
    assert [message["text"] for message in dispatcher.messages] == ["one moment", COPY["haptik_handoff_connected"]]
    # Whoever called it, such as an action of the bot's around it, may go on.
    dispatcher.utter_message(text="and now")
    assert dispatcher.messages[-1]["text"] == "and now"


class Bypassing(Talkative):
    """As it, without `utter_message`."""

    @escalate_on_error(deadline=0.1)
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        while not self.released.wait(0.001):
            pass
        for way in ("extend", "__iadd__"):
            getattr(dispatcher.messages, way)([{"text": "late"}])
        dispatcher.messages.insert(0, {"text": "late"})
        self.uttered.set()
        return []


async def test_what_is_put_among_the_messages_before_the_answer_is_written_does_not_reach_it(
    platform: list[dict[str, Any]],
) -> None:
    released, dispatcher, body = threading.Event(), CollectingDispatcher(), action_call("x", metadata=WHO)
    uttering = Bypassing(released)
    try:
        await uttering.run(dispatcher, Tracker.from_dict(body["tracker"]), body["domain"])
    finally:
        released.set()
    assert uttering.uttered.wait(60)
    assert [message["text"] for message in dispatcher.messages] == [COPY["haptik_handoff_connected"]]
    dispatcher.messages += [{"text": "and"}]
    dispatcher.messages.extend([{"text": "now"}])
    dispatcher.messages.insert(0, {"text": "first"})
    assert [message["text"] for message in dispatcher.messages][::2] == ["first", "and"]


async def test_messages_that_are_json_go_out_as_they_are(platform: list[dict[str, Any]]) -> None:
    answer = await call(Uttering(json_message={"a": [1, {"b": None}]}, buttons=[{"title": "x", "payload": "/y"}]))
    assert [m["custom"] for m in answer["responses"]] == [{}, {"a": [1, {"b": None}]}]
    assert platform == []


async def test_nothing_is_said_while_an_agent_has_the_chat() -> None:
    body = action_call("x", metadata=WHO)
    body["tracker"]["paused"] = True
    answer = await run_action(Plain(ValueError()), body)
    assert texts(answer) == ["try 1"]


async def test_a_configuration_that_fails_costs_nobody_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Runtime:
        raise KeyError("VAULT_ADDR")

    configure(broken)
    answer = await call(Plain(ValueError()))
    assert texts(answer)[-1] == COPY["haptik_handoff_unavailable"]
    assert "configure" in caplog.text


class OwnFallback(Scripted):
    def name(self) -> str:
        return "action_default_fallback"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await self.script(dispatcher)


@pytest.mark.parametrize("slot", [{"pause": False}, {"pause": True}])
async def test_a_fallback_of_the_bots_own_that_fails_cannot_brick_the_conversation(slot: Any) -> None:
    answer = await call(OwnFallback(ValueError()), slot=slot)
    kinds = [event["event"] for event in answer["events"]]
    assert kinds[0] == "rewind"
    assert kinds[-2:] == (["action", "pause"] if slot["pause"] else ["slot", "followup"])
