"""A value and where it stands in a payload: what the validators are written with.

Each check hands on what it has checked, or raises `AssertionError` that names the place, as `[1].attachment.payload`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn
from urllib.parse import urlsplit

import regex

Unit = Callable[[str], int]
"""Counts a text as a platform does."""


def code_points(text: str) -> int:
    return len(text)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def utf8(text: str) -> int:
    return len(text.encode("utf-8"))


def graphemes(text: str) -> int:
    return len(regex.findall(r"\X", text))


class Place:
    """One value of a payload.

    Attributes:
        value: The value itself.
        path: Where it stands, from the outermost value on.
    """

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __getitem__(self, key: str) -> Place:
        if key not in self:
            self.refuse(f"{key} is missing")
        return Place(self.value[key], f"{self.path}.{key}" if self.path else key)

    def refuse(self, reason: str) -> NoReturn:
        raise AssertionError(f"{self.path or 'the payload'}: {reason}: {_short(self.value)}")

    def given(self, *keys: str) -> list[Place]:
        """Those of the members that are there."""
        return [self[key] for key in keys if key in self]

    def has(self, *required: str, optional: Iterable[str] = ()) -> Place:
        """An object with these members and no others."""
        if not isinstance(self.value, dict):
            self.refuse("an object is wanted")
        unknown = self.value.keys() - {*required, *optional}
        if unknown:
            self.refuse(f"unknown members {sorted(map(str, unknown))}")
        for key in required:
            self[key]
        return self

    def exactly_one(self, *keys: str) -> Place:
        found = self.given(*keys)
        if len(found) != 1:
            self.refuse(f"exactly one of {', '.join(keys)} is wanted")
        return found[0]

    def items(self, low: int = 1, high: int | None = None) -> list[Place]:
        """A list of so many values."""
        if not isinstance(self.value, list):
            self.refuse("a list is wanted")
        if len(self.value) < low or (high is not None and len(self.value) > high):
            self.refuse(f"{len(self.value)} items where {low} to {high} are allowed")
        return [Place(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def text(self, limit: int | None = None, unit: Unit = code_points, *, blank: bool = False) -> str:
        """A string that shows something and is within a limit."""
        if not isinstance(self.value, str):
            self.refuse("a string is wanted")
        try:
            self.value.encode("utf-8")
        except UnicodeEncodeError:
            self.refuse("half a surrogate pair cannot be sent")
        if not (blank or self.value.strip()):
            self.refuse("a text that shows nothing")
        if limit is not None and unit(self.value) > limit:
            self.refuse(f"{unit(self.value)} {unit.__name__.replace('_', ' ')} where {limit} are allowed")
        return self.value

    def url(self, *schemes: str, limit: int | None = None) -> str:
        """An absolute address with one of the schemes (http and https where none is named)."""
        address = self.text(limit)
        scheme, rest = urlsplit(address)[0], address.partition(":")[2]
        if scheme not in (schemes or ("http", "https")):
            self.refuse(f"an address with {' or '.join(schemes or ('http', 'https'))} is wanted")
        if scheme in ("http", "https") and not urlsplit(address).hostname:
            self.refuse("an address without a host")
        if not rest or any(character.isspace() for character in address):
            self.refuse("no address")
        return address

    def one_of(self, *values: Any) -> Any:
        if not any(type(self.value) is type(value) and self.value == value for value in values):
            self.refuse(f"one of {', '.join(map(repr, values))} is wanted")
        return self.value

    def whole(self, low: int, high: int) -> int:
        """An integer within bounds."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not low <= self.value <= high:
            self.refuse(f"an integer from {low} to {high} is wanted")
        return self.value

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.refuse("true or false is wanted")
        return self.value

    def within(self, size: int) -> Place:
        """Of at most so many bytes as JSON."""
        written = len(json.dumps(self.value, ensure_ascii=False).encode("utf-8"))
        if written > size:
            self.refuse(f"{written} bytes where {size} are allowed")
        return self


def unique(places: Iterable[Place]) -> None:
    """No two of them have the same value."""
    seen: set[Any] = set()
    for place in places:
        if place.value in seen:
            place.refuse("twice the same")
        seen.add(place.value)


def _short(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= 200 else f"{written[:200]}… ({len(written)} characters)"
