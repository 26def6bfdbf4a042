"""How a command that stays up ends: the first Ctrl-C (or SIGTERM) stops it, and what it started is cleaned up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

__all__ = ["run_until_signal"]


def run_until_signal(main: Coroutine[Any, Any, T]) -> T | None:
    """Run `main` and return its result, or None where a signal ended it. A second signal does not cut the clean-up."""

    async def supervise() -> T | None:
        task = asyncio.ensure_future(main)
        signalled = False

        def stop() -> None:
            nonlocal signalled
            if not signalled:
                signalled = True
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            if signalled:
                return None
            raise

    return asyncio.run(supervise())
