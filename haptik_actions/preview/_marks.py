"""Marked-up text as HTML: escaped first, then only bold, italics, strikes and underlines are let through."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from markupsafe import Markup, escape

Marker: TypeAlias = Callable[[str], Markup]
"""From a text in a channel's own marks to HTML."""


def _paired(mark: str, tag: str) -> tuple[re.Pattern[str], str]:
    quoted = re.escape(mark)
    border = re.escape(mark[0])
    pattern = re.compile(rf"(?<![\w{border}]){quoted}(?=\S)([^\n]*?\S){quoted}(?![\w{border}])")
    return pattern, rf"<{tag}>\1</{tag}>"


_MARKS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = MappingProxyType(
    {
        "hsl": (_paired("*", "b"), _paired("_", "i"), _paired("~", "s"), _paired("`", "u")),
        "whatsapp": (_paired("*", "b"), _paired("_", "i"), _paired("~", "s")),
        "slack": (_paired("*", "b"), _paired("_", "i"), _paired("~", "s")),
        "rocketchat": (_paired("*", "b"), _paired("_", "i"), _paired("~", "s")),
        "markdown": (_paired("**", "b"), _paired("_", "i"), _paired("~~", "s")),
    }
)
_TAG = re.compile(r"&lt;(/?)(b|i|s|u|strong|em|del)&gt;")
_BREAK = re.compile(r"&lt;br */?&gt;")
# What the renderer escaped for the channel was escaped once more here.
_ENTITY = re.compile(r"&amp;(lt|gt|amp|quot|#39);")
_SLACK_LINK = re.compile(r"&lt;[^\s|&]+\|([^\n]*?)&gt;")
_BACKSLASHED = re.compile(r"\\([\\`*_~\[\]]|&lt;|&gt;)")


def marker(dialect: str) -> Marker:
    """What turns a text of the dialect into HTML; an unknown one has no marks."""
    return {"html": _html, "slack": _slack, "markdown": _markdown}.get(dialect) or (lambda text: _marked(text, dialect))


def plain(text: object) -> Markup:
    """A text without marks."""
    return escape(str(text))


def _marked(text: str, dialect: str) -> Markup:
    shown = str(escape(text))
    for pattern, tagged in _MARKS.get(dialect, ()):
        shown = pattern.sub(tagged, shown)
    return Markup(shown)


def _html(text: str) -> Markup:
    shown = _BREAK.sub("\n", _TAG.sub(r"<\1\2>", str(escape(text))))
    return Markup(_closed(_ENTITY.sub(r"&\1;", shown)))


def _slack(text: str) -> Markup:
    shown = _SLACK_LINK.sub(r"<u>\1</u>", str(_marked(text, "slack")))
    return Markup(_ENTITY.sub(r"&\1;", shown))


def _markdown(text: str) -> Markup:
    return Markup(_BACKSLASHED.sub(r"\1", str(_marked(text, "markdown"))))


def _closed(shown: str) -> str:
    """Tags that are closed in their order; a text with any other ones shows none of them."""
    opened: list[str] = []
    for slash, tag in re.findall(r"<(/?)(\w+)>", shown):
        if not slash:
            opened.append(tag)
        elif not opened or opened.pop() != tag:
            return re.sub(r"</?\w+>", "", shown)
    return re.sub(r"</?\w+>", "", shown) if opened else shown
