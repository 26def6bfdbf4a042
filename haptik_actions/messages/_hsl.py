"""HSL in a message: checked before its placeholders are filled, and built after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Actionable, Element, Text, Unknown, parse
from haptik_actions.messages._template import Template
from haptik_actions.messages._value import Variation

__all__ = ["Fill", "element_of", "mistake_in", "sampled"]

Fill: TypeAlias = Callable[[str, Mapping[str, Any]], str]
"""Fills the placeholders of a text from values."""

# Stands for every value: a bare host is an address, so that a placeholder may be a whole link or the end of one.
_SAMPLE = "x.example"
_LINKS = frozenset({"url", "link", "image", "image_url", "menu_url", "profile_image", "search_source"})


def mistake_in(item: Mapping[str, Any]) -> InvalidElement | None:
    """Return what keeps an HSL object with placeholders from being an element, or None."""
    try:
        element = parse(_filled(item, _strictly, _SAMPLES))
    except InvalidElement as error:
        return error
    if isinstance(element, Unknown):
        return InvalidElement("type", f"{element.type!r} is no element of HSL")
    return None


def sampled(variation: Variation) -> Element | None:
    """Return a variation as an element with something short, which can be an address, in place of each value.

    Raises:
        InvalidElement: it is none.
    """
    return element_of(variation, _strictly, _SAMPLES)


def element_of(variation: Variation, fill: Fill, values: Mapping[str, Any]) -> Element | None:
    """Return a variation as an element; Rasa's buttons become quick replies. None where it has no such form.

    A value that is a part of an address is percent-encoded.

    Raises:
        InvalidElement: with these values it is none, a link that is not safe for example.
    """
    if variation.hsl is not None:
        element = parse(_filled(variation.hsl, fill, values))
        return None if isinstance(element, Unknown) else element
    if variation.text is None:
        custom = variation.extra.get("custom")
        return None if custom is None or "type" not in custom else element_of(Variation(hsl=custom), fill, values)
    buttons = [*variation.extra.get("buttons", ()), *variation.extra.get("quick_replies", ())]
    replies = [_reply(_filled(button, fill, values)) for button in buttons if button.get("title")]
    return Text(fill(variation.text, values), replies)


def _filled(value: Any, fill: Fill, values: Mapping[str, Any], key: str = "") -> Any:
    """A copy of what lists and objects hold, every string of it filled."""
    if isinstance(value, str):
        # A placeholder that begins an address is the address.
        encoded = key in _LINKS and not value.lstrip().startswith("{")
        return fill(value, _Encoded(values)) if encoded else fill(value, values)
    if isinstance(value, Mapping):
        return {name: _filled(member, fill, values, str(name)) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_filled(member, fill, values, key) for member in value]
    return value


def _reply(button: Mapping[str, Any]) -> Actionable:
    title, payload = str(button["title"]), str(button.get("payload") or "")
    return Actionable.reply(title, title, payload if payload != title else None)


def _strictly(text: str, values: Mapping[str, Any]) -> str:
    return Template.parse(text).fill(values)


class _Encoded(dict[str, Any]):
    """Values as they stand in an address."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({name: quote(str(value), safe="") for name, value in values.items() if value is not None})


class _Samples(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return _SAMPLE


_SAMPLES = _Samples()
