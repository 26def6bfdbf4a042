"""Placeholders: plain names in braces, as in Rasa's responses, and ICU's groups for plurals and numbers.

The groups are plurals, numbers, dates and choices inside a text; ICU itself (icu4py) formats them.

    {count, plural, =0 {no orders} one {# order} other {# orders}}
    {total, number}   {share, number, percent}   {day, date, long}   {tier, select, gold {…} other {…}}

This file only finds where such a group begins and ends, and which names it asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

__all__ = ["Group", "Template", "group_at", "plural_examples"]

_OPENING = re.compile(
    r"\{\s*([^\W\d][\w-]*)\s*,\s*(plural|selectordinal|select|number|date|time)\s*(?=[,}])",
)
_NAME = re.compile(r"\{\s*([^\W\d][\w-]*)\s*\}")
# Two apostrophes are one, wherever they stand, and quote nothing.
_QUOTED = re.compile(r"''|'[{}#|][^']*(?:''[^']*)*'?")
_CASE = re.compile(r"\s*(=\d{1,15}|[a-z]+)\s*(?=\{)", re.ASCII)
_MOST_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its text, and the kind of value that each of its names wants (empty: any)."""

    text: str
    kinds: Mapping[str, str]
    problem: str = ""

    @property
    def plural(self) -> tuple[str, dict[str, str]] | None:
        """The name and the cases (`one`, `=0`) of a plural whose cases hold plain names alone; None for all else."""
        opening = _OPENING.match(self.text)
        if self.problem or opening is None or opening[2] != "plural":
            return None
        cases: dict[str, str] = {}
        at, last = opening.end() + 1, len(self.text) - 1
        while found := _CASE.match(self.text, at):
            end = _end(self.text, found.end()) or last
            case = self.text[found.end() + 1 : end - 1]
            is_quoting = any(quoted[0] != "''" for quoted in _QUOTED.finditer(case))
            if found[1] in cases or is_quoting or re.search("[{}]", _NAME.sub("", case)):
                return None
            cases[found[1]] = case
            at = end
        # `offset:1`, or what ICU would refuse.
        is_whole = not self.text[at:last].strip() and "other" in cases
        return (opening[1], cases) if is_whole else None

    def format(self, values: Mapping[str, object], locale: str) -> str | None:
        """Return the group in the language of `locale`; None where a value is missing or cannot be formatted."""
        arguments = {name: _argument(kind, values.get(name)) for name, kind in self.kinds.items()}
        if None in arguments.values():
            return None
        try:
            return str(_compiled(self.text, locale).format(arguments))
        except _ICU_ERRORS:
            return None

    def mistake(self, locale: str = "en") -> str:
        """Return what ICU has against the group, or an empty string."""
        if self.problem:
            return self.problem
        try:
            _compiled(self.text, locale)
        except _ICU_ERRORS as error:
            return _WORDS.get(str(error).rpartition(" ")[2], "this form is not understood")
        return ""


# What icu4py raises for a pattern or for a value, and where it is not installed: a sentence is better than no sentence.
_ICU_ERRORS = (ValueError, RuntimeError, TypeError, OverflowError, ImportError)

_WORDS = {
    "U_DEFAULT_KEYWORD_MISSING": "the case `other {…}` is missing",
    "U_UNMATCHED_BRACES": "a brace has no partner",
    "U_PATTERN_SYNTAX_ERROR": "its cases are written as `one {…} other {…}`",
}


def group_at(text: str, start: int) -> Group | None:
    """Return the group that begins at `text[start]`, or None where none does. `problem` says that it does not end."""
    opening = _OPENING.match(text, start)
    if opening is None:
        return None
    end = _end(text, start)
    if end is None:
        return Group(text[start : opening.end()], {}, "a brace has no partner")
    whole = text[start:end]
    return Group(whole, dict(_kinds(whole)))


@lru_cache(maxsize=256)
def plural_examples(locale: str) -> Mapping[str, str]:
    """Return the categories of a language (`one`, `few`, …), each with numbers that are of it: `2, 3, 4, 22, …`."""
    cases = " ".join(f"{name} {{{name}}}" for name in _CATEGORIES)
    probe = Group(f"{{n, plural, {cases}}}", {"n": "plural"})
    found: dict[str, list[str]] = {name: [] for name in _CATEGORIES}
    for number in _PROBED:
        found[probe.format({"n": number}, locale) or "other"].append(str(number))
    return {name: ", ".join([*numbers[:4], "…"][: len(numbers)]) for name, numbers in found.items() if numbers}


_CATEGORIES = ("zero", "one", "two", "few", "many", "other")
# In some languages a million is of a category of its own, in others a fraction is.
_PROBED = (*range(131), 1_000_000, 0.5, 1.5)


def _end(text: str, start: int) -> int | None:
    depth, at = 0, start
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        if quoted:
            at = quoted.end()
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            return at
        if depth > _MOST_DEPTH:
            return None
    return None


def _kinds(whole: str) -> Iterator[tuple[str, str]]:
    """The names in a group and in its cases. A case's own braces are no placeholder: `one {order}` says "order"."""
    opening = _OPENING.match(whole)
    if opening is None:
        return
    for case in _cases(whole[opening.end() : -1]):
        yield from _names_in(case)
    yield opening[1], opening[2]


def _cases(body: str) -> Iterator[str]:
    at = body.find("{")
    while at >= 0:
        end = _end(body, at)
        if end is None:
            return
        yield body[at + 1 : end - 1]
        at = body.find("{", end)


def _names_in(case: str) -> Iterator[tuple[str, str]]:
    at = case.find("{")
    while at >= 0:
        end = _end(case, at)
        if end is None:
            return
        inner, name = case[at:end], _NAME.fullmatch(case[at:end])
        if name:
            yield name[1], ""
        else:
            yield from _kinds(inner)
        at = case.find("{", end)


def _argument(kind: str, value: object) -> Any:
    """Return the value as ICU takes it: slots hold numbers and dates as text too. None where it is not one."""
    if value is None:
        return None
    if kind in ("plural", "selectordinal", "number"):
        return _number(value)
    if kind in ("date", "time"):
        return _moment(value)
    return str(value)


def _number(value: object) -> int | float | Decimal | None:
    if isinstance(value, (int, float, Decimal)):
        return value
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(value: object) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
    except ValueError:
        return None


@lru_cache(maxsize=2048)
def _compiled(text: str, locale: str) -> Any:
    # Here, not at the top: only a process that formats a plural pays for ICU.
    from icu4py.messageformat import MessageFormat

    return MessageFormat(text, locale)


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

    def missing(self, values: Mapping[str, object]) -> set[str]:
        """Return the names for which `values` has nothing, or None."""
        return {name for name in self.names if values.get(name) is None}

    def fill_known(self, values: Mapping[str, object]) -> str | None:
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

    def fill(self, values: Mapping[str, object], locale: str = "en") -> str:
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

    def fill_all(self, values: Mapping[str, object], locale: str = "en") -> str:
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
