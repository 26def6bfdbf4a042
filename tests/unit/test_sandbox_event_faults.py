"""Faults of events: late, shuffled, doubled; what a webhook has to bear."""

from __future__ import annotations

import pytest

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Fault, Sandbox
from tests.support.webhook import Receiver, client_of, sandbox_with


def say(sandbox: Sandbox, count: int, user_name: str = "asha") -> list[int]:
    return [sandbox.say(user_name, 1201, str(number), sender="bot").id for number in range(count)]


def ids(receiver: Receiver) -> list[int]:
    return [body["message"]["id"] for body in receiver.bodies]


async def test_a_late_event_comes_later_than_those_after_it() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    sandbox.fail(Fault.event_late(3, times=1))
    first, second, third = say(sandbox, 3)
    await sandbox.deliver_events()
    assert ids(receiver) == [second, third]
    sandbox.advance(3)
    await sandbox.deliver_events()
    assert ids(receiver) == [second, third, first]


async def test_shuffled_events_arrive_all_and_in_another_order() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    sandbox.fail(Fault.event_shuffled(2, seed=3))
    sent = say(sandbox, 20)
    sandbox.advance(2)
    await sandbox.deliver_events()
    assert ids(receiver) != sent
    assert sorted(ids(receiver)) == sent
    again = sandbox_with(second := Receiver())
    again.fail(Fault.event_shuffled(2, seed=3))
    say(again, 20)
    again.advance(2)
    await again.deliver_events()
    assert ids(second) == ids(receiver)


async def test_a_doubled_event_is_sent_once_more_after_its_answer() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    sandbox.fail(Fault.event_doubled(times=1))
    first, second = say(sandbox, 2)
    await sandbox.deliver_events()
    assert [event.state for event in sandbox.events()] == ["waiting", "delivered"]
    await sandbox.deliver_events()
    await sandbox.deliver_events()
    assert ids(receiver) == [first, second, first]
    assert [len(event.tries) for event in sandbox.events()] == [2, 1]
    assert {event.state for event in sandbox.events()} == {"delivered"}


async def test_requests_are_not_struck_and_events_not_by_faults_of_requests() -> None:
    receiver = Receiver()
    sandbox = sandbox_with(receiver)
    sandbox.fail(Fault.event_late(9))
    sandbox.fail(Fault.status(503, times=1))
    say(sandbox, 1)
    async with client_of(sandbox) as client:
        assert (await client.get("/integration/external/v2.0/get_chat_history/")).status_code == 503
        assert (await client.get("/integration/external/v2.0/get_chat_history/")).status_code == 400
        listed = (await client.get("/_sandbox/faults")).json()
        posted = await client.post("/_sandbox/faults", json={"kind": "event_doubled", "times": 2})
    assert [fault["struck"] for fault in listed] == [1, 1]
    assert posted.json()[-1] == {"kind": "event_doubled", "times": 2, "struck": 0, "spent": False}


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Fault(kind="event_late"), "seconds: None"),
        (lambda: Fault(kind="event_doubled", seconds=1), "means nothing"),
        (lambda: Fault(kind="event_late", seconds=1, endpoint="create_user"), "endpoint: means nothing"),
    ],
)
def test_a_fault_of_events_that_cannot_work_is_refused(make: object, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        make()  # type: ignore[operator]
