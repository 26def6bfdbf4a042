"""HSL in a message: its placeholders filled, and whether it is an element once they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import Unknown, parse
from haptik_actions.messages._template import Template

__all__ = ["SAMPLES", "Fill", "filled", "filled_strictly", "mistake_in"]

Fill: TypeAlias = Callable[[str, Mapping[str, Any]], str]
"""Fills the placeholders of a text from values."""

# Stands for every value: a bare host is an address, so that a placeholder may be a whole link or the end of one.
_SAMPLE = "x.example"
_LINKS = frozenset({"url", "link", "image", "image_url", "menu_url", "profile_image", "search_source"})


def mistake_in(item: Mapping[str, Any]) -> InvalidElement | None:
    """Return what keeps an HSL object with placeholders from being an element, or None."""
    try:
        element = parse(filled(item, filled_strictly, SAMPLES))
    except InvalidElement as error:
        return error
    if isinstance(element, Unknown):
        return InvalidElement("type", f"{element.type!r} is no element of HSL")
    return None


def filled(value: Any, fill: Fill, values: Mapping[str, Any], key: str = "") -> Any:
    """Return a copy of `value` in which every string, in lists and objects too, has its placeholders filled."""
    if isinstance(value, str):
        # A placeholder that begins an address is the address.
        encoded = key in _LINKS and not value.lstrip().startswith("{")
        return fill(value, _Encoded(values)) if encoded else fill(value, values)
    if isinstance(value, Mapping):
        return {name: filled(member, fill, values, str(name)) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(member, fill, values, key) for member in value]
    return value


def filled_strictly(text: str, values: Mapping[str, Any]) -> str:
    """Return `text` with its placeholders filled; one without a value is an error."""
    return Template.parse(text).fill(values)


class _Encoded(dict[str, Any]):
    """Values as they stand in an address."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({name: quote(str(value), safe="") for name, value in values.items() if value is not None})


class _Samples(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        return _SAMPLE


SAMPLES = _Samples()
