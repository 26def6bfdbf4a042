"""Lists as Python-Markdown reads them: what belongs to an item stands four spaces in, and a list is a paragraph."""

from __future__ import annotations

import re

__all__ = ["reindented"]

_MARKER = re.compile(r"(?:[-*+]|\d+[.)]) +")
_FENCE = re.compile(r"(```+|~~~+)")
_STEP = 4


def reindented(text: str) -> str:
    """Return a page whose lists are indented by the width of `- ` or `1. ` with four spaces for each level."""
    lines: list[str] = []
    # Of each open item, where what belongs to it begins: in the page as it is, and as it will be.
    levels: list[tuple[int, int]] = []
    fence = ""
    for line in text.splitlines():
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        if not words:
            lines.append("")
            continue
        while levels and not fence and indent < levels[-1][0]:
            levels.pop()
        old, new = levels[-1] if levels else (0, 0)
        marker = None if fence else _MARKER.match(words)
        if marker and not levels and lines and lines[-1] and not _belongs_to_a_list(lines):
            lines.append("")
        lines.append(" " * (new + max(indent - old, 0)) + words)
        if marker:
            levels.append((indent + marker.end(), new + indent - old + _STEP))
        mark = _FENCE.match(words)
        if mark:
            fence = "" if fence and words.startswith(fence) else fence or mark[1]
    return "\n".join(lines) + "\n"


def _belongs_to_a_list(lines: list[str]) -> bool:
    """Tell whether the paragraph that the last line ends is an item's."""
    for line in reversed(lines):
        if not line:
            return False
        if _MARKER.match(line.lstrip(" ")):
            return True
    return False
