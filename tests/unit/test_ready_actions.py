"""The ready actions, and the events of a failure where Rasa runs the action."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasa_sdk import Tracker
from rasa_sdk.events import ActionExecuted, ConversationPaused, FollowupAction, SlotSet

from haptik_actions.actions._failure import failure_events
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call

COPY = packaged_copy()
WHO = {"user_name": "u1", "business_id": 343}

# Importing a ready action registers it for good, so that happens in a process of its own.
RUN = """
import asyncio, json, sys
import httpx
from rasa_sdk.executor import ActionExecutor
from haptik_actions import actions
from haptik_actions.config import Settings

for line in sys.stdin:
    name, call, settings, answer, status = json.loads(line)
    transport = httpx.MockTransport(lambda request: httpx.Response(status, json=answer))
    actions.configure(
        lambda: actions.Runtime(load_settings=lambda: Settings(**settings), transport=transport, retries=0)
    )
    executor = ActionExecutor()
    executor.register_action(getattr(actions, name)())
    result = asyncio.run(executor.run(call))
    print(json.dumps(result if isinstance(result, dict) else result.model_dump()), flush=True)
"""

CONFIRMED = ({"success": True}, 200)
REFUSED = ({"error_message": 'team "support" is inactive'}, 400)

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a ready action as an action server does, with a platform that gives one answer."""

    def run_action(name: str, call: dict[str, Any], answer: tuple[Any, int] = CONFIRMED, **settings: Any) -> Any:
        known = {"base_url": "https://haptik.example", "client_id": "c", "token": "s3cr3t", "team": "support"}
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps([name, call, {**known, **settings}, *answer])}\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield run_action
        assert process.stdin is not None
        process.stdin.close()


def kinds(answer: dict[str, Any]) -> list[str]:
    return [event["event"] for event in answer["events"]]


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


def receipt(answer: dict[str, Any]) -> dict[str, Any]:
    (value,) = [event["value"] for event in answer["events"] if event["event"] == "slot"]
    assert isinstance(value, dict)
    return value


def user(**more: Any) -> dict[str, Any]:
    return {"event": "user", "text": "hm", "metadata": WHO, **more}


FELL_BACK = [{"event": "action", "name": "action_default_fallback"}, {"event": "bot"}, {"event": "rewind"}]
LISTEN = {"event": "action", "name": "action_listen"}


def fallback_call(*before: dict[str, Any], slots: dict[str, Any] | None = None) -> dict[str, Any]:
    call = action_call("action_default_fallback", slots=slots, metadata=WHO)
    call["tracker"]["events"] = [*before, user()]
    return call


# Hand-off on request


def test_a_request_is_no_failure(run: Run) -> None:
    call = action_call("action_haptik_handoff", metadata=WHO)
    answer = run("ActionHaptikHandoff", call)
    assert texts(answer) == [COPY["haptik_request_connected"]]
    # Pause and resume are taken back together then, and what is left listens.
    assert kinds(answer) == ["slot", "followup", "action", "pause"]
    assert (receipt(answer)["state"], receipt(answer)["error"]) == ("connected", None)


def test_a_request_has_its_own_entry_in_the_slot(run: Run) -> None:
    slots = {"haptik": {"team": "support", "actions": {"action_haptik_handoff": {"team": "sales", "pause": False}}}}
    answer = run("ActionHaptikHandoff", action_call("action_haptik_handoff", slots=slots, metadata=WHO))
    assert receipt(answer)["team"] == "sales"
    assert kinds(answer) == ["slot"]


# Fallback


@pytest.mark.parametrize(
    ("answer", "slots", "told"),
    [
        (CONFIRMED, {"haptik": {"pause": False}}, "connected"),
        (REFUSED, {}, "unavailable"),
        (({}, 503), {}, "delayed"),
    ],
)
def test_the_fallback_without_a_pause_takes_the_message_back_and_listens(
    answer: tuple[Any, int], slots: dict[str, Any], told: str, run: Run
) -> None:
    got = run("ActionHaptikDefaultFallback", fallback_call(LISTEN, slots=slots), answer)
    assert texts(got) == [COPY[f"haptik_handoff_{told}"]]
    assert kinds(got) == ["rewind", "slot", "followup"]
    assert (receipt(got)["state"], receipt(got)["action"]) == (told, "action_default_fallback")


def test_the_fallback_with_a_pause_listens_as_well(run: Run) -> None:
    got = run("ActionHaptikDefaultFallback", fallback_call(LISTEN))
    assert texts(got) == [COPY["haptik_handoff_connected"]]
    assert kinds(got) == ["rewind", "slot", "followup", "action", "pause"]


def test_the_fallback_without_any_setting_is_an_answer(run: Run) -> None:
    got = run("ActionHaptikDefaultFallback", fallback_call(LISTEN), base_url=None)
    assert (texts(got), kinds(got)) == ([COPY["haptik_handoff_unavailable"]], ["rewind", "slot", "followup"])


HISTORIES: list[tuple[str, list[dict[str, Any]], bool]] = [
    ("the first message", [LISTEN], False),
    ("an understood message before", [user(), {"event": "action", "name": "utter_greet"}, LISTEN], False),
    ("the second in a row", [user(), *FELL_BACK, LISTEN], True),
    ("the third in a row", [user(), *FELL_BACK, LISTEN, user(), *FELL_BACK, LISTEN], True),
    ("understood in between", [user(), *FELL_BACK, LISTEN, user(), {"event": "action", "name": "a"}, LISTEN], False),
    ("an agent in between", [user(), *FELL_BACK, LISTEN, {"event": "pause"}, {"event": "resume"}], False),
    ("a restart in between", [user(), *FELL_BACK, LISTEN, {"event": "restart"}, LISTEN], False),
]


@pytest.mark.parametrize(("history", "hands_over"), [row[1:] for row in HISTORIES], ids=[row[0] for row in HISTORIES])
def test_two_stages(history: list[dict[str, Any]], hands_over: bool, run: Run) -> None:
    got = run("ActionHaptikTwoStageFallback", fallback_call(*history))
    key = "haptik_handoff_connected" if hands_over else "haptik_fallback_rephrase"
    assert texts(got) == [COPY[key]]
    assert ("pause" in kinds(got)) is hands_over
    assert kinds(got)[0] == "rewind"


def test_the_first_stage_without_a_message_store_is_an_answer(run: Run) -> None:
    got = run("ActionHaptikTwoStageFallback", fallback_call(LISTEN), redis_url="redis://127.0.0.1:1")
    assert texts(got) == [COPY["haptik_fallback_rephrase"]]


RESUMED = {"event": "resume", "timestamp": 12.5}
AFTER_A_RESUME: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("paused before listening", [{"event": "pause"}, LISTEN, RESUMED], ["rewind", "resume", "followup"]),
    ("messages to the agent", [{"event": "pause"}, LISTEN, user(), RESUMED], ["rewind", "resume", "followup"]),
    ("paused after listening", [LISTEN, {"event": "pause"}, RESUMED], ["rewind", "followup"]),
    ("listened after the resume", [{"event": "pause"}, RESUMED, LISTEN], ["rewind", "followup"]),
]


@pytest.mark.parametrize(("before", "events"), [row[1:] for row in AFTER_A_RESUME], ids=[r[0] for r in AFTER_A_RESUME])
def test_a_revert_does_not_take_a_resume_back(before: list[dict[str, Any]], events: list[str], run: Run) -> None:
    got = run("ActionHaptikTwoStageFallback", fallback_call(*before))
    assert kinds(got) == events
    assert [event["timestamp"] for event in got["events"] if event["event"] == "resume"] == [12.5] * events.count(
        "resume"
    )


# Events of a failure, where Rasa runs the action


def tracker(*events: dict[str, Any], loop: str | None = "return_form") -> Tracker:
    active = {"name": loop} if loop else {}
    return Tracker("s1", {}, {}, list(events), False, None, active, "return_form")


def candidate(name: str) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": "unvalidated"}


PAUSED = [ActionExecuted("action_listen"), ConversationPaused()]


def escalated(state: str, *, pause: bool = False) -> list[dict[str, Any]]:
    events = [SlotSet("haptik_handoff", {"state": state})]
    return [*events, FollowupAction("action_listen"), *PAUSED] if pause else events


def short(events: list[dict[str, Any]]) -> list[str]:
    return [f"{e['event']} {e.get('name') or ''}".strip() for e in events]


UNSET, RECEIPT = ["slot day", "slot seats"], ["slot haptik_handoff"]
PAUSE = ["followup action_listen", "action action_listen", "pause"]
LEFT = ["slot requested_slot", "active_loop"]
FOLLOWUP = ["followup action_listen"]

PLACES: list[tuple[str, str, str | None, list[dict[str, Any]], list[str]]] = [
    # what, action, active form, events of the escalation, events for Rasa
    ("an action", "action_order", None, escalated("connected", pause=True), RECEIPT + PAUSE),
    ("an action in a form", "action_order", "form", escalated("connected", pause=True), LEFT + RECEIPT + PAUSE),
    ("an action in a form, no agent", "action_order", "form", escalated("unavailable"), RECEIPT),
    ("a validation", "validate_form", "form", escalated("connected", pause=True), UNSET + LEFT + RECEIPT + PAUSE),
    ("a validation, delayed", "validate_form", "form", escalated("delayed"), UNSET + RECEIPT),
    ("a validation, no agent", "validate_form", "form", escalated("unavailable"), UNSET + RECEIPT),
    ("a validation, no pause", "validate_form", "form", escalated("connected"), UNSET + LEFT + RECEIPT + FOLLOWUP),
    ("a validation, again", "validate_form", "form", escalated("duplicate"), UNSET + LEFT + RECEIPT + FOLLOWUP),
    ("no validation of a form", "validate_form", None, escalated("unavailable"), RECEIPT),
    ("a question", "action_ask_day", "form", escalated("connected", pause=True), LEFT + RECEIPT + PAUSE),
    ("a question, no agent", "action_ask_day", "form", escalated("unavailable"), LEFT + RECEIPT + FOLLOWUP),
    ("a question without a form", "action_ask_day", None, escalated("unavailable"), RECEIPT),
    ("slots", "action_validate_slot_mappings", None, escalated("connected", pause=True), UNSET + RECEIPT),
    ("slots in a form", "action_validate_slot_mappings", "form", escalated("connected", pause=True), UNSET + RECEIPT),
]


@pytest.mark.parametrize(
    ("name", "loop", "events", "expected"), [row[1:] for row in PLACES], ids=[r[0] for r in PLACES]
)
def test_the_events_fit_the_place(
    name: str, loop: str | None, events: list[dict[str, Any]], expected: list[str]
) -> None:
    asked = tracker({"event": "action", "name": "form"}, candidate("day"), candidate("seats"), loop=loop)
    got = failure_events(name, asked, events)
    assert short(got) == expected
    unset = [event for event in got if event.get("name") in ("day", "seats", "requested_slot")]
    assert [event["value"] for event in unset] == [None] * len(unset)


@given(
    before=st.lists(st.sampled_from([user(), LISTEN, candidate("earlier")])),
    asked=st.lists(st.sampled_from(["day", "seats", "requested_slot"])),
)
def test_only_the_candidates_of_this_validation_are_unset(before: list[dict[str, Any]], asked: list[str]) -> None:
    form = {"event": "action", "name": "form"}
    got = failure_events("validate_form", tracker(*before, form, *map(candidate, asked), loop="form"), [])
    assert [event["name"] for event in got] == list(dict.fromkeys(name for name in asked if name != "requested_slot"))


def test_ready_actions_pickle() -> None:
    code = (
        "import pickle\n"
        "from haptik_actions.actions import ActionHaptikHandoff, ActionHaptikTwoStageFallback\n"
        "for kind in (ActionHaptikHandoff, ActionHaptikTwoStageFallback):\n"
        "    print(pickle.loads(pickle.dumps(kind().run)).__self__.name())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["action_haptik_handoff", "action_default_fallback"]
