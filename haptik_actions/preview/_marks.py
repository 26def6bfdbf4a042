"""Marked-up text as HTML: escaped first, then only bold, italics, strikes and underlines are let through.

Pairs of marks around words (`*bold*`) are found in one pass. A regular expression would search to the end of the line
for each mark that nothing closes.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from markupsafe import Markup, escape

__all__ = ["Marker", "marker", "plain"]


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


Marker: TypeAlias = Callable[[str], Markup]
"""From a text in a channel's own marks to HTML."""


_MARKS: Mapping[str, tuple[Pair, ...]] = MappingProxyType(
    {
        "hsl": (Pair("*", "b"), Pair("_", "i"), Pair("~", "s"), Pair("`", "u")),
        "whatsapp": (Pair("*", "b"), Pair("_", "i"), Pair("~", "s")),
        "slack": (Pair("*", "b"), Pair("_", "i"), Pair("~", "s")),
        "rocketchat": (Pair("*", "b"), Pair("_", "i"), Pair("~", "s")),
        "markdown": (Pair("**", "b"), Pair("_", "i"), Pair("~~", "s")),
    }
)
_TAG = re.compile(r"&lt;(/?)(b|i|s|u|strong|em|del)&gt;")
_BREAK = re.compile(r"&lt;br */?&gt;")
# The renderer escaped this for the channel and it was escaped again here, so one escape is taken off.
_ENTITY = re.compile(r"&amp;(lt|gt|amp|quot|#39);")
_SLACK_LINK = re.compile(r"&lt;[^\s|&]+\|")
_BACKSLASHED = re.compile(r"\\([\\`*_~\[\]]|&lt;|&gt;)")


def marker(dialect: str) -> Marker:
    """What turns a text of the dialect into HTML; an unknown one has no marks."""
    return {"html": _html, "slack": _slack, "markdown": _markdown}.get(dialect) or (lambda text: _marked(text, dialect))


def plain(text: object) -> Markup:
    """A text without marks."""
    return escape(str(text))


def _marked(text: str, dialect: str) -> Markup:
    shown = str(escape(text))
    for pair in _MARKS.get(dialect, ()):
        shown = pair.tagged(shown)
    return Markup(shown)


def _html(text: str) -> Markup:
    shown = _BREAK.sub("\n", _TAG.sub(r"<\1\2>", str(escape(text))))
    return Markup(_closed(_ENTITY.sub(r"&\1;", shown)))


def _slack(text: str) -> Markup:
    *closed, rest = str(_marked(text, "slack")).split("&gt;")
    return Markup(_ENTITY.sub(r"&\1;", "".join((*map(_linked, closed), rest))))


def _linked(closed: str) -> str:
    """Underline the label of Slack's link `<address|label>` where it ends here. Without a link the `>` is text."""
    line = closed.rfind("\n") + 1
    link = _SLACK_LINK.search(closed, line)
    return f"{closed}&gt;" if link is None else f"{closed[: link.start()]}<u>{closed[link.end() :]}</u>"


def _markdown(text: str) -> Markup:
    return Markup(_BACKSLASHED.sub(r"\1", str(_marked(text, "markdown"))))


def _closed(shown: str) -> str:
    """Let tags through that are closed in order. In a text where they are not, all tags are left out."""
    opened: list[str] = []
    for slash, tag in re.findall(r"<(/?)(\w+)>", shown):
        if not slash:
            opened.append(tag)
        elif not opened or opened.pop() != tag:
            return re.sub(r"</?\w+>", "", shown)
    return re.sub(r"</?\w+>", "", shown) if opened else shown
