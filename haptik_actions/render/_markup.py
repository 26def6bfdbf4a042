"""Marked-up text: HSL's own marks, and what each channel writes in their place.

HSL has `*bold*`, `_italic_`, `~strike~` and `` `underline` `` (Haptik's documentation, "Bot says", tips). A mark counts
where it opens and closes at the border of a word, so that `snake_case`, `2*3*4` and addresses stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import TypeAlias

# Matches an address, the end of a line, or marks. Two equal marks beside each other are text.
_TOKEN = re.compile(r"https?://\S*[^\s*~`]|\n|([*_~`])\1*")

_MARKS = frozenset("*_~`")
_LEFT_OUT = ("", "")

Marks: TypeAlias = Mapping[str, tuple[str, str]]
"""Mark of HSL -> what opens and what closes it on the channel."""


class Dialect:
    """How one channel marks up a text.

    Args:
        name: The name in the channel's record.
        marks: What stands for each mark; one that is missing is left out of the text.
        escaped: What makes a text safe to stand between marks.
        risky: The characters that have to be looked at; a text without them is sent as it is.
    """

    def __init__(
        self, name: str, marks: Marks, escaped: Callable[[str], str] | None = None, risky: str = "*_~`"
    ) -> None:
        self.name = name
        self._marks = marks
        self._escaped = escaped
        self._risky = re.compile(f"[{re.escape(risky)}]").search

    def text(self, marked: str) -> str:
        """The text of an element in the channel's own marks."""
        return marked if self._risky(marked) is None else self._translated(marked)

    def plain(self, literal: str) -> str:
        """Words that carry no marks: labels, addresses, numbers."""
        if self._escaped is None or self._risky(literal) is None:
            return literal
        return self._escaped(literal)

    def bold(self, literal: str) -> str:
        """Words that carry no marks, in bold."""
        opening, closing = self._marks.get("*", ("", ""))
        return f"{opening}{self.plain(literal)}{closing}" if _holds(literal, closing) else self.plain(literal)

    def _translated(self, marked: str) -> str:
        """Replace pairs of marks in one pass. At most one of each kind is open; a mark that nothing closes is text."""
        written: list[str] = []
        opened: dict[str, tuple[int, int]] = {}
        end = 0
        for token in _TOKEN.finditer(marked):
            mark = token[0]
            start, stop = token.span()
            if mark == "\n":
                opened.clear()
            elif mark in _MARKS:
                before, after = marked[start - 1 : start] if start else "", marked[stop : stop + 1]
                place = opened.get(mark)
                if place is None and after and not after.isspace() and not _in_word(before):
                    opened[mark] = (len(written) + 1, stop)
                    written += self.plain(marked[end:start]), self.plain(mark)
                    end = stop
                elif place and start > place[1] and not before.isspace() and not _in_word(after):
                    written[place[0]], closing = self._marks.get(mark, _LEFT_OUT)
                    written += self.plain(marked[end:start]), closing
                    opened = {other: at for other, at in opened.items() if at < place}
                    end = stop
            elif mark[0] not in _MARKS:
                written += self.plain(marked[end:start]), self._address(mark)
                end = stop
        return "".join([*written, self.plain(marked[end:])])

    def _address(self, url: str) -> str:
        return self.plain(url)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


class _Markdown(Dialect):
    """Markdown: a backslash in an address would be part of it."""

    def _address(self, url: str) -> str:
        return url

    def plain(self, literal: str) -> str:
        return literal if "://" in literal else super().plain(literal)


class _AsIs(Dialect):
    """HSL's own marks, for clients that know them or show them."""

    def text(self, marked: str) -> str:
        return marked

    def plain(self, literal: str) -> str:
        return literal

    def bold(self, literal: str) -> str:
        return literal


def _holds(literal: str, closing: str) -> bool:
    # In `*2 * 3*` a client would end the bold at the second star. Only HTML and markdown can escape it.
    return not closing or closing.startswith("<") or closing not in literal


_SPECIAL = re.compile(r"([\\`*_~\[\]<>])")


def _backslashed(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _html(text: str) -> str:
    return escape(text, quote=False)


def _same(*marks: str) -> Marks:
    return {mark: (mark, mark) for mark in marks}


HSL = _AsIs("hsl", {})
NONE = Dialect("none", {})
WHATSAPP = Dialect("whatsapp", _same("*", "_", "~"))
# https://docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are escaped, and nothing else can be.
SLACK = Dialect("slack", _same("*", "_", "~"), _html, "*_~`&<>")
# https://core.telegram.org/bots/api#html-style
HTML = Dialect(
    "html", {"*": ("<b>", "</b>"), "_": ("<i>", "</i>"), "~": ("<s>", "</s>"), "`": ("<u>", "</u>")}, _html, "*_~`&<>"
)
_MARKDOWN_MARKS: Marks = {"*": ("**", "**"), "_": ("_", "_"), "~": ("~~", "~~")}
# Nothing is escaped, because clients that do not know markdown would show the backslashes.
MARKDOWN_UNESCAPED = Dialect("markdown", _MARKDOWN_MARKS)
MARKDOWN = _Markdown("markdown", _MARKDOWN_MARKS, _backslashed, "*_~`\\[]<>")
