"""`guard_all_actions` in this process; tests/integration/test_run_command.py has it in real servers."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from rasa_sdk import Action
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection

from haptik_actions.actions import IntegrationAction, Runtime, configure, escalate_on_error, guard_all_actions
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call

COPY = packaged_copy()


class Raises(Action):
    def name(self) -> str:
        return "action_raises"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError("down")


class Rejects(Action):
    def name(self) -> str:
        return "action_rejects"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ActionExecutionRejection("action_rejects", "not now")


class Decorated(Action):
    def name(self) -> str:
        return "action_decorated"

    @escalate_on_error(team="billing")
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError("down")


class Integration(IntegrationAction):
    team = "orders"

    def name(self) -> str:
        return "action_integration"

    async def perform(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError("down")


class OwnRun(IntegrationAction):
    """Replaces the guard by its own `run`."""

    def name(self) -> str:
        return "action_own_run"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError("down")

    async def perform(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return []


@pytest.fixture(autouse=True)
def guarding(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import rasa_sdk.endpoint

    # Set to what they are, so that they are put back after the test.
    monkeypatch.setattr(ActionExecutor, "register_function", ActionExecutor.register_function)
    monkeypatch.setattr(rasa_sdk.endpoint, "create_app", rasa_sdk.endpoint.create_app)
    configure(lambda: Runtime(load_settings=Settings))
    guard_all_actions()
    yield
    configure()


async def run(executor: ActionExecutor, name: str) -> dict[str, Any]:
    result = await executor.run(action_call(name))
    answer = result if isinstance(result, dict) else result.model_dump()
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("action", [Raises, Decorated, Integration, OwnRun])
@pytest.mark.parametrize("by", ["class", "instance", "function"])
async def test_whatever_is_registered_answers(action: type[Action], by: str) -> None:
    executor = ActionExecutor()
    if by == "function":
        executor.register_function(action().name(), action().run)
    else:
        executor.register_action(action if by == "class" else action())
    answer = await run(executor, action().name())
    assert [message["text"] for message in answer["responses"]] == [COPY["haptik_handoff_unavailable"]]
    (event,) = answer["events"]
    assert (event["value"]["action"], event["value"]["error"]) == (action().name(), "ValueError")
    assert event["value"]["team"] == {Decorated: "billing", Integration: "orders"}.get(action)


@pytest.mark.parametrize("action", [Decorated, Integration])
def test_what_is_guarded_already_stays_as_it_is(action: type[Action]) -> None:
    executor, instance = ActionExecutor(), action()
    executor.register_action(instance)
    assert executor.actions[instance.name()] == instance.run


def test_a_second_call_does_nothing() -> None:
    once = ActionExecutor.register_function
    guard_all_actions()
    assert ActionExecutor.register_function is once


async def test_rejections_are_not_failures_and_unknown_actions_are() -> None:
    executor = ActionExecutor()
    executor.register_action(Rejects)
    with pytest.raises(ActionExecutionRejection, match="not now"):
        await run(executor, "action_rejects")
    answer = await run(executor, "action_of_nobody")
    assert answer["events"][0]["value"]["error"] == "ActionNotFoundException"


def test_a_function_that_rasa_sdk_refuses_is_still_refused() -> None:
    executor = ActionExecutor()
    with pytest.raises(Exception, match="3 parameters"):
        executor.register_function("action_short", lambda dispatcher: [])
    assert executor.actions == {}


async def test_the_guard_travels_with_a_pickled_action() -> None:
    executor = ActionExecutor()
    executor.register_action(Raises)
    executor.actions = pickle.loads(pickle.dumps(executor.actions))
    answer = await run(executor, "action_raises")
    assert answer["events"][0]["value"]["error"] == "ValueError"


CODE = """
import pickle, sys
from rasa_sdk.executor import ActionExecutor

pickle.loads(bytes.fromhex(sys.argv[1]))
executor = ActionExecutor()
executor.register_function("action_new", lambda dispatcher, tracker, domain: [])
print(type(executor.actions["action_new"]).__name__)
"""


def test_a_process_that_gets_the_executor_guards_what_it_registers_itself() -> None:
    executor = ActionExecutor()
    executor.register_function("action_print", escalate_on_error(print_nothing))
    # The modules are those that were imported for registering; rasa-sdk 3.21 leaves them out by itself.
    pickled = pickle.dumps({k: v for k, v in vars(executor).items() if k not in ("actions", "_modules")}).hex()
    done = subprocess.run([sys.executable, "-c", CODE, pickled], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "_GuardedRun"


async def print_nothing(dispatcher: Any, tracker: Any, domain: Any) -> Any:
    return []


READY = {
    "ActionHaptikHandoff": ["action_haptik_handoff"],
    "ActionHaptikDefaultFallback": ["action_default_fallback"],
    "ActionHaptikTwoStageFallback": ["action_default_fallback"],
}


@pytest.mark.parametrize("name", READY)
def test_only_the_ready_action_that_is_imported_is_registered(name: str) -> None:
    code = (
        "import json\n"
        "from rasa_sdk.executor import ActionExecutor\n"
        "before = ActionExecutor(); before._register_all_actions()\n"
        f"from haptik_actions.actions import {name}\n"
        "from haptik_actions.actions import *\n"
        "after = ActionExecutor(); after._register_all_actions()\n"
        "new = sorted(set(after.actions) - set(before.actions))\n"
        "print(json.dumps([new, [type(after.actions[n].__self__).__name__ for n in new]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [READY[name], [name]]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    import haptik_actions.actions

    with pytest.raises(AttributeError, match="ActionHaptikNothing"):
        haptik_actions.actions.ActionHaptikNothing  # noqa: B018
