"""Deadlines, which are `asyncio.timeout` for every supported Python, and ending background tasks for certain.

    async with deadline(8.0):    # seconds
        ...

On Python 3.10 it comes from `async-timeout`, whose error is not yet the builtin `TimeoutError`.
"""

from __future__ import annotations

import asyncio
import sys

__all__ = ["DeadlinePassed", "cancel_all", "deadline", "is_cancelled"]

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

DeadlinePassed = asyncio.TimeoutError
_AGAIN_SECONDS = 0.2


def is_cancelled() -> bool:
    """Tell whether somebody has asked the running task to end: a `CancelledError` is somebody's mistake otherwise.

    Always true on Python 3.10, which does not count.
    """
    task = asyncio.current_task()
    return sys.version_info < (3, 11) or task is None or task.cancelling() > 0


async def cancel_all(*tasks: asyncio.Task[object]) -> None:
    """Cancel the tasks and wait until all have ended. Their results and errors are dropped.

    Libraries may take a cancellation for a time-out of their own (redis-py while it connects), so a task that goes on
    is cancelled again.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=_AGAIN_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()
