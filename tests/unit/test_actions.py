from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions.actions import IntegrationAction, Runtime, configure, escalate_on_error
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import MemoryOutbox, Outbox
from haptik_actions.messages import MessageStore, packaged_copy
from tests.support.rasa import action_call, run_action

COPY = packaged_copy()
WHO = {"user_name": "u1", "business_id": 343}
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="fallback")


class Platform:
    """Answers in Haptik's place, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer = httpx.Response(200, json={"success": True})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(json.loads(request.content))
        return self.answer

    def refuse(self, message: str, status: int = 400) -> None:
        self.answer = httpx.Response(status, json={"error_message": message})


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = Platform()
    configure(lambda: runtime_on(platform, SETTINGS))
    yield platform
    configure()


def runtime_on(platform: Platform, settings: Settings, **options: Any) -> Runtime:
    return Runtime(load_settings=lambda: settings, transport=httpx.MockTransport(platform), **{"retries": 0, **options})


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Failing(Action):
    def name(self) -> str:
        return "action_failing"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="Let me look.")
        raise TimeoutError("order service")


class FailingBilling(Action):
    def name(self) -> str:
        return "action_failing_billing"

    @escalate_on_error(team="billing", countdown=7)
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError("personal data: 4111 1111 1111 1111")


class FailingSynchronously(Action):
    thread: threading.Thread | None = None

    def name(self) -> str:
        return "action_failing_synchronously"

    @escalate_on_error
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        type(self).thread = threading.current_thread()
        raise ConnectionError("down")


class FailingIntegration(IntegrationAction):
    team = "orders"

    def name(self) -> str:
        return "action_failing_integration"

    async def perform(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise RuntimeError("down")


class Working(IntegrationAction):
    def name(self) -> str:
        return "action_working"

    async def perform(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="Packed.")
        return [SlotSet("state", "packed")]


class Rejecting(IntegrationAction):
    def name(self) -> str:
        return "action_rejecting"

    async def perform(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ActionExecutionRejection(self.name(), "not now")


class Cancelled(IntegrationAction):
    def name(self) -> str:
        return "action_cancelled"

    async def perform(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise asyncio.CancelledError


class Nameless(Action):
    def name(self) -> str:
        raise KeyError("no name today")

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


def receipt(answer: dict[str, Any]) -> dict[str, Any]:
    return next(e["value"] for e in answer["events"] if e["event"] == "slot" and e["name"] == "haptik_handoff")


def kinds(answer: dict[str, Any]) -> list[str]:
    return [event["event"] for event in answer["events"]]


async def test_a_domain_without_the_slot_gets_no_receipt(platform: Platform) -> None:
    call = action_call("action_failing", metadata=WHO)
    # Rasa puts slots of its own into every domain.
    call["domain"]["slots"] = {"session_started_metadata": {"type": "any"}}
    answer = await run_action(Failing(), call)
    assert texts(answer) == ["Let me look.", COPY["haptik_handoff_connected"]]
    assert kinds(answer) == ["followup", "action", "pause"]


async def test_a_failure_becomes_a_confirmed_handoff(platform: Platform) -> None:
    answer = await run_action(
        Failing(), action_call("action_failing", metadata=WHO, slots={"haptik": {"countdown": 5}})
    )
    assert platform.asked == [{"team_name": "fallback", "user_name": "u1", "business_id": 343, "countdown": 5}]
    assert texts(answer) == ["Let me look.", COPY["haptik_handoff_connected"]]
    assert kinds(answer) == ["slot", "followup", "action", "pause"]
    assert [event["name"] for event in answer["events"][1:3]] == ["action_listen", "action_listen"]
    got = receipt(answer)
    assert {k: got[k] for k in ("state", "team", "action", "error", "reason")} == {
        "state": "connected",
        "team": "fallback",
        "action": "action_failing",
        "error": "TimeoutError",
        "reason": None,
    }
    assert len(got["id"]) == 12
    assert got["at"].endswith("+00:00")


async def test_what_works_is_left_alone(platform: Platform) -> None:
    answer = await run_action(Working(), action_call("action_working"))
    assert texts(answer) == ["Packed."]
    assert kinds(answer) == ["slot"]
    assert platform.asked == []


async def test_a_rejection_passes(platform: Platform) -> None:
    with pytest.raises(ActionExecutionRejection):
        await run_action(Rejecting(), action_call("x", metadata=WHO))
    assert platform.asked == []


async def test_a_cancellation_from_within_is_a_failure(platform: Platform) -> None:
    answer = await run_action(Cancelled(), action_call("x", metadata=WHO))
    assert (receipt(answer)["state"], receipt(answer)["error"]) == ("connected", "IntegrationCancelled")


async def test_a_synchronous_run_fails_in_a_thread(platform: Platform) -> None:
    answer = await run_action(FailingSynchronously(), action_call("x", metadata=WHO))
    assert receipt(answer)["state"] == "connected"
    assert FailingSynchronously.thread is not threading.main_thread()


ACTIONS_SLOT = {"team": "domain", "countdown": 10, "actions": {"action_failing_billing": {"team": "domain_action"}}}


@pytest.mark.parametrize(
    ("action", "slot", "team", "countdown"),
    [
        (Failing(), None, "fallback", None),
        (Failing(), {"team": "domain"}, "domain", None),
        (Failing(), ACTIONS_SLOT, "domain", 10),
        (FailingBilling(), None, "billing", 7),
        (FailingBilling(), {"team": "domain", "countdown": 5}, "billing", 7),
        (FailingBilling(), ACTIONS_SLOT, "domain_action", 7),
        (FailingIntegration(), {"team": "domain"}, "orders", None),
        (FailingIntegration(), {"actions": {"action_failing_integration": {"countdown": 6.0}}}, "orders", 6),
    ],
)
async def test_who_says_which_team(
    platform: Platform, action: Action, slot: Any, team: str, countdown: int | None
) -> None:
    answer = await run_action(action, action_call("x", metadata=WHO, slots={"haptik": slot}))
    assert platform.asked[0]["team_name"] == team == receipt(answer)["team"]
    assert platform.asked[0].get("countdown") == countdown


@pytest.mark.parametrize("call", ["action_call_rest", "action_call_reminder_fired", "action_call_callback_channel"])
async def test_recorded_calls_of_a_real_rasa(platform: Platform, rasa_call: Callable[..., Any], call: str) -> None:
    body = rasa_call(call)
    body["tracker"]["events"][-2]["metadata"] = WHO
    body["tracker"]["events"][-2]["event"] = "user"
    body["domain"]["slots"]["haptik"] = {"type": "any", "initial_value": {"team": "from_domain"}}
    body["domain"]["slots"]["haptik_handoff"] = {"type": "any"}
    answer = await run_action(Failing(), body)
    assert platform.asked == [{"team_name": "from_domain", "user_name": "u1", "business_id": 343}]
    assert receipt(answer)["state"] == "connected"


@pytest.mark.parametrize(
    ("metadata", "slots", "settings", "expected"),
    [
        (WHO, {}, None, ("u1", 343)),
        ({"user_name": "u1", "business_id": "343"}, {}, None, ("u1", 343)),
        ({"user_name": "u1", "business_id": 343.0}, {}, None, ("u1", 343)),
        ({"user": {"user_name": "u1"}, "business_id": 343}, {}, None, ("u1", 343)),
        ({"user_name": "u1"}, {"business_id": 7}, 9, ("u1", 7)),
        ({"user_name": "u1"}, {}, 9, ("u1", 9)),
        (WHO, {"user_name": "slot", "business_id": 7}, 9, ("u1", 343)),
        ({}, {"user_name": "slot", "business_id": 7}, None, ("slot", 7)),
        ({}, {"session_started_metadata": WHO, "user_name": "slot"}, None, ("u1", 343)),
        ({"user_name": "u1", "business_id": "acme"}, {}, 9, ("u1", 9)),
        ({"user_name": " ", "business_id": True}, {"user_name": "slot"}, 9, ("slot", 9)),
        ({"user_name": 12345, "business_id": 1}, {}, None, ("12345", 1)),
    ],
)
async def test_where_the_identity_comes_from(
    metadata: dict[str, Any], slots: dict[str, Any], settings: int | None, expected: tuple[str, int]
) -> None:
    platform = Platform()
    base = Settings(base_url="https://x.example", client_id="c", token="t", team="t", business_id=settings)
    configure(lambda: runtime_on(platform, base))
    try:
        await run_action(Failing(), action_call("x", metadata=metadata, slots=slots))
    finally:
        configure()
    assert [(a["user_name"], a["business_id"]) for a in platform.asked] == [expected]


@pytest.mark.parametrize("metadata", [None, {}, {"user_name": "u1"}, {"business_id": 343}, "text", [1]])
async def test_no_identity_names_the_three_places_and_the_user_still_gets_an_answer(
    platform: Platform, metadata: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await run_action(Failing(), action_call("x", metadata=metadata))
    assert platform.asked == []
    assert texts(answer)[-1] == COPY["haptik_handoff_unavailable"]
    assert receipt(answer)["state"] == "unavailable"
    assert kinds(answer) == ["slot"], "a pause without an agent would be silence"
    for place in ("metadata", "slots", "settings"):
        assert place in caplog.text


@pytest.mark.parametrize(
    ("message", "status", "state", "reason"),
    [
        ("invalid team_name provided", 400, "unavailable", "UnknownTeam"),
        ("user has not sent a message", 400, "unavailable", "NoConversation"),
        ("invalid token provided", 401, "unavailable", "AuthenticationError"),
        ("boom", 500, "delayed", "ServerError"),
        ("slow down", 429, "delayed", "RateLimited"),
    ],
)
async def test_the_user_is_told_what_really_happened(
    platform: Platform, message: str, status: int, state: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    platform.refuse(message, status)
    answer = await run_action(Failing(), action_call("x", metadata=WHO))
    assert texts(answer)[-1] == COPY[f"haptik_handoff_{state}"]
    assert (receipt(answer)["state"], receipt(answer)["reason"]) == (state, reason)
    assert kinds(answer) == ["slot"]
    assert receipt(answer)["id"] in caplog.text
    assert "s3cr3t" not in caplog.text


async def nothing_waits(outbox: Outbox) -> None:
    while await outbox.entries():  # noqa: ASYNC110 - there is no event to wait for: the tests use public names
        await asyncio.sleep(0)


async def test_a_delayed_handoff_is_delivered_once_when_haptik_is_back() -> None:
    platform, naps, clock = Platform(), asyncio.Semaphore(0), Clock()
    outbox = MemoryOutbox(clock=clock)

    async def nap(_: float) -> None:
        await naps.acquire()

    configure(lambda: runtime_on(platform, SETTINGS, sleep=nap, outbox=outbox))
    try:
        platform.refuse("down", 503)
        answer = await run_action(Failing(), action_call("x", metadata=WHO))
        assert receipt(answer)["state"] == "delayed"
        again = await run_action(Failing(), action_call("x", metadata=WHO))
        assert receipt(again)["state"] == "duplicate"
        assert receipt(again)["id"] == receipt(answer)["id"]
        assert len(platform.asked) == 1, "one chat waits once"
        clock.now += 2
        naps.release()
        await asyncio.sleep(0.05)
        assert len(platform.asked) == 2
        platform.answer = httpx.Response(200, json={"success": True})
        clock.now += 2
        naps.release()
        await asyncio.wait_for(nothing_waits(outbox), timeout=60)
        assert len(platform.asked) == 3
        assert platform.asked[-1]["user_name"] == "u1"
        clock.now += 60
        naps.release()
        await asyncio.sleep(0.05)
        assert len(platform.asked) == 3, "delivered once"
    finally:
        configure()


async def test_what_still_waits_at_the_end_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    platform = Platform()
    platform.refuse("down", 503)
    runtime = runtime_on(platform, SETTINGS)
    configure(lambda: runtime)
    try:
        answer = await run_action(Failing(), action_call("x", metadata=WHO))
    finally:
        configure()
    await asyncio.sleep(0)
    await runtime.aclose()
    assert f"Hand-off {receipt(answer)['id']} is lost" in caplog.text


@pytest.mark.parametrize("missing", ["base_url", "client_id", "token"])
async def test_a_missing_setting_is_named_before_anything_is_sent(
    missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    platform = Platform()
    complete = Settings(base_url="https://x.example", client_id="c", token="t")
    settings = dataclasses.replace(complete, **{missing: None})
    configure(lambda: runtime_on(platform, settings))
    try:
        call = action_call("x", metadata=WHO, slots={"haptik": {"team": "support"}})
        answer = await run_action(Failing(), call)
    finally:
        configure()
    assert texts(answer)[-1] == COPY["haptik_handoff_unavailable"]
    assert receipt(answer)["reason"] == "ConfigurationError"
    assert receipt(answer)["team"] == "support"
    assert f"HAPTIK_{missing.upper()}" in caplog.text
    assert "endpoints.yml" in caplog.text
    assert platform.asked == []


async def test_no_team_anywhere_is_named(caplog: pytest.LogCaptureFixture) -> None:
    platform = Platform()
    configure(lambda: runtime_on(platform, Settings(base_url="https://x.example", client_id="c", token="t")))
    try:
        answer = await run_action(Failing(), action_call("x", metadata=WHO))
    finally:
        configure()
    assert receipt(answer)["state"] == "unavailable"
    assert "HAPTIK_TEAM" in caplog.text


@pytest.mark.parametrize(
    ("slot", "path"),
    [
        ("support", "slots.haptik.initial_value"),
        ({"team": 5}, "slots.haptik.initial_value.team"),
        ({"countdown": "5"}, "slots.haptik.initial_value.countdown"),
        ({"countdown": 30}, "slots.haptik.initial_value.countdown"),
        ({"countdown": True}, "slots.haptik.initial_value.countdown"),
        ({"pause": "yes"}, "slots.haptik.initial_value.pause"),
        ({"messages": ["x"]}, "slots.haptik.initial_value.messages"),
        ({"messages": {"connected": 5}}, "slots.haptik.initial_value.messages.connected"),
        ({"actions": ["x"]}, "slots.haptik.initial_value.actions"),
        ({"actions": {"action_failing": "x"}}, "slots.haptik.initial_value.actions.action_failing"),
        ({"actions": {"action_failing": {"team": []}}}, "slots.haptik.initial_value.actions.action_failing.team"),
    ],
)
async def test_a_wrong_type_in_the_slot_is_named_by_its_path_and_the_bot_goes_on(
    platform: Platform, slot: Any, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    for user in ("u1", "u2"):
        who = {**WHO, "user_name": user}
        answer = await run_action(Failing(), action_call("x", metadata=who, slots={"haptik": slot}))
        assert receipt(answer)["state"] == "connected"
        assert texts(answer)[-1] == COPY["haptik_handoff_connected"]
    assert platform.asked[0] == {"team_name": "fallback", "user_name": "u1", "business_id": 343}
    assert caplog.text.count(f"{path} ") == 1, "said once, not at every failure"


@pytest.mark.parametrize(
    ("slot", "path", "near"),
    [
        ({"teem": "x"}, "slots.haptik.initial_value.teem", "'team'"),
        ({"message": {}}, "slots.haptik.initial_value.message", "'messages'"),
        ({"messages": {"conected": "k"}}, "slots.haptik.initial_value.messages.conected", "'connected'"),
        ({"actions": {"a": {"count_down": 5}}}, "slots.haptik.initial_value.actions.a.count_down", "'countdown'"),
    ],
)
async def test_an_unknown_key_is_a_warning_with_the_nearest_one(
    platform: Platform, slot: Any, path: str, near: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await run_action(Failing(), action_call("x", metadata=WHO, slots={"haptik": slot}))
    assert path in caplog.text
    assert near in caplog.text


@pytest.mark.parametrize("domain", [None, {}, {"slots": None}, {"slots": {"haptik": {}, "haptik_handoff": {}}}])
async def test_a_domain_that_says_nothing(platform: Platform, domain: Any) -> None:
    call = action_call("x", metadata=WHO)
    call["domain"] = domain
    executor = ActionExecutor()
    executor.register_action(Failing())
    if domain is None and hasattr(executor, "update_and_return_domain"):
        pytest.skip("this rasa-sdk asks Rasa for the domain before it runs the action")
    assert receipt(await run_action(Failing(), call))["state"] == "connected"


async def test_pause_false_leaves_the_conversation_running(platform: Platform) -> None:
    answer = await run_action(Failing(), action_call("x", metadata=WHO, slots={"haptik": {"pause": False}}))
    assert receipt(answer)["state"] == "connected"
    assert kinds(answer) == ["slot"]


async def test_own_message_keys_and_locale_come_from_the_store() -> None:
    store = MessageStore(
        defaults={"en": {"vip_connected": "Hello {team}"}, "de": {"vip_connected": "Hallo {team}, {reference}"}}
    )
    platform = Platform()
    configure(lambda: runtime_on(platform, SETTINGS, messages=store))
    slots = {"haptik": {"team": "vip", "messages": {"connected": "vip_connected", "delayed": "not_there"}}}
    try:
        plain = await run_action(Failing(), action_call("x", metadata=WHO, slots=slots))
        who = {"business_id": 343, "user_name": "u2", "language_code": "de"}
        german = await run_action(Failing(), action_call("x", metadata=who, slots=slots))
        by_slot = {**slots, "language_code": "de"}
        again = await run_action(Failing(), action_call("x", metadata={**WHO, "user_name": "u4"}, slots=by_slot))
        platform.refuse("down", 503)
        missing = await run_action(Failing(), action_call("x", metadata={**WHO, "user_name": "u3"}, slots=slots))
    finally:
        configure()
    assert texts(plain)[-1] == "Hello vip"
    assert texts(german)[-1] == f"Hallo vip, {receipt(german)['id']}"
    assert texts(again)[-1] == f"Hallo vip, {receipt(again)['id']}"
    assert texts(missing)[-1] == COPY["haptik_handoff_delayed"]


async def test_an_action_that_cannot_say_its_name_is_guarded_too(platform: Platform) -> None:
    executor = ActionExecutor()
    executor.register_function("action_nameless", Nameless().run)
    result = await executor.run(action_call("action_nameless", metadata=WHO))
    answer = result if isinstance(result, dict) else result.model_dump()
    assert receipt(answer)["action"] == "Nameless"


async def test_the_receipt_holds_no_words_of_the_error(platform: Platform) -> None:
    answer = await run_action(FailingBilling(), action_call("x", metadata=WHO))
    assert receipt(answer)["error"] == "ValueError"
    assert "4111" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("options", "named"),
    [({"countdown": 30}, "countdown"), ({"team": ""}, "team"), ({"teem": "x"}, "'team'"), ({"pause": 1}, "pause")],
)
def test_an_option_in_code_that_cannot_work_is_refused_at_once(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        escalate_on_error(**options)


@pytest.mark.parametrize("above", ["orders", IntegrationAction], ids=["a team", "a class"])
def test_a_decorator_that_does_not_stand_above_run_is_refused_at_once(above: Any) -> None:
    for decorate in (escalate_on_error, escalate_on_error(team="orders")):
        with pytest.raises(ConfigurationError, match=r"stands above the method `run`, not above .*Name options"):
            decorate(above)


def test_a_runtime_in_place_of_what_makes_one_is_refused_at_once() -> None:
    given: Any = Runtime()
    with pytest.raises(ConfigurationError, match=r"not Runtime\. Write configure\(lambda: Runtime\(…\)\)\."):
        configure(given)


def test_a_class_option_that_cannot_work_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"Slow\.countdown"):
        type("Slow", (IntegrationAction,), {"countdown": 60})


ALL = [Failing, FailingBilling, FailingSynchronously, FailingIntegration, Working, Nameless]


@pytest.mark.parametrize("kind", ALL)
def test_actions_pickle_and_keep_their_signature(kind: type[Action]) -> None:
    action = pickle.loads(pickle.dumps(kind()))
    assert inspect.iscoroutinefunction(action.run)
    assert list(inspect.signature(action.run).parameters) == ["dispatcher", "tracker", "domain"]


def test_the_base_class_registers_nothing() -> None:
    assert inspect.isabstract(IntegrationAction)
    with pytest.raises(TypeError):
        IntegrationAction()
