"""Values that an action may put anywhere and that cannot be asked for their truth, compared or looked through.

Arrays of numpy and columns of pandas are such values: `if value` raises. These stand in for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.forms import FormValidationAction

from haptik_actions.actions import Runtime, configure, escalate_on_error, guard_all_actions
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call, run_action

CONNECTED = packaged_copy()["haptik_handoff_connected"]
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
WHO = {"user_name": "u1", "business_id": 343}


class Array:
    """As an array of numpy with several numbers."""

    def __bool__(self) -> bool:
        raise ValueError("The truth value of an array with more than one element is ambiguous.")

    def __eq__(self, other: object) -> Any:
        return self

    def __hash__(self) -> int:
        raise TypeError("unhashable")

    def __iter__(self) -> Iterator[int]:
        return iter((1, 2))

    def __len__(self) -> int:
        return 2


class Column(Array):
    """As a column of pandas, which also answers to names."""

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)

    def items(self) -> Iterator[tuple[int, int]]:
        return iter(((0, 1), (1, 2)))


class ListWithoutTruth(list[Any]):
    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


class DictThatRaises(dict[str, Any]):
    def items(self) -> Any:
        raise LookupError("not now")

    def values(self) -> Any:
        raise LookupError("not now")


class Number:
    """As a number of numpy: it has a truth value and is no JSON."""

    def __bool__(self) -> bool:
        return False


VALUES: list[Any] = [Array(), Column(), ListWithoutTruth([object()]), Number(), DictThatRaises(a=object())]
IDS = [type(value).__name__ for value in VALUES]


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport))
    yield
    configure()


def error(answer: dict[str, Any]) -> str | None:
    values = [event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff"]
    return values[0]["error"] if values else None


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


class Puts(Action):
    """Puts a value somewhere, and may fail for another reason afterwards."""

    def __init__(self, where: str, value: Any, *, fails: bool = False) -> None:
        self.where, self.value, self.fails = where, value, fails

    def name(self) -> str:
        return "action_puts"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text="fine")
        events = self._put(dispatcher, tracker)
        if self.fails:
            raise LookupError("something else")
        return events

    def _put(self, dispatcher: Any, tracker: Any) -> Any:
        if self.where in ("an event", "deep in an event"):
            return [SlotSet("prices", self.value if self.where == "an event" else {"a": [self.value]})]
        if self.where == "an event's kind":
            return [{"event": self.value}]
        if self.where == "the events":
            return self.value
        if self.where == "a value of a response":
            dispatcher.utter_message(response="utter_prices", prices=self.value)
        elif self.where == "a slot of the tracker":
            tracker.slots.update(user_name=self.value, language_code=self.value, haptik_handoff=self.value)
            raise LookupError("what its own code makes of it")
        else:
            dispatcher.messages.append({"text": "x", self.where: self.value})
        return []


MESSAGE = ["text", "image", "attachment", "buttons", "elements", "quick_replies", "custom", "of its own"]
PLACES = [*MESSAGE, "a value of a response", "an event", "deep in an event", "an event's kind", "a slot of the tracker"]


@pytest.mark.parametrize("fails", [False, True], ids=["", "and it fails afterwards"])
@pytest.mark.parametrize("value", VALUES, ids=IDS)
@pytest.mark.parametrize("where", PLACES)
async def test_it_is_a_failure_and_the_user_is_told(where: str, value: Any, fails: bool) -> None:
    answer = await run_action(Puts(where, value, fails=fails), action_call("x", metadata=WHO))
    assert error(answer) == ("LookupError" if fails or where == "a slot of the tracker" else "InvalidReturn")
    assert texts(answer) == ["fine", CONNECTED]
    json.dumps(answer)


@pytest.mark.parametrize(
    "value", [Array(), Column(), Number(), DictThatRaises()], ids=lambda value: type(value).__name__
)
async def test_in_place_of_the_events(value: Any) -> None:
    answer = await run_action(Puts("the events", value), action_call("x", metadata=WHO))
    assert error(answer) == "InvalidReturn"


@pytest.mark.parametrize("value", VALUES, ids=IDS)
async def test_a_form_that_validates_to_it(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class ValidateForm(FormValidationAction):
        def name(self) -> str:
            return "validate_my_form"

        async def validate_day(self, given: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
            return {"day": value}

    monkeypatch.setattr(ActionExecutor, "register_function", ActionExecutor.register_function)
    guard_all_actions()
    call = action_call("validate_my_form", metadata=WHO)
    call["domain"] = {"slots": {"day": {}, "haptik_handoff": {}}, "forms": {"my_form": {"required_slots": ["day"]}}}
    call["tracker"]["active_loop"] = {"name": "my_form"}
    call["tracker"]["events"].append({"event": "slot", "name": "day", "value": "monday"})
    answer = await run_action(ValidateForm(), call)
    assert error(answer) == "InvalidReturn"
    assert texts(answer) == [CONNECTED]
    assert SlotSet("day", None) in answer["events"]


class Empties(Action):
    """Leaves nothing of its tracker, and fails."""

    def __init__(self, how: str) -> None:
        self.how = how

    def name(self) -> str:
        return "action_empties"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        if self.how == "its dictionary":
            tracker.__dict__.clear()
        elif self.how == "what it holds":
            for held in (tracker.slots, tracker.latest_message["metadata"], tracker.latest_message, tracker.events):
                held.clear()
        elif self.how == "deletes":
            del tracker.sender_id, tracker.slots, tracker.events, tracker.latest_message
        else:
            tracker.slots, tracker.latest_message, tracker.events = (eval(self.how) for _ in range(3))
            tracker.sender_id = tracker.active_loop = None
        raise LookupError("and now")


@pytest.mark.parametrize("how", ["its dictionary", "what it holds", "deletes", "None", "{}", "[]", "Array()", "5"])
@pytest.mark.parametrize("known_by", ["metadata", "slots", "session"])
async def test_an_action_that_empties_its_tracker_is_handed_over(
    how: str, known_by: str, caplog: pytest.LogCaptureFixture
) -> None:
    known: dict[str, dict[str, Any]] = {"slots": {**WHO}, "session": {"session_started_metadata": {**WHO}}}
    slots = {"haptik": {"countdown": 7}, **known.get(known_by, {})}
    call = action_call("x", metadata={**WHO} if known_by == "metadata" else {}, slots=slots)
    answer = await run_action(Empties(how), call)
    assert (error(answer), texts(answer)) == ("LookupError", [CONNECTED])
    assert "failed in conversation s1" in caplog.text
