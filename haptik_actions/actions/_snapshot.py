"""The tracker as it was before the action ran: who the user is has to be known also after an action that empties it.

before = remember(tracker)
...                             # the action, which may do with its tracker what it likes
tracker = restored(tracker, before)
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

__all__ = ["Memory", "remember", "restored"]

Memory = dict[str, Any]


def remember(tracker: Tracker) -> Memory | None:
    """Return what a hand-off reads of a tracker: slots, latest message and its metadata, events; None where it is none.

    The events themselves are shared, as there may be thousands.
    """
    # Every guarded action pays for it, so it is one function, and a tracker is made of it only after a failure.
    try:
        held: Memory = tracker.__dict__.copy()
        slots = held["slots"] = held["slots"].copy()
        if "session_started_metadata" in slots:
            slots["session_started_metadata"] = _copied(slots["session_started_metadata"])
        latest = held["latest_message"] = held["latest_message"].copy()
        if "metadata" in latest:
            latest["metadata"] = _copied(latest["metadata"])
        held["active_loop"] = _copied(held["active_loop"])
        held["events"] = held["events"].copy()
    except (AttributeError, KeyError, TypeError):
        return None
    return held


def restored(tracker: Tracker, before: Memory | None) -> Tracker:
    """Return a tracker that holds what was remembered; the given one where there is nothing."""
    if before is None:
        return tracker
    made: Tracker = object.__new__(tracker.__class__)
    made.__dict__.update(before)
    return made


def _copied(value: Any) -> Any:
    return value.copy() if value.__class__ is dict else value
