"""The sandbox's webhook when nobody takes an event: retries, the disabled webhook's queue, and what is under way."""

from __future__ import annotations

import asyncio
from itertools import accumulate

import httpx
import pytest

from haptik_actions.sandbox import Sandbox, Webhook
from tests.support.webhook import URL, Gate, Receiver, sandbox_with

TRIED_AFTER = (0, 5, 25, 125, 625, 1_410, 1_410)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (200, ""),
        (201, ""),
        (204, ""),
        (302, "answered 302"),
        (404, "answered 404"),
        (500, "answered 500"),
        (httpx.ConnectError("nobody listens"), "no connection: nobody listens"),
        (httpx.RemoteProtocolError(""), "no connection: RemoteProtocolError"),
        (httpx.ReadTimeout("too late"), "no answer within 5 s"),
    ],
)
async def test_any_2xx_is_an_answer(answer: int | Exception, problem: str) -> None:
    sandbox = sandbox_with(Receiver(answer))
    sandbox.say("asha", 1201, "Hello", sender="bot")
    (event,) = await sandbox.deliver_events()
    (tried,) = event.tries
    assert (tried.status, tried.problem) == (answer if isinstance(answer, int) else 0, problem)
    assert event.state == ("waiting" if problem else "delivered")


async def fail_to_the_last(sandbox: Sandbox) -> None:
    """Let a message fail until the webhook is disabled."""
    sandbox.say("asha", 1201, "Hello", sender="bot")
    for seconds in TRIED_AFTER:
        sandbox.advance(seconds)
        await sandbox.deliver_events()
    assert not sandbox.webhook_enabled


async def test_a_failed_event_is_tried_again_at_the_documented_times() -> None:
    receiver = Receiver(500)
    sandbox = sandbox_with(receiver)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    await sandbox.deliver_events()
    for seconds in TRIED_AFTER[1:]:
        sandbox.advance(seconds - 0.001)
        assert await sandbox.deliver_events() == []
        sandbox.advance(0.001)
        (event,) = await sandbox.deliver_events()
    assert [tried.at - event.at for tried in event.tries] == list(accumulate(TRIED_AFTER))
    assert len({request.content for request in receiver.requests}) == 1
    assert (event.state, sandbox.webhook_enabled) == ("dropped", False)


async def test_an_event_that_is_taken_late_is_not_sent_again() -> None:
    receiver = Receiver(500)
    sandbox = sandbox_with(receiver)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    await sandbox.deliver_events()
    receiver.answer = 200
    sandbox.advance(5)
    (event,) = await sandbox.deliver_events()
    assert [tried.status for tried in event.tries] == [500, 200]
    assert (event.state, event.next_try_at) == ("delivered", None)
    sandbox.advance(4_000)
    assert await sandbox.deliver_events() == []


async def test_a_disabled_webhook_queues_for_an_hour() -> None:
    receiver = Receiver(500)
    sandbox = sandbox_with(receiver)
    await fail_to_the_last(sandbox)
    tries = len(receiver.requests)
    for text in ("one", "two"):
        sandbox.say("asha", 1201, text, sender="bot")
        sandbox.advance(3_000)
        assert await sandbox.deliver_events() == []
    assert len(receiver.requests) == tries
    assert [event.state for event in sandbox.events()] == ["dropped", "dropped", "queued"]
    receiver.answer = 200
    sandbox.enable_webhook()
    assert [event.state for event in await sandbox.deliver_events()] == ["delivered"]
    assert receiver.bodies[-1]["message"]["body"]["text"] == "two"


async def test_what_waited_for_another_try_is_queued_when_the_webhook_is_disabled() -> None:
    receiver = Receiver(500)
    sandbox = sandbox_with(receiver)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    for seconds in TRIED_AFTER[:-1]:
        sandbox.advance(seconds)
        await sandbox.deliver_events()
    sandbox.advance(1_409)
    sandbox.say("ben", 1201, "Hello", sender="bot")
    await sandbox.deliver_events()
    sandbox.advance(1)
    await sandbox.deliver_events()
    assert [event.state for event in sandbox.events()] == ["dropped", "queued"]
    assert [len(event.tries) for event in sandbox.events()] == [7, 1]


async def test_a_new_webhook_is_enabled_and_gets_what_is_queued() -> None:
    receiver = Receiver(500)
    sandbox = sandbox_with(receiver)
    await fail_to_the_last(sandbox)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    receiver.answer = 200
    sandbox.webhook = Webhook(url="http://localhost:1/other")
    assert sandbox.webhook_enabled
    await sandbox.deliver_events()
    assert str(receiver.requests[-1].url) == "http://localhost:1/other"


async def test_an_event_that_is_under_way_is_not_sent_twice() -> None:
    gate = Gate()
    sandbox = sandbox_with(gate)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    first = asyncio.create_task(sandbox.deliver_events())
    await gate.asked.acquire()
    assert await sandbox.deliver_events() == []
    gate.opened.set()
    assert [event.state for event in await first] == ["delivered"]
    assert len(gate.requests) == 1


class SlowForBen(Gate):
    """A webhook that fails at once, but takes its time with what is about ben."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if b'"ben"' in await request.aread():
            await super().handle_async_request(request)
        return httpx.Response(500)


async def test_a_try_that_fails_after_the_webhook_was_disabled_leaves_the_event_queued() -> None:
    webhook = SlowForBen()
    sandbox = sandbox_with(webhook)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    for seconds in TRIED_AFTER[:-1]:
        sandbox.advance(seconds)
        await sandbox.deliver_events()
    sandbox.say("ben", 1201, "Hello", sender="bot")
    bens = asyncio.create_task(sandbox.deliver_events())
    await webhook.asked.acquire()
    sandbox.advance(TRIED_AFTER[-1])
    await sandbox.deliver_events()
    assert not sandbox.webhook_enabled
    webhook.opened.set()
    (event,) = await bens
    assert (event.state, event.next_try_at, len(event.tries)) == ("queued", None, 1)


async def test_a_delivery_that_is_cut_off_is_done_again() -> None:
    gate = Gate()
    sandbox = sandbox_with(gate)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    first = asyncio.create_task(sandbox.deliver_events())
    await gate.asked.acquire()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.opened.set()
    (event,) = await sandbox.deliver_events()
    assert (event.state, len(event.tries)) == ("delivered", 1)


async def test_an_answer_from_before_a_reset_changes_nothing() -> None:
    gate = Gate()
    sandbox = sandbox_with(gate)
    sandbox.say("asha", 1201, "Hello", sender="bot")
    first = asyncio.create_task(sandbox.deliver_events())
    await gate.asked.acquire()
    sandbox.reset()
    sandbox.webhook = Webhook(url=URL)
    sandbox.say("ben", 1201, "Hello", sender="bot")
    gate.opened.set()
    await first
    assert [(event.user_name, event.state) for event in sandbox.events()] == [("ben", "waiting")]


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be moved, so that five seconds need not pass."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Silent(httpx.AsyncBaseTransport):
    """A webhook that takes the request and then says nothing, for `seconds` of the loop's time."""

    def __init__(self, loop: SkippingLoop, seconds: float) -> None:
        self._loop, self._seconds = loop, seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._loop.ahead += self._seconds
        await asyncio.sleep(0.01)
        return httpx.Response(200)


@pytest.mark.parametrize(("seconds", "state"), [(4.5, "delivered"), (5.0, "waiting")])
def test_the_answer_has_to_come_within_five_seconds(seconds: float, state: str) -> None:
    loop = SkippingLoop()
    sandbox = sandbox_with(Silent(loop, seconds))
    sandbox.say("asha", 1201, "Hello", sender="bot")
    try:
        (event,) = loop.run_until_complete(sandbox.deliver_events())
    finally:
        loop.close()
    assert event.state == state


async def test_each_chats_events_are_sent_in_their_order_and_the_chats_at_once() -> None:
    gate = Gate()
    sandbox = sandbox_with(gate)
    for user_name in ("asha", "ben"):
        for text in ("one", "two"):
            sandbox.say(user_name, 1201, text, sender="bot")
    run = asyncio.create_task(sandbox.deliver_events())
    await gate.asked.acquire()
    await gate.asked.acquire()
    gate.opened.set()
    assert [event.id for event in await run] == [1, 2, 3, 4]
    said = [(body["user"]["user_name"], body["message"]["body"]["text"]) for body in gate.bodies]
    assert [text for user, text in said if user == "asha"] == ["one", "two"]
    assert {user for user, _ in said[:2]} == {"asha", "ben"}
