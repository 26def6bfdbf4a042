"""A guarded action runs as under a plain `await`: what it returns, raises, catches and cleans up is the same, however
it waits and whenever the server cancels it."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from haptik_actions._deadline import DeadlinePassed, deadline
from haptik_actions.actions._guarded_call import GuardedCall
from tests.support import virtual_time

Journal = list[Any]
user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")


async def returns(journal: Journal) -> str:
    return "done"


async def raises(journal: Journal) -> None:
    raise KeyError("order")


async def raises_stop_iteration(journal: Journal) -> None:
    raise StopIteration("not from a generator")


async def raises_after_a_while(journal: Journal) -> None:
    await asyncio.sleep(0)
    raise ValueError("late")


async def sleeps(journal: Journal) -> str:
    for number in range(3):
        journal.append(number)
        await asyncio.sleep(0)
    return "slept"


async def cleans_up(journal: Journal) -> str:
    try:
        await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
    finally:
        journal.append("cleans")
        await asyncio.sleep(0)
        journal.append("clean")
    return "done"


async def turns_a_cancellation_into_an_answer(journal: Journal) -> str:
    try:
        await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        journal.append("told")
        return "cancelled"
    return "done"


async def raises_something_else_when_cancelled(journal: Journal) -> str:
    try:
        await asyncio.sleep(0.01)
    except asyncio.CancelledError as error:
        raise LookupError("in the middle") from error
    return "done"


async def has_a_time_limit_of_its_own(journal: Journal) -> str:
    try:
        async with deadline(0.005):
            await asyncio.sleep(30)
    except DeadlinePassed:
        journal.append("too slow")
    await asyncio.sleep(0)
    return "gave up"


async def lets_its_time_limit_out(journal: Journal) -> None:
    await asyncio.wait_for(asyncio.sleep(30), 0.005)


async def asks_two_at_once(journal: Journal) -> Any:
    async def one(number: int) -> int:
        try:
            await asyncio.sleep(0.01 * number)
        finally:
            journal.append(number)
        return number

    return await asyncio.gather(one(1), one(2))


async def cancels_what_it_began(journal: Journal) -> str:
    begun = asyncio.ensure_future(asyncio.sleep(30))
    await asyncio.sleep(0)
    begun.cancel()
    with suppress(asyncio.CancelledError):
        await begun
    return "done"


async def shields_something(journal: Journal) -> str:
    async def writes() -> None:
        await asyncio.sleep(0.005)
        journal.append("written")

    written = asyncio.ensure_future(writes())
    try:
        await asyncio.shield(written)
    finally:
        await asyncio.wait({written})
    return "done"


async def opens_and_closes(journal: Journal) -> str:
    @asynccontextmanager
    async def opened() -> AsyncIterator[str]:
        journal.append("opens")
        try:
            yield "open"
        finally:
            await asyncio.sleep(0)
            journal.append("closes")

    async with opened() as state:
        await asyncio.sleep(0.01)
        return state


async def knows_its_user(journal: Journal) -> str:
    token = user.set("asha")
    await asyncio.sleep(0)
    journal.append(user.get())
    user.reset(token)
    return user.get()


async def awaits_what_is_done(journal: Journal) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_result(7)
    return await future


def a_future(journal: Journal) -> Awaitable[int]:
    return asyncio.ensure_future(asyncio.sleep(0.01, 5))


class Wrapped:
    """Awaitable, and no coroutine, as what some libraries return."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __await__(self) -> Generator[Any, None, str]:
        return cleans_up(self._journal).__await__()


WORK: list[Callable[[Journal], Awaitable[Any]]] = [
    *(returns, raises, raises_stop_iteration, raises_after_a_while, sleeps, cleans_up),
    *(turns_a_cancellation_into_an_answer, raises_something_else_when_cancelled, has_a_time_limit_of_its_own),
    *(lets_its_time_limit_out, asks_two_at_once, cancels_what_it_began, shields_something, opens_and_closes),
    *(knows_its_user, awaits_what_is_done, a_future, Wrapped),
]


async def plainly(work: Awaitable[Any]) -> Any:
    return await work


async def guarded(work: Awaitable[Any]) -> Any:
    call = GuardedCall("action_order", 30.0)
    try:
        return await call.of(work)
    finally:
        call.end()


async def outcome(how: Callable[[Awaitable[Any]], Any], work: Callable[[Journal], Awaitable[Any]], cancel: Any) -> Any:
    """What came of it, what it noted, and whether its task still counts as cancelled."""
    journal: Journal = []

    async def run() -> Any:
        try:
            return repr(await how(work(journal)))
        except BaseException as error:  # noqa: BLE001
            journal.append(repr(error.__cause__))
            return repr(error)
        finally:
            task = asyncio.current_task()
            journal.append(getattr(task, "cancelling", int)())
            # Neither a cancellation that is on its way to what comes next.
            await asyncio.sleep(0)
            journal.append("went on")

    task = asyncio.create_task(run())
    await cancel(task)
    return (await asyncio.gather(task, return_exceptions=True), journal)


def after(turns: int) -> Callable[[asyncio.Task[Any]], Any]:
    async def cancel(task: asyncio.Task[Any]) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel("the server stops")

    return cancel


async def never(task: asyncio.Task[Any]) -> None:
    pass


async def in_its_sleep(task: asyncio.Task[Any]) -> None:
    await asyncio.sleep(0.003)
    task.cancel()


async def twice(task: asyncio.Task[Any]) -> None:
    await in_its_sleep(task)
    await asyncio.sleep(0)
    task.cancel()


CANCEL = {"never": never, **{f"after {n}": after(n) for n in range(4)}, "in its sleep": in_its_sleep, "twice": twice}


@pytest.mark.parametrize("cancel", list(CANCEL))
@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_it_is_as_under_a_plain_await(work: Callable[[Journal], Awaitable[Any]], cancel: str) -> None:
    found, wanted = (virtual_time.run(outcome(how, work, CANCEL[cancel])) for how in (guarded, plainly))
    assert str(found) == str(wanted)
