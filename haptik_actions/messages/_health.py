"""How well a store knows what stands in Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Health"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How current the answers of a store are.

    Attributes:
        state: `fresh`: Redis answers, and an edit shows at once (with `tracking`) or within the time to live;
            `stale`: Redis does not answer, and what was read last is used, from memory or from the snapshot;
            `defaults`: nothing was ever read from Redis, or there is none, and only the defaults answer.
        since: Since when the state holds, in seconds since 1970; None where it holds from the start.
        tracking: Redis tells of every edit.
        detail: The class of the error that keeps from more, or an empty string.
    """

    state: Literal["fresh", "stale", "defaults"]
    since: float | None = None
    tracking: bool = False
    detail: str = ""
