"""Reads single fields of a request, or refuses them. The words are assumed where no table of the platform has them."""

from __future__ import annotations

from typing import Any, TypeGuard

from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._refusal import Refusal
from haptik_actions.sandbox._state import Business

__all__ = ["business_of", "is_number", "needed", "number", "text"]


def business_of(platform: Platform, business_id: object) -> Business:
    """Return the active business of that number, or raise `Refusal`."""
    business = platform.businesses.get(business_id) if is_number(business_id) else None
    if business is None:
        raise Refusal("invalid business_id provided")
    if not business.active:
        raise Refusal(f'business "{business.id}" is inactive')
    return business


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether this is a number in JSON."""
    # In Python True is an int, but in JSON it is no number.
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def needed(fields: dict[str, Any], *names: str) -> None:
    """Raise `Refusal` for the first of the names that is not given, `null` or empty text."""
    for name in names:
        if fields.get(name) in (None, ""):
            raise Refusal(f"{name} missing in the request")


def text(fields: dict[str, Any], name: str) -> str:
    """Return a text, empty where it is left out or `null`, or raise `Refusal`."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Refusal(f"invalid {name}")
    return value or ""


def number(fields: dict[str, Any], name: str) -> int | None:
    """Return the whole number that a form or an address carries as text, None where it is none."""
    value = fields.get(name)
    if not isinstance(value, str):
        return None
    # Limited in length, because int() raises on texts of thousands of digits.
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= 18 else None
