"""HSL in a message: checked before its placeholders are filled, and built after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Actionable, Element, Text, Unknown, parse
from haptik_actions.messages._template import Template
from haptik_actions.messages._value import Variation

__all__ = ["built", "filled", "mistake_in", "sample"]

# Stands for every value: a bare host is an address, so that a placeholder may be a whole link or the end of one.
_SAMPLE = "x.example"


def mistake_in(item: Mapping[str, Any]) -> InvalidElement | None:
    """Return what keeps an HSL object with placeholders from being an element, or None."""
    try:
        element = parse(filled(item, sample))
    except InvalidElement as error:
        return error
    if isinstance(element, Unknown):
        return InvalidElement("type", f"{element.type!r} is no element of HSL")
    return None


def sample(text: str) -> str:
    """Return `text` with something short, which can be a part of an address, in place of each value."""
    return Template.parse(text).fill(_SAMPLES)


def built(variation: Variation, fill: Callable[[str], str]) -> Element | None:
    """Return a variation as an element; Rasa's buttons become quick replies. None where it has no such form.

    Raises:
        InvalidElement: with these values it is none, a link that is not safe for example.
    """
    if variation.hsl is not None:
        element = parse(filled(variation.hsl, fill))
        return None if isinstance(element, Unknown) else element
    if variation.text is None:
        custom = variation.extra.get("custom")
        return None if custom is None or "type" not in custom else built(Variation(hsl=custom), fill)
    buttons = [*variation.extra.get("buttons", ()), *variation.extra.get("quick_replies", ())]
    return Text(fill(variation.text), [_reply(button, fill) for button in buttons if button.get("title")])


def filled(value: Any, fill: Callable[[str], str]) -> Any:
    """Return a copy of what lists and objects hold, every string of it filled."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, Mapping):
        return {key: filled(member, fill) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(member, fill) for member in value]
    return value


def _reply(button: Mapping[str, Any], fill: Callable[[str], str]) -> Actionable:
    title, payload = fill(str(button["title"])), fill(str(button.get("payload") or ""))
    return Actionable.reply(title, title, payload if payload != title else None)


class _Samples(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return _SAMPLE


_SAMPLES = _Samples()
