"""A message found: which of its variations a user reads, by the rules of Rasa, and the element that it becomes."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haptik_actions.hsl import Actionable, Element, Text, Unknown, parse
from haptik_actions.messages._message import (
    SAMPLES,
    Fill,
    Message,
    Variation,
    can_be_evaluated,
    filled,
    filled_strictly,
)
from haptik_actions.messages._template import Template

__all__ = ["MISSING", "Resolved", "element_of", "sampled", "suitable"]


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


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a chain of locales led to.

    Attributes:
        message: None where the key exists nowhere.
        locale: Whose message it is; its plurals and numbers are written that way.
        template: Of a message that is one text for everybody.
        plain: That text, where it has no placeholders either.
    """

    message: Message | None
    locale: str
    template: Template | None = None
    plain: str | None = None

    @classmethod
    def of(cls, message: Message, locale: str) -> Resolved:
        """Prepare a message."""
        if len(message.variations) > 1 or message.variations[0].text is None:
            return cls(message, locale)
        template = Template.parse(message.variations[0].text)
        return cls(message, locale, template, None if template.names else template.text)

    def choose(self, channel: str | None, slots: Mapping[str, Any]) -> Variation:
        """Return the variation to show; only for a message that exists."""
        assert self.message is not None
        return choose(self.message, channel, slots)


MISSING = Resolved(None, "")


def sampled(variation: Variation) -> Element | None:
    """Return a variation as an element with something short, which can be an address, in place of each value.

    Raises:
        InvalidElement: it is none.
    """
    return element_of(variation, filled_strictly, SAMPLES)


def element_of(variation: Variation, fill: Fill, values: Mapping[str, Any]) -> Element | None:
    """Return a variation as an element; Rasa's buttons become quick replies. None where it has no such form.

    A value that is a part of an address is percent-encoded.

    Raises:
        InvalidElement: with these values it is none, a link that is not safe for example.
    """
    if variation.hsl is not None:
        element = parse(filled(variation.hsl, fill, values))
        return None if isinstance(element, Unknown) else element
    if variation.text is None:
        custom = variation.extra.get("custom")
        return None if custom is None or "type" not in custom else element_of(Variation(hsl=custom), fill, values)
    buttons = [*variation.extra.get("buttons", ()), *variation.extra.get("quick_replies", ())]
    replies = [_reply(filled(button, fill, values)) for button in buttons if button.get("title")]
    return Text(fill(variation.text, values), replies)


def _reply(button: Mapping[str, Any]) -> Actionable:
    title, payload = str(button["title"]), str(button.get("payload") or "")
    return Actionable.reply(title, title, payload if payload != title else None)
