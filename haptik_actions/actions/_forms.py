"""The events of a failed action, made right for where Rasa runs it: on its own, in a form, or filling slots.

What Rasa 3.6.21 does with them was found by running it; the rasa_sdk names are those of `rasa_sdk.forms`.

- A form goes on after its validation returned: left alone it asks its next question right below the hand-off's copy,
  also when the events pause the conversation. It ends where they set `requested_slot` to None or `active_loop` to None.
- A form that has ended is followed by the rule that submits it, unless the conversation is paused or the next action is
  said by `followup`.
- A form that is still active when an agent is done takes the user's first words for the answer to its old question.
- Of what fills slots (`action_validate_slot_mappings`) only `slot` events and messages are kept.
"""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, FollowupAction, SlotSet
from rasa_sdk.forms import ACTION_VALIDATE_SLOT_MAPPINGS, REQUESTED_SLOT

from haptik_actions.escalation import RECEIPT_SLOT

__all__ = ["failure_events"]

Events = list[dict[str, Any]]

_AGENT_COMES = ("connected", "duplicate")


def failure_events(name: str, tracker: Tracker, events: Events) -> Events:
    """Return the events for Rasa after the action `name` failed.

    `events` are those of the escalation: the slot `haptik_handoff`, and the pause with its `action_listen` where there
    is one. A validation's candidates are set back to None: they were not validated. A form ends where the conversation
    is paused or an agent comes, and where it could not ask its question; otherwise it asks the same question again.
    """
    if name == ACTION_VALIDATE_SLOT_MAPPINGS:
        return _unset(tracker) + [event for event in events if event["event"] == "slot"]
    form = tracker.active_loop_name
    if form is None:
        return events
    if name == f"validate_{form}":
        return _unset(tracker) + (_leave_form(events) if _agent_comes(events) else events)
    # A failed `action_ask_*` leaves the user without the question: the next words would answer what was never asked.
    if _is_paused(events) or name.startswith("action_ask_"):
        return _leave_form(events)
    return events


def _unset(tracker: Tracker) -> Events:
    """Every slot that this validation was asked for; Rasa appends the candidates to the end of the tracker's events."""
    names: list[str] = []
    for event in reversed(tracker.events or []):
        if event.get("event") != "slot":
            break
        names.append(event["name"])
    return [SlotSet(name, None) for name in dict.fromkeys(reversed(names)) if name != REQUESTED_SLOT]


def _leave_form(events: Events) -> Events:
    ended = [SlotSet(REQUESTED_SLOT, None), ActiveLoop(None), *events]
    return ended if _is_paused(events) else [*ended, FollowupAction("action_listen")]


def _agent_comes(events: Events) -> bool:
    return _is_paused(events) or any(_state(event) in _AGENT_COMES for event in events)


def _is_paused(events: Events) -> bool:
    return any(event["event"] == "pause" for event in events)


def _state(event: dict[str, Any]) -> Any:
    value = event.get("value") if event.get("name") == RECEIPT_SLOT else None
    return value.get("state") if isinstance(value, dict) else None
