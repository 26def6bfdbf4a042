"""JSON that an element carries without reading it: copied, so that nothing is shared, and its addresses checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from haptik_actions.errors import InvalidElement
from haptik_actions.hsl._links import check_link

ADDRESS_KEYS = frozenset({"image", "image_url", "images", "link", "menu_url", "profile_image", "search_source", "url"})
"""Members that hold an address, or a list of addresses, wherever they are in the JSON."""

Check: TypeAlias = Callable[[Any, str, Any], None]
"""Raises `InvalidElement` for an address, at a path, of an actionable with a uri."""


def within(path: str, key: str) -> str:
    """The path of a member of the object at `path`."""
    return f"{path}.{key}" if path else key


def checked_copy(members: Mapping[str, Any], path: str, uri: Any = "", check: Check = check_link) -> dict[str, Any]:
    """A deep copy of a JSON object that shares nothing with it.

    `uri` is that of the actionable whose payload it is, `check` says which addresses pass. Detail screens nest
    actionables in a payload: their links are as clickable as the outer one, so addresses are checked at every depth.

    Raises:
        InvalidElement: an unsafe address, or what JSON cannot hold, with its path below `path`.
    """
    copied = {**members}
    for key, value in copied.items():
        if not isinstance(key, str):
            raise InvalidElement(path, f"{key!r} is no key of JSON")
        if value.__class__ is str:
            if value and key in ADDRESS_KEYS:
                check(value, within(path, key), uri)
        else:
            below = members.get("uri", "") if key == "payload" else ""
            copied[key] = _checked(value, within(path, key), below, check, address=key in ADDRESS_KEYS)
    return copied


def _checked(value: Any, path: str, uri: Any, check: Check, *, address: bool) -> Any:
    if isinstance(value, Mapping):
        return checked_copy(value, path, uri, check)
    if isinstance(value, (list, tuple)):
        return [_checked(item, f"{path}[{index}]", "", check, address=address) for index, item in enumerate(value)]
    if address and value:
        check(value, path, uri)
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise InvalidElement(path, f"{type(value).__name__} is no value of JSON")


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON: `0`, `0.0` and `false` are three, the order of members is no matter."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one.__class__ is other.__class__ and bool(one == other)
