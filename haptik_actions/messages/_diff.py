"""Two values beside each other."""

from __future__ import annotations

import difflib

import msgspec

__all__ = ["unified_diff"]


def unified_diff(old: str | None, new: str | None, *, before: str = "before", after: str = "after") -> str:
    """Return what changed, line by line as `diff -u` does; a structured value is laid out over several lines first."""
    lines = difflib.unified_diff(_lines(old), _lines(new), before, after, lineterm="")
    return "\n".join(lines)


def _lines(value: str | None) -> list[str]:
    if value is None:
        return []
    try:
        if value.lstrip()[:1] in ("{", "["):
            value = msgspec.json.format(value, indent=2)
    except msgspec.DecodeError:
        pass
    return value.splitlines()
