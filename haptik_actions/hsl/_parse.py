"""Reading HSL: from JSON as the platform, its builder library and people write it, to elements."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, overload

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import _readers
from haptik_actions.hsl._actionable import Actionable
from haptik_actions.hsl._bubbles import Button, Text
from haptik_actions.hsl._carousel import Carousel, Image
from haptik_actions.hsl._form import Form
from haptik_actions.hsl._json import checked_copy
from haptik_actions.hsl._receipt import Receipt
from haptik_actions.hsl._signals import NativeAction, Silent, System
from haptik_actions.hsl._source import Source, mistake_at, read
from haptik_actions.hsl._tab_list import TabList
from haptik_actions.hsl._unknown import Unknown

Element: TypeAlias = (
    Text | Button | Carousel | Image | Form | System | Silent | NativeAction | TabList | Receipt | Unknown
)
"""Everything that can be sent as one message."""

_READERS: Mapping[str, Callable[[Source], Any]] = MappingProxyType(
    {
        "BUTTON": _readers.button,
        "CAROUSEL": _readers.carousel,
        "FORM": _readers.form,
        "NATIVE_ACTION": _readers.native_action,
        "RECEIPT": _readers.receipt,
        "SILENT": _readers.silent,
        "SYSTEM": _readers.system,
        "TAB_LIST": _readers.tab_list,
        "TEXT": _readers.text,
    }
)


@overload
def parse(value: Mapping[str, Any] | str) -> Element: ...


@overload
def parse(value: list[Any] | tuple[Any, ...]) -> list[Element]: ...


def parse(value: Any) -> Element | list[Element]:
    """The element of a JSON object, or the elements of a list.

    Reads what the platform writes in more than one way (numbers and flags as strings, `actionable` for `actionables`,
    `&amp;` in addresses, missing `data`), keeps members that are not documented, and `to_hsl()` of the result is the
    object that was read. An object of an unknown type is an `Unknown`. The argument is not changed.

    Args:
        value: A JSON object; such an object as a string; a list of both. A string that is not a JSON object with a
            type is a TEXT of that text.

    Raises:
        InvalidElement: what has no type, what lacks a member without which it shows nothing, and an address that is
            not safe to open, with the path from `value` to the place (`[2].data.items[0].payload.url`).
    """
    try:
        if isinstance(value, (list, tuple)):
            return [_located(item, f"[{index}]") for index, item in enumerate(value)]
        return _one(value)
    except RecursionError:
        raise InvalidElement("", "nested more deeply than any element is") from None


def parse_actionable(value: Mapping[str, Any]) -> Actionable:
    """An actionable that stands alone, such as those in the payload of a `CAROUSEL_DETAIL`.

    Raises:
        InvalidElement: with the path from the actionable to the mistake.
    """
    source = Source(checked_copy(value, "") if isinstance(value, Mapping) else value)
    return read(source, _readers.actionable, Actionable.to_hsl)


def _located(item: Any, path: str) -> Element:
    try:
        return _one(item)
    except InvalidElement as mistake:
        raise mistake_at(path, mistake) from None


def _one(value: Any) -> Element:
    if isinstance(value, str):
        value = _object(value)
        if isinstance(value, str):
            return Text(value)
    if not isinstance(value, Mapping):
        raise InvalidElement("", f"an object or a string is wanted, not {type(value).__name__}")
    kind = value.get("type")
    build = _READERS.get(kind.strip().upper()) if isinstance(kind, str) else None
    if build is None:
        return Unknown(value)
    element: Element = read(Source(checked_copy(value, "")), build, lambda built: built.to_hsl())
    return element


def _object(text: str) -> Mapping[str, Any] | str:
    """The object that a string holds, or the string itself where it holds none with a type."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict) and isinstance(value.get("type"), str) else text
