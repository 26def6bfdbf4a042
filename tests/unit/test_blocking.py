"""Code that blocks where it should not, and cancellations that nobody asked for: an answer all the same."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action, FormValidationAction
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import ActionExecutor

from haptik_actions.actions import Runtime, configure, escalate_on_error, guard_all_actions
from haptik_actions.actions._stall import BLOCKERS
from haptik_actions.config import Settings
from haptik_actions.messages import packaged_copy
from tests.support.rasa import action_call, run_action

CONNECTED = packaged_copy()["haptik_handoff_connected"]
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
FOR_EVER = 3600.0
QUICK = {"deadline": 0.3}


@pytest.fixture(autouse=True)
def platform() -> Iterator[None]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"success": True}))
    configure(lambda: Runtime(load_settings=lambda: SETTINGS, transport=transport))
    yield
    configure()


async def call(action: Action, user: str = "u1", slot: Any = None) -> dict[str, Any]:
    who = {"user_name": user, "business_id": 343}
    return await run_action(action, action_call("x", metadata=who, slots={"haptik": slot or QUICK}))


def error(answer: dict[str, Any]) -> Any:
    return next((e["value"]["error"] for e in answer["events"] if e.get("name") == "haptik_handoff"), None)


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


class Does(Action):
    """Runs a blocking function inside of its coroutine, and remembers in which thread."""

    def __init__(self, what: Callable[[], Any], name: str = "action_does") -> None:
        self._what, self._name, self.threads = what, name, list[threading.Thread]()

    def name(self) -> str:
        return self._name

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        self.threads.append(threading.current_thread())
        self._what()
        return []


def wait_for_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.recv(1)


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def compute() -> None:
    while True:
        pass


BLOCKING: list[Callable[[], Any]] = [
    lambda: time.sleep(FOR_EVER),
    wait_for_the_network,
    wait_for_a_lock,
    lambda: queue.Queue[int]().get(),
    lambda: subprocess.run([sys.executable, "-c", f"import time; time.sleep({FOR_EVER})"], timeout=30),
    compute,
]


@pytest.mark.parametrize("what", BLOCKING, ids=["sleep", "network", "lock", "queue", "process", "computation"])
async def test_what_blocks_the_loop_is_interrupted_at_the_deadline(
    what: Callable[[], Any], request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await call(Does(what, f"action_{request.node.name}"))
    assert error(answer) == "IntegrationTimeout"
    assert texts(answer) == [CONNECTED]
    assert "blocked the worker at " in caplog.text
    assert __file__ in caplog.text


async def test_an_action_that_catches_everything_is_interrupted_all_the_same() -> None:
    def stubborn() -> None:
        for _ in range(2):
            try:
                time.sleep(FOR_EVER)
            except Exception:  # noqa: BLE001
                continue
            except BaseException:  # noqa: BLE001
                time.sleep(FOR_EVER)

    assert error(await call(Does(stubborn, "action_stubborn"))) == "IntegrationTimeout"


async def test_what_blocked_once_is_run_in_a_thread_and_blocks_nobody_any_more() -> None:
    action = Does(lambda: time.sleep(FOR_EVER), "action_learned")
    assert error(await call(action)) == "IntegrationTimeout"
    answers = await asyncio.gather(*(call(action, f"u{n}") for n in range(2, 12)))
    assert {error(answer) for answer in answers} == {"IntegrationTimeout"}
    main = threading.main_thread()
    assert [thread is main for thread in action.threads] == [True] + [False] * 10


async def test_after_a_while_it_is_back_on_the_workers_loop() -> None:
    action = Does(lambda: time.sleep(FOR_EVER), "action_back")
    assert error(await call(action)) == "IntegrationTimeout"
    BLOCKERS["action_back"] -= 301
    assert error(await call(action, "u2")) == "IntegrationTimeout"
    assert {thread is threading.main_thread() for thread in action.threads} == {True}


class Starts(Action):
    """Blocks in a task that it has started."""

    def name(self) -> str:
        return "action_starts"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        async def block() -> None:
            time.sleep(FOR_EVER)  # noqa: ASYNC251

        await asyncio.gather(block(), asyncio.sleep(0))
        return []


async def test_what_blocks_in_a_task_of_the_action_is_interrupted_too() -> None:
    assert error(await call(Starts())) == "IntegrationTimeout"


async def test_an_action_that_blocks_for_less_than_its_deadline_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    answer = await call(Does(lambda: time.sleep(2.5), "action_slow"), slot={"deadline": 60})
    assert (error(answer), texts(answer)) == (None, [])
    await asyncio.sleep(0)
    assert "Action action_slow blocked the worker" in caplog.text


@pytest.mark.parametrize(("wanted", "apart"), [(True, True), (False, False), (None, False)])
async def test_the_option_says_where_it_runs(wanted: bool | None, apart: bool) -> None:
    action = Does(lambda: None, f"action_option_{wanted}")
    assert error(await call(action, slot={"thread": wanted})) is None
    assert [thread is not threading.main_thread() for thread in action.threads] == [apart]


async def test_an_action_that_has_to_stay_is_interrupted_each_time() -> None:
    action = Does(lambda: time.sleep(FOR_EVER), "action_stays")
    for user in ("u1", "u2"):
        assert error(await call(action, user, {**QUICK, "thread": False})) == "IntegrationTimeout"
    assert {thread is threading.main_thread() for thread in action.threads} == {True}


class Bound(Action):
    """Waits for what belongs to the loop that it ran in first."""

    def __init__(self) -> None:
        self.lock: asyncio.Future[None] | None = None
        self.block = True

    def name(self) -> str:
        return "action_bound"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        if self.lock is None:
            self.lock = asyncio.get_running_loop().create_future()
        if self.block:
            time.sleep(FOR_EVER)  # noqa: ASYNC251
        await self.lock
        return []


async def test_an_action_that_needs_the_workers_loop_goes_back_to_it(caplog: pytest.LogCaptureFixture) -> None:
    action = Bound()
    assert error(await call(action)) == "IntegrationTimeout"
    assert action.lock is not None
    action.lock.set_result(None)
    action.lock, action.block = asyncio.get_running_loop().create_future(), False
    assert error(await call(action, "u2")) == "RuntimeError"
    assert "It stays there" in caplog.text
    action.lock.set_result(None)
    assert error(await call(action, "u3")) is None


# Forms


class ValidateForm(FormValidationAction):
    def __init__(self) -> None:
        self.threads: dict[str, bool] = {}

    def name(self) -> str:
        return "validate_my_form"

    def validate_order(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        self.threads["order"] = threading.current_thread() is threading.main_thread()
        if value == "block":
            time.sleep(5)
        dispatcher.utter_message(text="checked")
        return {"order": "sync"}

    async def validate_day(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        self.threads["day"] = threading.current_thread() is threading.main_thread()
        return {"day": "async"}


class DecoratedForm(ValidateForm):
    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        return await super().run(dispatcher, tracker, domain)


def form_call(order: str) -> dict[str, Any]:
    body = action_call("validate_my_form", metadata={"user_name": "u1", "business_id": 343}, slots={"haptik": QUICK})
    names = {"order": order, "day": "monday"}
    body["domain"] = {
        "slots": {name: {} for name in (*names, "haptik_handoff")},
        "forms": {"my_form": {"required_slots": list(names)}},
    }
    body["tracker"]["active_loop"] = {"name": "my_form"}
    body["tracker"]["events"] += [{"event": "slot", "name": name, "value": value} for name, value in names.items()]
    return body


def executor_of(action: Action, monkeypatch: pytest.MonkeyPatch) -> ActionExecutor:
    monkeypatch.setattr(ActionExecutor, "register_function", ActionExecutor.register_function)
    guard_all_actions()
    executor = ActionExecutor()
    executor.register_action(action)
    return executor


@pytest.mark.parametrize("kind", [ValidateForm, DecoratedForm])
@pytest.mark.parametrize("spawned", [False, True], ids=["here", "in a spawned worker"])
async def test_synchronous_methods_of_a_form_run_in_threads(
    kind: type[ValidateForm], spawned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    action = kind()
    executor = executor_of(action, monkeypatch)
    run = pickle.loads(pickle.dumps(executor.actions["validate_my_form"])) if spawned else None
    if run is not None:
        executor.actions["validate_my_form"] = run
    result = await executor.run(form_call("7"))
    answer = result if isinstance(result, dict) else result.model_dump()
    assert answer["events"] == [SlotSet("order", "sync"), SlotSet("day", "async")]
    assert texts(answer) == ["checked"]
    if not spawned:
        assert action.threads == {"order": False, "day": True}


@pytest.mark.parametrize("kind", [ValidateForm, DecoratedForm])
async def test_a_synchronous_validation_that_hangs_is_a_failure(
    kind: type[ValidateForm], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = await executor_of(kind(), monkeypatch).run(form_call("block"))
    answer = result if isinstance(result, dict) else result.model_dump()
    assert error(answer) == "IntegrationTimeout"
    assert texts(answer) == [CONNECTED]
    assert SlotSet("order", None) in answer["events"]


# Cancellations


class Awaits(Action):
    """Awaits what a test gives it."""

    def __init__(self, what: Callable[[], Any]) -> None:
        self.what = what

    def name(self) -> str:
        return "action_awaits"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        await self.what()
        return []


async def test_a_client_that_is_closed_beneath_the_action_is_a_failure() -> None:
    async def closed() -> None:
        task = asyncio.create_task(asyncio.sleep(FOR_EVER))
        asyncio.get_running_loop().call_soon(task.cancel)
        await task

    assert error(await call(Awaits(closed), slot={"deadline": 60})) == "IntegrationCancelled"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not count cancellations")
async def test_a_server_that_gives_up_on_the_call_is_no_failure() -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.sleep(FOR_EVER)

    task = asyncio.create_task(call(Awaits(hang), slot={"deadline": 60}))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_out_of_an_older_library_does_not_pass_for_the_server_at_the_deadline() -> None:
    async def cancelled_once_and_never_uncancelled() -> None:
        # As async-timeout 4.0.2 does, and with it older versions of aiohttp: the task stays counted as cancelled.
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.01, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(FOR_EVER)
        await asyncio.sleep(FOR_EVER)

    answer = await call(Awaits(cancelled_once_and_never_uncancelled))
    assert error(answer) == "IntegrationTimeout"
    assert texts(answer) == [CONNECTED]


async def test_an_action_that_swallows_the_cancellation_is_cancelled_again() -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(FOR_EVER)
            except asyncio.CancelledError:
                continue
        raise AssertionError("unreachable within the deadline")

    answer = await call(Awaits(stubborn))
    assert error(answer) == "AssertionError"
    assert texts(answer) == [CONNECTED]


async def test_an_action_that_swallows_every_cancellation_is_let_go_of(caplog: pytest.LogCaptureFixture) -> None:
    goes_on = []

    async def retries_for_ever() -> None:
        while True:
            try:
                goes_on.append(time.monotonic())
                await asyncio.sleep(FOR_EVER)
            except:  # noqa: E722
                await asyncio.sleep(0)

    began = time.monotonic()
    answer = await call(Awaits(retries_for_ever))
    assert error(answer) == "IntegrationTimeout"
    assert texts(answer) == [CONNECTED]
    assert time.monotonic() - began < 10
    assert "swallows that it is cancelled" in caplog.text
    ended = len(goes_on)
    await asyncio.sleep(0.1)
    assert len(goes_on) == ended


async def test_cleaning_up_may_await(caplog: pytest.LogCaptureFixture) -> None:
    closed = []

    async def closes() -> None:
        try:
            await asyncio.sleep(FOR_EVER)
        finally:
            await asyncio.sleep(0.1)
            closed.append(True)

    assert error(await call(Awaits(closes))) == "IntegrationTimeout"
    assert closed == [True]
    assert "swallows" not in caplog.text


def cancel_this_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


async def cancels_itself_and_returns() -> None:
    cancel_this_task()


async def cancels_itself_and_raises() -> None:
    cancel_this_task()
    raise ValueError("as it does without a guard")


async def cancels_itself_and_goes_on() -> None:
    cancel_this_task()
    await asyncio.sleep(0)


CANCEL_THEMSELVES = [
    (cancels_itself_and_returns, None, []),
    (cancels_itself_and_raises, "ValueError", [CONNECTED]),
    (cancels_itself_and_goes_on, "IntegrationCancelled", [CONNECTED]),
]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not count how often a task is cancelled")
@pytest.mark.parametrize(("what", "failed", "said"), CANCEL_THEMSELVES, ids=["returns", "raises", "awaits"])
async def test_an_action_that_cancels_its_own_task_is_answered(what: Any, failed: str | None, said: list[str]) -> None:
    answer = await call(Awaits(what))
    assert error(answer) == failed
    assert texts(answer) == said
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_server_that_cancels_a_call_while_the_action_cancels_itself_is_heard() -> None:
    async def both() -> None:
        cancel_this_task()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        await asyncio.sleep(FOR_EVER)

    calling = asyncio.create_task(call(Awaits(both), slot={"deadline": 60}))
    await asyncio.sleep(0.2)
    calling.cancel()
    if sys.version_info >= (3, 11):
        with pytest.raises(asyncio.CancelledError):
            await calling
    else:
        assert error(await calling) == "IntegrationCancelled"


async def test_what_an_action_awaits_may_be_anything_awaitable() -> None:
    class Own:
        def __await__(self) -> Iterator[Any]:
            yield from asyncio.sleep(0).__await__()

    class Returns(Action):
        def name(self) -> str:
            return "action_returns"

        @escalate_on_error
        def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
            return Own()

    assert error(await call(Returns())) is None
    assert error(await call(Awaits(lambda: Own()))) is None


class Blocks(Action):
    """A synchronous action that hangs until it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def name(self) -> str:
        return "action_blocks"

    @escalate_on_error
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        self.gate.wait(60)
        return []


async def test_threads_that_hang_do_not_keep_others_from_running(caplog: pytest.LogCaptureFixture) -> None:
    hanging, working = Blocks(), Blocks()
    working.gate.set()
    answers = await asyncio.gather(*(call(hanging, f"u{n}", {"deadline": 0.3, "limit": 1000}) for n in range(250)))
    assert {error(answer) for answer in answers} == {"IntegrationTimeout"}
    assert error(await call(working, "after", {"deadline": 60})) is None
    assert "actions hang in threads" in caplog.text
    hanging.gate.set()
