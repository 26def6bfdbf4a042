"""What a form needs in the domain and in the rules of a Rasa bot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from haptik_actions.forms._spec import FormSpec

__all__ = ["form_to_domain", "form_to_rules"]

_VERSION = "3.1"


def form_to_domain(form: FormSpec, *, not_intents: Sequence[str] = ()) -> dict[str, Any]:
    """Return the part of a domain: slots, the form, and its actions.

    The values are slots of type `any`: Rasa keeps them as they are and lets no policy see them. A message of one of
    `not_intents` is no answer to the form (for example that of a user who asks for an agent).
    """
    slots = {slot: _answered(form, slot, not_intents) for slot in form.slots}
    slots[form.state_slot] = {"type": "any", "influence_conversation": False, "mappings": [{"type": "custom"}]}
    asking = [f"action_ask_{slot}" for slot in form.slots]
    return {
        "version": _VERSION,
        "slots": slots,
        "forms": {form.name: {"required_slots": [*form.slots]}},
        "actions": [f"validate_{form.name}", *asking],
    }


def form_to_rules(form: FormSpec, *, start_intent: str, submit_action: str) -> dict[str, Any]:
    """Return two rules: one starts the form, the other runs `submit_action` when it is complete.

    A form that the user cancels ends without a rule.
    """
    done = [{"action": form.name}, {"active_loop": None}, {"slot_was_set": [{"requested_slot": None}]}]
    start = [{"intent": start_intent}, {"action": form.name}, {"active_loop": form.name}]
    rules: list[dict[str, Any]] = [
        {"rule": f"Start {form.name}", "steps": start},
        {
            "rule": f"Submit {form.name}",
            "condition": [{"active_loop": form.name}],
            "steps": [*done, {"action": submit_action}],
        },
    ]
    return {"version": _VERSION, "rules": rules}


def _answered(form: FormSpec, slot: str, not_intents: Sequence[str]) -> dict[str, Any]:
    mapping: dict[str, Any] = {"type": "from_text"}
    if not_intents:
        mapping["not_intent"] = [*not_intents]
    mapping["conditions"] = [{"active_loop": form.name, "requested_slot": slot}]
    return {"type": "any", "influence_conversation": False, "mappings": [mapping]}
