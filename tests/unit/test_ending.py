"""Background tasks end, also where something inside takes the cancellation for its own."""

from __future__ import annotations

import asyncio
import contextlib

from haptik_actions._deadline import cancel_all


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.Event().wait()

    async def fails() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        raise ValueError("on the way out")

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(fails())]
    await asyncio.sleep(0)
    await cancel_all(*tasks)
    assert swallowed == 2
    assert all(task.done() for task in tasks)
    await cancel_all(*tasks)
