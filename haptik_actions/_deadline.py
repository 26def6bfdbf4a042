"""`asyncio.timeout` for every supported Python, and what it raises.

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

__all__ = ["DeadlinePassed", "deadline"]
