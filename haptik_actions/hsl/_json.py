"""JSON that an element carries without reading it: copied, so that nothing is shared, and its addresses checked.

An element may open http and https addresses, and a bare host, which the platform reads as https and which occurs in
the platform's own samples. Everything else is refused, because a chat client may run it (`javascript:`, `data:`) or
cannot open it from a button (`ftp:`, a path without a host). A phone number, an SMS or an e-mail address is accepted
only where the actionable's uri says that the tap calls, texts or mails.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import InvalidElement

_PATH = r"(?:[/?#][^\s\x00-\x1f\x7f]*)?"
_ABSOLUTE = re.compile(r"https?://[^\s\x00-\x1f\x7f/?#\\:][^\s\x00-\x1f\x7f/?#\\]*" + _PATH, re.IGNORECASE)
# A host needs a dot. Without this rule `javascript:1/alert(1)` would be read as a host with a port.
_BARE_HOST = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)+(?::\d{1,5})?" + _PATH)
_is_usual = re.compile(r"https?://[A-Za-z0-9][!-\[\]-~]*").fullmatch
_seen: set[str] = set()
_NUMBER = r"\+?[0-9(][0-9() .\-]{1,30}"
_CONTACTS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "CALL": re.compile(rf"(?:tel:)?{_NUMBER}", re.IGNORECASE),
        "SMS": re.compile(rf"(?:sms:)?{_NUMBER}(?:\?[^\s\x00-\x1f\x7f]*)?", re.IGNORECASE),
        "EMAIL": re.compile(r"(?:mailto:)?[^\s@:/?\x00-\x1f\x7f]+@[\w.-]+(?:\?[^\s\x00-\x1f\x7f]*)?", re.IGNORECASE),
    }
)
_IGNORED = re.compile(r"[\s\x00-\x1f\x7f]+")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_HARMLESS = frozenset({"http", "https", "tel", "sms", "mailto"})
ADDRESS_KEYS = frozenset(
    {
        *("callback_link", "image", "image_url", "images", "link", "menu_url", "movie_image", "movie_trailer_url"),
        *("options_url", "profile_image", "search_source", "url"),
    }
)
"""Members that hold an address, or a list of addresses, wherever they are in the JSON."""

DEEPEST = 64
"""How many objects and lists may stand inside of each other: a detail screen takes three, all else less."""

LARGEST = sys.float_info.max

Check: TypeAlias = Callable[[Any, str, Any], None]
"""Raises `InvalidElement` for an address, at a path, of an actionable with a uri."""


def is_plain(url: str) -> bool:
    """Whether a string is a usual http(s) address. Bots send the same ones over and over, so some are remembered."""
    if url in _seen:
        return True
    if not _is_usual(url):
        return False
    if len(_seen) >= 4096:
        _seen.clear()
    _seen.add(url)
    return True


def check_link(url: object, path: str, uri: object = "") -> None:
    """Refuse an address that is not safe to open from a chat; `uri` is that of the actionable which opens it.

    Raises:
        InvalidElement: at `path`.
    """
    if not isinstance(url, str):
        raise InvalidElement(path, f"an address is a string, not {type(url).__name__}")
    if is_plain(url) or _ABSOLUTE.fullmatch(url) or _BARE_HOST.fullmatch(url):
        return
    contact = _CONTACTS.get(kind := uri.strip().upper()) if isinstance(uri, str) else None
    if contact is None or not contact.fullmatch(url):
        wanted = {"CALL": " or a phone number", "SMS": " or a phone number", "EMAIL": " or an e-mail address"}
        raise InvalidElement(path, f"{url!r} is not an http or https address{wanted[kind] if contact else ''}")


def check_harmless(url: object, path: str, uri: object = "") -> None:
    """Refuse an address with an unsafe scheme. What is no address at all (`<link>` in a template) passes.

    This is for objects of an unknown type: no client opens anything of them.

    Raises:
        InvalidElement: at `path`.
    """
    # Browsers ignore control characters and space in front of a scheme and within it.
    scheme = _SCHEME.match(_IGNORED.sub("", url)) if isinstance(url, str) else None
    if scheme and scheme[1].lower() not in _HARMLESS:
        check_link(url, path, uri)


def absolute(url: str) -> str:
    """The address with its scheme: a bare host is https."""
    return url if "://" in url and _ABSOLUTE.match(url) else f"https://{url}"


class Nothing(JsonObject):
    """An empty object that is never changed. All values without further members share it."""

    def __setitem__(self, key: str, value: object) -> None:
        raise TypeError("what a value holds is read and never changed")

    def update(self, *_: object, **__: object) -> None:
        """Refuse."""
        self[""] = None

    def setdefault(self, key: str, default: object = None, /) -> Any:
        """Refuse."""
        self[key] = default

    def __ior__(self, other: object) -> Any:  # type: ignore[misc]
        self[""] = None

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING = Nothing()


class Peculiar(JsonObject):
    """The payload of an unusual actionable: it was copied in depth, or the actionable has further members.

    `to_hsl` writes all other actionables without looking for more members, which takes half the time.
    """


def is_flat(members: object) -> bool:
    """Whether a payload is an object of strings, with no other addresses than usual ones."""
    if members.__class__ is not dict:
        return False
    for key, value in members.items():
        if not (value.__class__ is key.__class__ is str) or (key in ADDRESS_KEYS and not is_plain(value)):
            return False
    return True


def within(path: str, key: str) -> str:
    """The path of a member of the object at `path`."""
    return f"{path}.{key}" if path else key


def checked_copy(
    members: Mapping[str, object], path: str, uri: object = "", check: Check = check_link, room: int = DEEPEST
) -> JsonObject:
    """A deep copy of a JSON object that shares nothing with it.

    `uri` is that of the actionable whose payload it is, `check` says which addresses pass, `room` how many objects and
    lists may stand inside of each other. Detail screens nest actionables in a payload: their links are as clickable as
    the outer one, so addresses are checked at every depth.

    Raises:
        InvalidElement: an unsafe address, or what JSON cannot hold, with its path below `path`.
    """
    copied = {**members}
    for key, value in copied.items():
        if value.__class__ is str:
            if key in ADDRESS_KEYS and value and not is_plain(value):
                check(value, within(path, key), uri)
            elif key.__class__ is not str:
                _check_key(key, path)
        else:
            _check_key(key, path)
            below = members.get("uri", "") if key == "payload" else ""
            copied[key] = _checked(value, within(path, key), below, check, room, address=key in ADDRESS_KEYS)
    return copied


def _check_key(key: object, path: str) -> None:
    if not isinstance(key, str):
        raise InvalidElement(path, f"{key!r} is no key of JSON")


def _checked(value: object, path: str, uri: object, check: Check, room: int, *, address: bool) -> Any:
    if isinstance(value, (Mapping, list, tuple)):
        if not room:
            raise InvalidElement(path, "nested more deeply than any element is")
        if isinstance(value, Mapping):
            return checked_copy(value, path, uri, check, room - 1)
        items = enumerate(value)
        return [_checked(item, f"{path}[{index}]", "", check, room - 1, address=address) for index, item in items]
    if address and value:
        check(value, path, uri)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bool, int, float)):
        check_number(value, path)
        return value
    if value is None:
        return value
    raise InvalidElement(path, f"{type(value).__name__} is no value of JSON")


def check_number(value: float, path: str) -> None:
    """Refuse NaN, infinity and numbers beyond a double: not every reader of JSON takes them.

    Raises:
        InvalidElement: at `path`.
    """
    if not -LARGEST <= value <= LARGEST:
        raise InvalidElement(path, "no number of JSON: infinite, beyond a double, or none at all")


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON. `0`, `0.0` and `false` differ; the order of members does not count."""
    if one.__class__ is not other.__class__ or one != other:
        return False
    if one.__class__ is dict:
        return all(same(value, other[key]) for key, value in one.items())
    return one.__class__ is not list or all(map(same, one, other))
