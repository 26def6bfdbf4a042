"""Placeholders: plain names in braces, as in Rasa's responses, and ICU's groups for plurals and numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from haptik_actions.messages._groups import Group, group_at

__all__ = ["Template"]

# A name and nothing else: `{a.b}`, `{a[0]}`, `{0}` and `{}` are text, so copy can never reach into a value.
_STRICT = re.compile(r"\{([^\W\d][\w-]*)\}")
# What Rasa's own interpolation takes for the name of a slot. The name is looked up as it stands and never evaluated.
_RASA = re.compile(r"\{\{([^\n{}]+)\}\}|\{([^\n{}]+?)\}")


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    written: str


_Piece = str | _Name | Group


@dataclass(frozen=True, slots=True)
class Template:
    """A text, the names of its placeholders, and its ICU groups."""

    text: str
    names: frozenset[str]
    groups: tuple[Group, ...] = ()
    _pieces: tuple[_Piece, ...] = ()
    _format: str | None = None
    _order: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Template:
        """Find the placeholders of `text`; every text is a valid template."""
        return _parse(text, rasa=False)

    @classmethod
    def parse_rasa(cls, text: str) -> Template:
        """As `parse`, with the names that Rasa's responses may have (`{order id}`), and `{{name}}` for `{name}`."""
        return _parse(text, rasa=True)

    def missing(self, values: Mapping[str, Any]) -> set[str]:
        """Return the names for which `values` has nothing, or None."""
        return {name for name in self.names if values.get(name) is None}

    def fill_known(self, values: Mapping[str, Any]) -> str | None:
        """Return the filled text where every name has a value and there is no group; or else None. The usual, fast."""
        if self._format is None:
            return None
        try:
            arguments = [values[name] for name in self._order]
        except KeyError:
            return None
        if None in arguments:
            return None
        return self._format % tuple(arguments)

    def fill(self, values: Mapping[str, Any], locale: str = "en") -> str:
        """Return the text with its values; a name without a value stays as it is. Values are never filled again."""
        if not self.names:
            return self.text
        filled = []
        for piece in self._pieces:
            if isinstance(piece, str):
                filled.append(piece)
            elif isinstance(piece, _Name):
                value = values.get(piece.name)
                filled.append(piece.written if value is None else str(value))
            else:
                filled.append(piece.format(values, locale) or piece.text)
        return "".join(filled)

    def fill_all(self, values: Mapping[str, Any], locale: str = "en") -> str:
        """As Rasa fills a response: a single name that `values` does not know leaves the whole text as it stands."""
        if any(name not in values for name in self.names):
            return self.text
        filled = []
        for piece in self._pieces:
            if isinstance(piece, str):
                filled.append(piece)
            elif isinstance(piece, _Name):
                filled.append(str(values[piece.name]))
            else:
                filled.append(piece.format(values, locale) or piece.text)
        return "".join(filled)


@lru_cache(maxsize=8192)
def _parse(text: str, *, rasa: bool) -> Template:
    pieces = tuple(_pieces(text, _RASA if rasa else _STRICT))
    names = {piece.name for piece in pieces if isinstance(piece, _Name)}
    groups = tuple(piece for piece in pieces if isinstance(piece, Group))
    for group in groups:
        names.update(group.kinds)
    order = tuple(piece.name for piece in pieces if isinstance(piece, _Name))
    return Template(text, frozenset(names), groups, pieces, None if groups else _format_of(pieces), order)


def _format_of(pieces: tuple[_Piece, ...]) -> str:
    """The text as a format of `%`, which Python fills in a fraction of a microsecond."""
    return "".join(piece.replace("%", "%%") if isinstance(piece, str) else "%s" for piece in pieces)


def _pieces(text: str, pattern: re.Pattern[str]) -> list[_Piece]:
    pieces: list[_Piece] = []
    at = literal = 0
    while (at := text.find("{", at)) >= 0:
        found = group_at(text, at)
        piece, end = (found, at + len(found.text)) if found else _name_at(text, at, pattern)
        if piece is None:
            at += 1
            continue
        pieces += [text[literal:at], piece] if at > literal else [piece]
        at = literal = end
    if literal < len(text):
        pieces.append(text[literal:])
    # Rasa writes JSON in payloads with doubled braces: `/order{{"id": "{id}"}}`.
    doubled = pattern is _RASA and "{{" in text
    return [_single(piece) if doubled and isinstance(piece, str) else piece for piece in pieces]


def _name_at(text: str, at: int, pattern: re.Pattern[str]) -> tuple[_Piece | None, int]:
    match = pattern.match(text, at)
    if match is None:
        return None, at
    name = match[match.lastindex or 1]
    # The first alternative of Rasa's pattern is the escaped form, which is text: `{{name}}` reads `{name}`.
    escaped = pattern is _RASA and match.lastindex == 1
    return (match[0] if escaped else _Name(name, match[0])), match.end()


def _single(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")
