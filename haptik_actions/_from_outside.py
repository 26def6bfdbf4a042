"""What comes from outside: JSON objects, language tags, and halves of surrogate pairs.

Python's JSON lets single halves through. Neither UTF-8 nor a user can read them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

__all__ = ["JsonObject", "is_locale", "without_halves"]

# BCP 47 allows letters, digits and hyphens. A locale comes from outside and becomes part of a Redis key.
_LOCALE = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*")
T = TypeVar("T")

JsonObject: TypeAlias = dict[str, Any]
"""A JSON object whose members nobody has checked yet, or that is written for others and may hold any JSON."""

_HALF = re.compile("[\ud800-\udfff]")


def is_locale(tag: str) -> bool:
    """Tell whether `tag` has the form of a language tag."""
    return _LOCALE.fullmatch(tag) is not None


def without_halves(value: T) -> T:
    """Return `value`, a text or lists and objects of texts, with two halves joined and single ones left out."""
    return _whole(value)  # type: ignore[no-any-return]


def _whole(value: object) -> Any:
    if isinstance(value, str):
        return _joined(value) if _HALF.search(value) else value
    if isinstance(value, Mapping):
        return {_whole(key) if isinstance(key, str) else key: _whole(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(member) for member in value]
    return value


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
