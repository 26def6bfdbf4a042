"""Bounds of a hand-off: the ladder of teams, a message store or an outbox that hangs; and what is counted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rasa_sdk import Action

from haptik_actions._deadline import deadline
from haptik_actions.actions import Runtime, configure, escalate_on_error
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.config import Settings
from haptik_actions.credentials import StaticCredentials
from haptik_actions.escalation import (
    BreakerRule,
    Breakers,
    Delivery,
    Entry,
    HandOff,
    MemoryOutbox,
    PrometheusMetrics,
    Terms,
    Ticket,
)
from haptik_actions.messages import MessageStore, packaged_copy
from tests.support.rasa import action_call, run_action

COPY = packaged_copy()
SETTINGS = Settings(base_url="https://haptik.example", client_id="client-1", token="s3cr3t-token", team="support")
UNKNOWN_TEAM = {"error_message": "invalid team_name provided"}
OK = {"success": True}


class Counted:
    """Remembers what was counted."""

    def __init__(self) -> None:
        self.counts: list[tuple[str, dict[str, str]]] = []
        self.gauges: dict[tuple[str, str], float] = {}

    def count(self, name: str, **labels: str) -> None:
        self.counts.append((name, labels))

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.gauges[(name, labels["state"])] = value


class Fails(Action):
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or ValueError("down")

    def name(self) -> str:
        return "action_fails"

    @escalate_on_error
    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise self.error


def handoff(user: str = "asha", *teams: str) -> HandOff:
    return HandOff(id=f"id-{user}", user_name=user, business_id=343, teams=teams or ("support",))


def transport(answer: Callable[[str], Any]) -> httpx.MockTransport:
    """Answers by team: a body for 200, a status with one, or something to await first."""

    async def handle(request: httpx.Request) -> httpx.Response:
        given = answer(json.loads(request.content)["team_name"])
        if asyncio.iscoroutine(given):
            given = await given
        status, body = given if isinstance(given, tuple) else (200, given)
        return httpx.Response(status, json=body)

    return httpx.MockTransport(handle)


def delivery(answer: Callable[[str], Any], **options: Any) -> Delivery:
    credentials = StaticCredentials(client_id="client-1", token="s3cr3t-token")
    client = HaptikClient(
        PlatformServer("https://haptik.example"), credentials, transport=transport(answer), retries=0, timeout=5
    )
    return Delivery(client, **{"outbox": MemoryOutbox(), **options})


async def answer_of(runtime: Runtime, user: str = "u1", slot: Any = None, action: Action | None = None) -> Any:
    configure(lambda: runtime)
    try:
        who = {"user_name": user, "business_id": 343}
        return await run_action(action or Fails(), action_call("x", metadata=who, slots={"haptik": slot}))
    finally:
        configure()


def receipt(answer: dict[str, Any]) -> tuple[str, str | None]:
    value = next(event["value"] for event in answer["events"] if event.get("name") == "haptik_handoff")
    return value["state"], value["reason"]


def texts(answer: dict[str, Any]) -> list[str]:
    return [message["text"] for message in answer["responses"]]


# Bounds


async def test_one_deadline_holds_for_the_whole_ladder_of_teams() -> None:
    asked: list[str] = []

    async def slow(team: str) -> Any:
        asked.append(team)
        await asyncio.sleep(0.15)
        return 400, UNKNOWN_TEAM

    delivering = delivery(slow, seconds=0.4)
    ended = await delivering.hand_over(handoff("asha", "a", "b", "c", "d", "e", "f"), Terms())
    assert (ended.state, ended.reason) == ("delayed", "DeadlineExceeded")
    assert asked == ["a", "b", "c"]
    assert [entry.tries for entry in await delivering.outbox.entries()] == [1]


async def test_in_a_storm_a_hundred_are_tried_at_once_and_the_others_are_put_off() -> None:
    gate, asked = asyncio.Event(), 0

    async def slow(team: str) -> Any:
        nonlocal asked
        asked += 1
        await gate.wait()
        return OK

    delivering = delivery(slow)
    tries = [asyncio.create_task(delivering.hand_over(handoff(f"u{n}"), Terms(limit=1000))) for n in range(150)]
    done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    gate.set()
    ended = await asyncio.gather(*tries)
    assert [each.state for each in ended].count("connected") == asked == 100
    assert {(each.state, each.reason) for each in ended if each.state != "connected"} == {("delayed", "TooManyAtOnce")}
    assert {task.result().state for task in done} == {"delayed"}
    waiting = await delivering.outbox.entries()
    assert (len(waiting), {entry.tries for entry in waiting}) == (50, {0})


async def test_what_nobody_has_foreseen_counts_as_a_try(caplog: pytest.LogCaptureFixture) -> None:
    async def breaks(team: str) -> Any:
        raise LookupError("a fault of the transport")

    delivering = delivery(breaks)
    ended = await delivering.hand_over(handoff("asha"), Terms())
    assert (ended.state, ended.reason) == ("delayed", "TransportError"), "kept, and tried again"
    assert [entry.tries for entry in await delivering.outbox.entries()] == [1]
    assert "LookupError" in caplog.text
    await delivering.outbox.later(Entry(handoff=handoff("asha"), created=0.0, tries=69), -1)
    assert await delivering.deliver_due() == 1
    assert await delivering.outbox.depth() == (0, 1), "not tried for ever"


class HangingOutbox(MemoryOutbox):
    async def open(self, handoff: HandOff, terms: Terms) -> Ticket:
        ticket = await super().open(handoff, terms)
        await asyncio.sleep(1)
        return ticket


async def test_a_hand_off_that_takes_too_long_goes_on_behind_the_answer() -> None:
    taken: list[str] = []

    def take(team: str) -> Any:
        taken.append(team)
        return OK

    settings = Runtime(
        load_settings=lambda: SETTINGS, transport=transport(take), outbox=HangingOutbox(), timeout=0.1, retries=0
    )
    settings.escalator._seconds = 0.2
    answer = await answer_of(settings)
    assert receipt(answer) == ("delayed", "DeadlineExceeded")
    assert texts(answer) == [COPY["haptik_handoff_delayed"]]
    for _ in range(200):
        if taken:
            break
        await asyncio.sleep(0.02)
    assert taken == ["support"]


class HangingStore(MessageStore):
    async def text(self, key: str, locale: str | None = None, **values: Any) -> str:
        await asyncio.sleep(3600)
        raise AssertionError

    async def find(self, key: str, locale: str | None = None, **values: Any) -> str | None:
        await asyncio.sleep(3600)
        raise AssertionError


async def test_a_message_store_that_hangs_costs_nobody_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    answer = await answer_of(
        Runtime(load_settings=lambda: SETTINGS, transport=transport(lambda team: OK), messages=HangingStore())
    )
    assert texts(answer) == [COPY["haptik_handoff_connected"]]
    assert "using the packaged copy" in caplog.text


class HangingCredentials:
    async def get(self) -> Any:
        await asyncio.sleep(3600)


async def test_credentials_that_hang_cost_nobody_the_answer() -> None:
    answer = await answer_of(
        Runtime(
            load_settings=lambda: SETTINGS,
            transport=transport(lambda team: OK),
            credentials=HangingCredentials(),
            timeout=0.3,
        )
    )
    assert receipt(answer)[0] == "delayed"


class CancelledCredentials:
    async def get(self) -> Any:
        raise asyncio.CancelledError


async def test_a_client_that_is_cancelled_from_within_is_an_outage() -> None:
    answer = await answer_of(
        Runtime(
            load_settings=lambda: SETTINGS, transport=transport(lambda team: OK), credentials=CancelledCredentials()
        )
    )
    assert receipt(answer) == ("delayed", "TransportError")
    assert texts(answer) == [COPY["haptik_handoff_delayed"]]


class CancelledStore(MessageStore):
    async def text(self, key: str, locale: str | None = None, **values: Any) -> str:
        raise asyncio.CancelledError

    async def find(self, key: str, locale: str | None = None, **values: Any) -> str | None:
        raise asyncio.CancelledError


@pytest.mark.parametrize("raised", [asyncio.CancelledError(), ConnectionError()])
@pytest.mark.parametrize("where", ["claim", "depth"])
async def test_an_outbox_that_fails_once_is_looked_into_again(where: str, raised: BaseException) -> None:
    class FailsOnce(MemoryOutbox):
        failed = False

        def fail_once(self, what: str) -> None:
            if what == where and not self.failed:
                self.failed = True
                raise raised

        async def claim(self, most: int) -> list[Entry]:
            self.fail_once("claim")
            return await super().claim(most)

        async def depth(self) -> tuple[int, int]:
            self.fail_once("depth")
            return await super().depth()

    outbox = FailsOnce()
    delivering = delivery(lambda team: OK, outbox=outbox, sleep=lambda seconds: asyncio.sleep(0))
    await outbox.open(handoff(), Terms())
    await outbox.later(Entry(handoff=handoff(), created=time.time()), 0)
    delivering.start()
    async with deadline(30):
        while await outbox.entries():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert outbox.failed
    # Whoever ends the worker ends it.
    async with deadline(30):
        await delivering.aclose()


def test_the_end_of_the_loop_ends_a_delivery_that_nobody_closes() -> None:
    delivering: list[Delivery] = []

    async def main() -> None:
        delivering.append(delivery(lambda team: OK))
        delivering[0].start()
        await asyncio.sleep(0.05)

    asyncio.run(main())


async def test_a_message_store_that_is_cancelled_from_within_costs_nobody_the_answer() -> None:
    answer = await answer_of(
        Runtime(load_settings=lambda: SETTINGS, transport=transport(lambda team: OK), messages=CancelledStore())
    )
    assert texts(answer) == [COPY["haptik_handoff_connected"]]


# What is counted


async def test_receipts_storms_and_failures_are_counted() -> None:
    metrics = Counted()
    runtime = Runtime(load_settings=lambda: SETTINGS, transport=transport(lambda team: OK), metrics=metrics)
    for user in ("u1", "u2", "u3", "u1"):
        await answer_of(runtime, user, {"limit": 2})
    await answer_of(runtime, "u4", {"on_error": {"ValueError": "apologise"}})
    states = [labels["state"] for name, labels in metrics.counts if name == "haptik_handoffs_total"]
    assert states == ["connected", "connected", "throttled", "duplicate"]
    assert {labels["team"] for name, labels in metrics.counts if name == "haptik_handoffs_total"} == {"support"}
    failures = [labels for name, labels in metrics.counts if name == "haptik_action_failures_total"]
    assert failures == [{"action": "action_fails", "error": "ValueError"}] * 5


async def test_later_tries_and_the_depth_of_the_outbox_are_counted() -> None:
    metrics, answers = Counted(), iter([(503, {}), (200, OK)])
    naps: list[float] = []

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        await asyncio.sleep(0.01)

    delivering = delivery(lambda team: next(answers), metrics=metrics, sleep=sleep)
    await delivering.outbox.open(handoff(), Terms())
    await delivering.outbox.later(Entry(handoff=handoff(), created=0.0), -1)
    delivering.start()
    for _ in range(500):
        if metrics.counts and metrics.counts[-1][1]["outcome"] == "connected":
            break
        await asyncio.sleep(0.01)
    await delivering.aclose()
    assert [labels["outcome"] for _, labels in metrics.counts] == ["delayed", "connected"]
    assert metrics.gauges == {("haptik_outbox_entries", "waiting"): 1, ("haptik_outbox_entries", "dead"): 0}


async def test_breakers_that_open_and_close_are_counted() -> None:
    metrics, now = Counted(), 0.0
    breakers, rule = Breakers(metrics=metrics, timer=lambda: now), BreakerRule(name="orders", failures=1)
    with pytest.raises(ValueError):
        async with breakers.guarding(rule):
            raise ValueError
    now = 31.0
    async with breakers.guarding(rule):
        pass
    assert [labels for _, labels in metrics.counts] == [
        {"breaker": "orders", "state": "open"},
        {"breaker": "orders", "state": "closed"},
    ]


async def test_a_metric_that_fails_costs_nobody_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def count(self, name: str, **labels: str) -> None:
            raise OSError("collector down")

        gauge: Any = count

    answer = await answer_of(
        Runtime(load_settings=lambda: SETTINGS, transport=transport(lambda team: OK), metrics=Broken())
    )
    assert receipt(answer)[0] == "connected"
    assert "haptik_handoffs_total could not be counted" in caplog.text


async def test_prometheus_shows_them() -> None:
    registry = pytest.importorskip("prometheus_client").CollectorRegistry()
    runtime = Runtime(
        load_settings=lambda: SETTINGS, transport=transport(lambda team: OK), metrics=PrometheusMetrics(registry)
    )
    await answer_of(runtime)
    labels = {"state": "connected", "team": "support"}
    assert registry.get_sample_value("haptik_handoffs_total", labels) == 1
    failed = {"action": "action_fails", "error": "ValueError"}
    assert registry.get_sample_value("haptik_action_failures_total", failed) == 1
