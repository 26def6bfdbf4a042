"""Ending background tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["cancel_all"]

_AGAIN_SECONDS = 0.2


async def cancel_all(*tasks: asyncio.Task[Any]) -> None:
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
