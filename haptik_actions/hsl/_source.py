"""One JSON object while it is being read. It remembers how its members were written, for `Value.as_read`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from msgspec import UNSET

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._json import NOTHING, same, within
from haptik_actions.hsl._value import Value

_NONE: Mapping[str, str] = MappingProxyType({})
_TRUE, _FALSE = ("true", "1"), ("false", "0", "")
V = TypeVar("V", bound=Value)


class Source:
    """Returns the members of an object by their documented names, and accepts every spelling that the platform uses.

    `path` leads from the value that is being read to this object: empty, or such as `data`.
    """

    def __init__(self, members: object, path: str = "") -> None:
        if not isinstance(members, Mapping):
            raise InvalidElement(path, f"an object is wanted, not {type(members).__name__}")
        self.path = path
        self.members = members
        self._names: dict[str, str] = {}
        self._inner: dict[str, Source] = {}
        self._lists: set[str] = set()

    def take(self, key: str, *aliases: str) -> Any:
        """The member, under its documented name or an alias; None where it is null or not there."""
        for name in (key, *aliases):
            if name in self.members:
                self._names[key] = name
                return self.members[name]
        self._names[key] = key
        return None

    def at(self, key: str) -> str:
        """The path of a member."""
        return within(self.path, key)

    def inner(self, key: str) -> Source:
        """An inner object for which there is no class, such as `data`. Empty where the member is missing."""
        members = self.members.get(key)
        self._inner[key] = Source({} if members is None else members, self.at(key))
        return self._inner[key]

    def text(self, key: str, *aliases: str) -> str:
        """A string. A number becomes its text; null and a missing member become the empty string."""
        return self.optional_text(key, *aliases) or ""

    def optional_text(self, key: str, *aliases: str) -> str | None:
        """A string, or None where there is none."""
        value = self.take(key, *aliases)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        raise InvalidElement(self.at(key), f"a string is wanted, not {type(value).__name__}")

    def address(self, key: str) -> str:
        """An address; the platform's own samples hold some that were escaped for HTML."""
        return self.text(key).replace("&amp;", "&")

    def flag(self, key: str) -> bool | None:
        """true, false, 1, 0, and these as strings; None where there is none."""
        value = self.take(key)
        if value is None or isinstance(value, bool):
            return value
        words = str(value).strip().lower()
        if words not in (*_TRUE, *_FALSE):
            raise InvalidElement(self.at(key), f"{value!r} is neither true nor false")
        return words in _TRUE

    def number(self, key: str) -> float | None:
        """A number above 0, which may be written as a string. None where the member is missing or anything else."""
        value = self.take(key)
        try:
            number = value if isinstance(value, (int, float)) else float(value)
        except (TypeError, ValueError):
            return None
        return number if not isinstance(number, bool) and 0 < number < math.inf else None

    def integer(self, key: str) -> int | None:
        """A whole number, which may be written as a string. None where the member is missing or anything else."""
        value = self.take(key)
        if value is None or value == "":
            return None
        try:
            number = float(value)
            whole = int(number)
        except (TypeError, ValueError, OverflowError):
            whole = None
        if whole is None or whole != number or isinstance(value, bool):
            raise InvalidElement(self.at(key), f"{value!r} is no whole number")
        return whole

    def choice(self, key: str, allowed: frozenset[str], aliases: Mapping[str, str] = _NONE) -> str | None:
        """One of the documented names, in upper or lower case. None where it is none of them."""
        value = self.take(key)
        if not isinstance(value, str):
            return None
        for name in (value, value.strip().upper(), value.strip().lower()):
            if name in allowed:
                return name
        return aliases.get(value.strip().upper())

    def several(self, key: str, *aliases: str) -> list[tuple[str, Any]]:
        """The items of a list, each with its path. A single object counts as a list of one."""
        value = self.take(key, *aliases)
        self._lists.add(key)
        if value is None or value == "":
            return []
        if isinstance(value, Mapping):
            return [(self.at(key), value)]
        if not isinstance(value, list):
            raise InvalidElement(self.at(key), f"a list is wanted, not {type(value).__name__}")
        return [(f"{self.at(key)}[{index}]", item) for index, item in enumerate(value)]

    def rest(self) -> JsonObject:
        """The members that nobody has read, here and in the inner objects. Call it last."""
        known = {*self._names.values(), *self._inner}
        rest = {key: value for key, value in self.members.items() if key not in known}
        inner = {key: source.rest() for key, source in self._inner.items()}
        return {**rest, **{key: value for key, value in inner.items() if value}} or NOTHING

    def differences(self, documented: Mapping[str, object], *parents: str) -> dict[tuple[str, ...], Any]:
        """Where the object was written in another way than `documented`, in the form of `Value.as_read`."""
        found: dict[tuple[str, ...], Any] = {}
        for key in dict.fromkeys([*documented, *self._names, *self._inner]):
            should, name = documented.get(key, UNSET), self._names.get(key, key)
            written = self.members.get(name, UNSET)
            inner = self._inner.get(key)
            if inner is not None and isinstance(should, Mapping) and isinstance(written, Mapping):
                found.update(inner.differences(should, *parents, key))
            # The values of a list restore their own spelling, so for lists comparing by == is enough.
            elif name != key or not (should == written if key in self._lists else same(should, written)):
                found[(*parents, key)] = (should, {} if written is UNSET else {name: written})
        return found


def read(source: Source, build: Callable[[Source], V], serialise: Callable[[V], JsonObject], path: str = "") -> V:
    """The value that `build` makes of a source, with the form in which it was written.

    Raises:
        InvalidElement: `path` leads on to the place of the mistake.
    """
    try:
        value = build(source)
    except InvalidElement as mistake:
        raise mistake_at(path, mistake) from None
    differences = source.differences(serialise(value))
    if differences:
        value.keep_form(differences)
    return value


def mistake_at(path: str, mistake: InvalidElement) -> InvalidElement:
    """The same error with the path of the outer object in front."""
    if not path or not mistake.path:
        return InvalidElement(path or mistake.path, mistake.problem)
    dot = "" if mistake.path.startswith("[") else "."
    return InvalidElement(f"{path}{dot}{mistake.path}", mistake.problem)
