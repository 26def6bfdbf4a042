"""What reading an answer comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

__all__ = ["Doubt", "Invalid", "Outcome", "Valid", "Value"]

Value: TypeAlias = Any
"""A field's value, as JSON: a string, a list or an object of strings. Dates are `2027-04-03`, times `23:45`."""


class Valid(msgspec.Struct, frozen=True):
    """The answer is a value of the field."""

    value: Value


class Doubt(msgspec.Struct, frozen=True):
    """The answer can be any of these values, likeliest first; only the user knows which."""

    values: tuple[Value, ...]


class Invalid(msgspec.Struct, frozen=True):
    """The answer is none. `key` is the message that says why, `values` fill its placeholders."""

    key: str
    values: Mapping[str, Any] = {}


Outcome: TypeAlias = Valid | Doubt | Invalid
"""What reading an answer comes to."""
