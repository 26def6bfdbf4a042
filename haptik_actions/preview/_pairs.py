"""Pairs of marks around words, found in one pass: `*bold*`.

A regular expression would search to the end of the line for each mark that nothing closes.
"""

from __future__ import annotations

import re
from bisect import bisect_left

__all__ = ["Pair"]


class Pair:
    """One mark and the tag that it means. It opens before a word and closes behind one, on the same line."""

    def __init__(self, mark: str, tag: str) -> None:
        quoted, border = re.escape(mark), re.escape(mark[0])
        self._opening = re.compile(rf"(?<![\w{border}]){quoted}(?=\S)")
        self._closing = re.compile(rf"(?=(?<=\S){quoted}(?![\w{border}]))")
        self._length, self._tag = len(mark), tag

    def tagged(self, text: str) -> str:
        """Return the text with tags in place of the pairs."""
        return "\n".join(map(self._line, text.split("\n")))

    def _line(self, line: str) -> str:
        # All places where the mark can close, overlapping ones too: "***" holds "**" twice.
        closings = [found.start() for found in self._closing.finditer(line)]
        written: list[str] = []
        end = 0
        for opening in self._opening.finditer(line) if closings else ():
            if opening.start() < end:
                continue
            at = bisect_left(closings, opening.end() + 1)
            if at == len(closings):
                break
            inside = line[opening.end() : closings[at]]
            written += line[end : opening.start()], f"<{self._tag}>{inside}</{self._tag}>"
            end = closings[at] + self._length
        return "".join((*written, line[end:]))
