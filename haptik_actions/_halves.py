"""Halves of surrogate pairs: what Python's JSON lets through, and neither UTF-8 nor a user can read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = ["without_halves"]

T = TypeVar("T")

_HALF = re.compile("[\ud800-\udfff]")


def without_halves(value: T) -> T:
    """Return `value`, a text or lists and objects of texts, with two halves joined and single ones left out."""
    return _whole(value)  # type: ignore[no-any-return]


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _joined(value) if _HALF.search(value) else value
    if isinstance(value, Mapping):
        return {_whole(key) if isinstance(key, str) else key: _whole(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(member) for member in value]
    return value


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
