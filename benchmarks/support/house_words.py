"""How long the paragraphs of the documentation are: `benchmarks/house.py` says what counts as one."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["paragraphs", "word_figures"]

_ITEM = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_LEFT_OUT = re.compile(r"\s*(?:#|\||!\[|\[!\[|<|---+\s*$)")


def word_figures(tree: Path) -> dict[str, Any]:
    """Return the median number of words of a paragraph: in all, for each page, and for each folder below `docs`."""
    pages = [page for page in (tree / "README.md", *sorted((tree / "docs").rglob("*.md"))) if page.exists()]
    words: dict[str, list[int]] = {}
    for page in pages:
        folder = page.parent.relative_to(tree)
        # The pages of a folder below `docs` are many and short: they share a figure.
        name = folder if len(folder.parts) > 1 else page.relative_to(tree)
        words.setdefault(name.as_posix(), []).extend(_lengths(page.read_text(encoding="utf-8")))
    every = [length for lengths in words.values() for length in lengths]
    return {
        "median_paragraph": statistics.median(every or [0]),
        "median_paragraph_by_page": {name: statistics.median(lengths or [0]) for name, lengths in words.items()},
    }


def _lengths(text: str) -> list[int]:
    return [len(paragraph.split()) for paragraph in paragraphs(text)]


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs and the items of lists of a page in Markdown, without tables, headings and code."""
    held: list[str] = []
    for line in (*_prose(text), ""):
        item = _ITEM.match(line)
        if (item or not line.strip()) and held:
            yield " ".join(held)
            held = []
        if words := line[item.end() if item else 0 :].strip():
            held.append(words)


def _prose(text: str) -> Iterator[str]:
    """Yield the lines of a page; an empty one in the place of each that is a table's, a heading's or a code block's."""
    fence = ""
    for line in text.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
            yield ""
        elif mark:
            fence = mark[1]
            yield ""
        # An item may be indented by four spaces; so is code, which this documentation writes after an empty line.
        elif _LEFT_OUT.match(line) or (line.startswith("    ") and not _ITEM.match(line)):
            yield ""
        else:
            yield line
