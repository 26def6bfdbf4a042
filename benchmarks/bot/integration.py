"""Somebody's system, which fails as the slot `fault` says. Every action of the benchmarks' bot calls it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import time
from collections.abc import Callable
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import SlotSet

FOR_EVER = 3600.0
"""Seconds that a hang lasts: longer than anybody waits."""

Events = list[dict[str, Any]]


class OutOfOrder(Exception):
    """What the system's client raises."""


class Order:
    """What the system's client returns, and what JSON cannot hold."""


def _raise(error: type[BaseException]) -> Callable[[], Events]:
    def fail() -> Events:
        raise error("the system of somebody else")

    return fail


def _freeze() -> Events:
    """Match what takes years, and let no other thread run meanwhile."""
    re.match(r"^([a-zA-Z0-9]+\s?)+$", "a" * 60 + "!")
    return []


_OUTCOMES: dict[str, Callable[[], Events]] = {
    "works": lambda: [SlotSet("order_status", "on its way")],
    "raises": _raise(OutOfOrder),
    "garbage": lambda: [SlotSet("order_status", Order())],
    "unknown_event": lambda: [SlotSet("order_status", "on its way"), {"event": "session_paused"}],
    "exits": lambda: sys.exit("a client that ends the process"),
    "cancelled": _raise(asyncio.CancelledError),
    "freezes": _freeze,
}


async def ask(tracker: Tracker) -> Events:
    """Return the events of a call that went well; fail as the slot says."""
    if tracker.get_slot("fault") == "hangs":
        await asyncio.sleep(FOR_EVER)
    while tracker.get_slot("fault") == "hangs_stubborn":
        with contextlib.suppress(BaseException):
            await asyncio.sleep(FOR_EVER)
    if tracker.get_slot("fault") == "hangs_on_loop":
        time.sleep(FOR_EVER)  # noqa: ASYNC251
    return _OUTCOMES[tracker.get_slot("fault") or "works"]()


def ask_blocking(tracker: Tracker) -> Events:
    """Do the same as `ask` without an event loop, as `requests` and most database drivers do."""
    if tracker.get_slot("fault") in ("hangs", "hangs_blocking", "hangs_on_loop"):
        time.sleep(FOR_EVER)
    return _OUTCOMES[tracker.get_slot("fault") or "works"]()
