"""Reads members of payloads, which may hold anything: a value of the right type, or an empty one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any

from haptik_actions.preview._parts import Part, Tap, Unseen


def text(value: object) -> str:
    """A string or a number as a string; everything else is empty."""
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def unescaped(value: object) -> str:
    """A string in which the channel wants `&`, `<` and `>` as entities."""
    return unescape(text(value))


def mapping(value: object) -> Mapping[str, Any]:
    """An object; everything else is an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a list."""
    for item in value if isinstance(value, (list, tuple)) else ():
        if isinstance(item, Mapping):
            yield item


def opens(url: object) -> str:
    """The words for a control that opens an address."""
    address = text(url)
    if address.startswith("tel:"):
        return f"calls {address.removeprefix('tel:')}"
    return f"opens {address}" if address else ""


def calls(number: object) -> str:
    """The words for a control that calls a number."""
    return f"calls {text(number)}"


def tap(label: object, does: str = "", detail: object = "") -> Tap:
    """A control."""
    return Tap(label=text(label) or "(no label)", does=does, detail=text(detail))


def unseen(value: object) -> Part:
    """A payload as it is."""
    return Unseen(json=json.dumps(value, indent=2, ensure_ascii=False, default=str))
