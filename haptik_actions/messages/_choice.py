"""Which of a message's variations a user reads: Rasa's own rules."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from haptik_actions.messages._value import Message, Variation, can_be_evaluated

__all__ = ["choose", "suitable"]


def suitable(message: Message, channel: str | None, slots: Mapping[str, Any]) -> list[Variation]:
    """Return the variations that fit, as Rasa 3.6 narrows them down: the first of these that are any.

    Conditional ones of the channel; unconditional ones of the channel; conditional ones of no channel; the rest of no
    channel. None fits where all are for other channels or other slot values.
    """
    if len(message.variations) == 1 and not (message.variations[0].channel or message.variations[0].condition):
        return list(message.variations)
    fitting = [variation for variation in message.variations if _holds(variation, slots)]
    for conditional, its_channel in ((True, channel), (False, channel), (True, None), (False, None)):
        found = [v for v in fitting if bool(v.condition) is conditional and v.channel == its_channel]
        if found:
            return found
    return []


def choose(message: Message, channel: str | None, slots: Mapping[str, Any]) -> Variation:
    """Return one at random of what fits; where nothing does, of those whose condition holds, or else of all."""
    found = suitable(message, channel, slots)
    if not found:
        found = [variation for variation in message.variations if _holds(variation, slots)]
    found = found or list(message.variations)
    return found[0] if len(found) == 1 else random.choice(found)


def _holds(variation: Variation, slots: Mapping[str, Any]) -> bool:
    return all(
        can_be_evaluated(constraint) and _equal(slots.get(constraint["name"]), constraint["value"])
        for constraint in variation.condition
    )


def _equal(held: Any, wanted: Any) -> bool:
    if isinstance(held, str) and isinstance(wanted, str):
        return held.casefold() == wanted.casefold()
    try:
        return bool(held == wanted)
    except (TypeError, ValueError):
        # Of an array's elements each is compared, and the whole has no truth value.
        return False
