"""`asyncio.timeout` for every supported Python, and what it raises.

    async with deadline(8.0):    # seconds
        ...

On Python 3.10 it comes from `async-timeout`, whose error is not yet the builtin `TimeoutError`.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

if sys.version_info >= (3, 11):
    from asyncio import timeout as deadline
else:
    from async_timeout import timeout as deadline

DeadlinePassed = asyncio.TimeoutError

__all__ = ["DeadlinePassed", "deadline", "has_passed"]


def has_passed(scope: Any) -> bool:
    """Tell whether it was this deadline that ended the block, and not a `TimeoutError` from inside of it."""
    expired = scope.expired
    return bool(expired() if callable(expired) else expired)
