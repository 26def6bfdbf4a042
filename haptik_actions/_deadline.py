"""Deadlines: `asyncio.timeout` for every supported Python.

    async with deadline(8.0):    # seconds
        ...

On Python 3.10 it comes from `async-timeout`, whose error is not yet the builtin `TimeoutError`.
"""

from __future__ import annotations

import asyncio
import sys

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

DeadlinePassed = asyncio.TimeoutError

__all__ = ["DeadlinePassed", "deadline", "is_cancelled"]


def is_cancelled() -> bool:
    """Tell whether somebody has asked the running task to end: a `CancelledError` is somebody's mistake otherwise.

    Always true on Python 3.10, which does not count.
    """
    task = asyncio.current_task()
    return sys.version_info < (3, 11) or task is None or task.cancelling() > 0
