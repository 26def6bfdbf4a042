"""Reading HSL: from JSON as the platform, its builder library and people write it, to elements.

An object whose type is not known here becomes `Unknown`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias, overload

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl import _readers
from haptik_actions.hsl._actionable import Actionable
from haptik_actions.hsl._bubbles import Button, Text
from haptik_actions.hsl._carousel import Carousel, Image
from haptik_actions.hsl._form import Form
from haptik_actions.hsl._json import check_harmless, checked_copy
from haptik_actions.hsl._receipt import Receipt
from haptik_actions.hsl._signals import NativeAction, Silent, System
from haptik_actions.hsl._source import Source, mistake_at, read
from haptik_actions.hsl._tab_list import TabList


class Unknown(msgspec.Struct, frozen=True):
    """A raw object of an unknown type. It is carried as it is; where it has to be shown, by its text.

    Attributes:
        raw: The object. It is copied; read it, never change it.

    Raises:
        InvalidElement: it has no type or a known one, or holds an unsafe address.
    """

    raw: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not isinstance(self.raw, Mapping):
            raise InvalidElement("", f"an object is wanted, not {type(self.raw).__name__}")
        msgspec.structs.force_setattr(self, "raw", checked_copy(self.raw, "", check=check_harmless))
        if not isinstance(self.raw.get("type"), str) or not self.type.strip():
            raise InvalidElement("type", "an element names its type")
        if self.type.upper() in KNOWN_TYPES:
            raise InvalidElement("type", f"{self.type} is known: parse it")

    def __hash__(self) -> int:
        return hash((type(self), self.type, self.text))

    @property
    def type(self) -> str:
        """The type as it is written."""
        return str(self.raw["type"])

    @property
    def text(self) -> str:
        """What it says; empty where it has no text."""
        text = self.raw.get("text")
        return text if isinstance(text, str) else ""

    @property
    def voice_text(self) -> str | None:
        """What is spoken instead of `text`; None where it has no such member."""
        voice_text = self.raw.get("voice_text")
        return voice_text if isinstance(voice_text, str) else None

    def to_hsl(self) -> JsonObject:
        """The object as it was given; a copy."""
        copied: JsonObject = msgspec.to_builtins(self.raw)
        return copied


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
KNOWN_TYPES = frozenset(
    {"BUTTON", "CAROUSEL", "FORM", "NATIVE_ACTION", "RECEIPT", "SILENT", "SYSTEM", "TAB_LIST", "TEXT"}
)


@overload
def parse(value: Mapping[str, object] | str) -> Element: ...


@overload
def parse(value: list[Any] | tuple[object, ...]) -> list[Element]: ...


def parse(value: object) -> Element | list[Element]:
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


def parse_actionable(value: Mapping[str, object]) -> Actionable:
    """An actionable that stands alone, such as those in the payload of a `CAROUSEL_DETAIL`.

    Raises:
        InvalidElement: with the path from the actionable to the mistake.
    """
    source = Source(checked_copy(value, "") if isinstance(value, Mapping) else value)
    return read(source, _readers.actionable, Actionable.to_hsl)


def _located(item: object, path: str) -> Element:
    try:
        return _one(item)
    except InvalidElement as mistake:
        raise mistake_at(path, mistake) from None


def _one(value: object) -> Element:
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
