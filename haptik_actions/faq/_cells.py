"""What can be wrong with a cell: with its characters, and, in an answer, with its delimiters and its HSL objects."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from haptik_actions._csv import NUL
from haptik_actions.errors import InvalidElement
from haptik_actions.faq._node import ANSWERS
from haptik_actions.hsl import Unknown, parse

__all__ = ["FORMULA_SIGNS", "answer_findings", "character_findings", "formula_finding", "is_ordinary", "link_problem"]

# Excel in Chinese, Japanese and Korean takes the full-width signs for the others.
_FULL_WIDTH = str.maketrans("＝＋－＠", "=+-@")
FORMULA_SIGNS = frozenset("=+-@＝＋－＠")

# Line breaks and tabs are text. U+DC80 to U+DCFF stand for bytes that could not be decoded.
_CONTROL = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{NUL}\u2028\u2029]")
_LOST_BYTE = re.compile("[\ud800-\udbff\udc01-\udfff]")
# Joiners are left alone: emoji, Persian and Indic scripts need U+200C and U+200D.
_INVISIBLE = re.compile("[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_MOJIBAKE = re.compile("\ufffd|[ÂÃ][\x80-\xbf]|â€|ðŸ|à¤|à¥")
# One class of characters is scanned five times as fast as the four patterns above; what it lets through is looked for
# as substrings. French and Portuguese hold the rest of the letters of damaged text all the time.
_SUSPECT = re.compile(
    "[" + "".join(pattern.pattern.strip("[]") for pattern in (_CONTROL, _LOST_BYTE, _INVISIBLE)) + "\ufffdÂÃ]"
)

# A sign, then what only a formula has: a function's parenthesis, a range, a cell of another sheet, DDE's bar.
_RUN_BY_SIGN = re.compile(r"[+\-@]\s*[A-Za-z][\w.]*\s*[(!|]|[+\-@].*[A-Za-z]{1,3}\d+\s*:\s*[A-Za-z]{1,3}\d+", re.DOTALL)
_HTTP = re.compile(r"https?://[^\s/?#\\:@][^\s\\]*", re.IGNORECASE)
_SCHEME = re.compile(r"\b(?:(?:javascript|vbscript):\S|data:[\w/+.-]+[;,]|file://)", re.IGNORECASE)


def is_ordinary(text: str) -> bool:
    """Whether nothing in the text is worth a closer look."""
    if text.isascii():
        return text.isprintable() or text.replace("\n", "").replace("\r", "").isprintable()
    return not (_SUSPECT.search(text) or "â€" in text or "ðŸ" in text or "à¤" in text or "à¥" in text)


def character_findings(cell: str) -> Iterator[tuple[str, str]]:
    """Yield code and message of each kind of character that does not belong into a cell."""
    if found := _LOST_BYTE.search(cell):
        yield "undecodable", f"The byte 0x{ord(found[0]) & 0xFF:02X} {_after(cell, found.start())}."
    if found := _CONTROL.search(cell):
        name = "NUL" if found[0] in ("\0", NUL) else f"U+{ord(found[0]):04X}"
        yield "control_character", f"{name} {_after(cell, found.start())}."
    if found := _INVISIBLE.search(cell):
        name = unicodedata.name(found[0], "a character").lower()
        yield "invisible_character", f"U+{ord(found[0]):04X} ({name}) {_after(cell, found.start())}."
    if found := _MOJIBAKE.search(cell):
        yield "mojibake", f"{found[0]!r} {_after(cell, found.start())}."


def formula_finding(cell: str) -> tuple[str, str] | None:
    """Return code and message for a cell that begins with one of `FORMULA_SIGNS`, or None."""
    bare = cell.lstrip()
    if not bare or bare[0] not in FORMULA_SIGNS:
        return None
    begins, sign = bare[:20], bare[0].translate(_FULL_WIDTH)
    if sign == "=" or _RUN_BY_SIGN.match(sign + bare[1:]):
        return "formula", f"It begins with {begins!r}."
    return "formula_sign", f"It begins with {begins!r}."


def link_problem(text: str, *, whole: bool) -> str | None:
    """Return what is wrong with an address; with `whole` false, with one that stands in a text."""
    if whole:
        return None if _HTTP.fullmatch(text) else f"{text[:60]!r} is not an http or https address."
    # Nearly every colon is that of https: or of a time of day, and the pattern costs twenty times this line.
    lower = text.lower()
    if not ("script:" in lower or "data:" in lower or "file:" in lower):
        return None
    found = _SCHEME.search(text)
    return f"The text holds {text[found.start() : found.start() + 40]!r}." if found else None


def _after(cell: str, position: int) -> str:
    before = cell[max(0, position - 20) : position].encode("utf-8", "replace").decode("utf-8")
    return f"after {before!r}" if before else "at the beginning"


_LIKE_DELIMITER = re.compile(r"<\s*/?\s*m\s*/?\s*>", re.IGNORECASE)


def answer_findings(answer: str, limit: int) -> Iterator[tuple[str, str]]:
    """Yield code and message of each mistake; a bot say of text is too long above `limit` characters."""
    if answer.count("<") != answer.count(ANSWERS):
        for found in _LIKE_DELIMITER.finditer(answer):
            if found[0] != ANSWERS:
                yield "odd_delimiter", f"{found[0]!r} stands in it."
    parts = answer.split(ANSWERS)
    number = 0
    while number < len(parts):
        part = parts[number].strip()
        if not part:
            if answer.strip():
                yield "empty_part", f"Bot say {number + 1} is empty."
        elif part.startswith("{"):
            problem, number = _element_problem(parts, number)
            if problem:
                yield problem
        else:
            yield from _text_findings(part, number + 1, limit)
        number += 1


def _text_findings(text: str, number: int, limit: int) -> Iterator[tuple[str, str]]:
    if len(text) > limit:
        yield "too_long", f"Bot say {number} has {len(text):,} characters, more than {limit:,}."
    if problem := link_problem(text, whole=False):
        yield "unsafe_link", problem


def _element_problem(parts: list[str], number: int) -> tuple[tuple[str, str] | None, int]:
    """Return what is wrong with the HSL object that begins in a part, and the part in which it ends."""
    problem = _parse_problem(parts[number])
    if problem is None:
        return None, number
    # Perhaps the object holds a `<m>`: then it is whole again with the parts that follow.
    for last in range(number + 1, len(parts)):
        if _parse_problem(ANSWERS.join(parts[number : last + 1])) is None:
            return ("delimiter_in_text", f"The HSL object in bot say {number + 1} holds {ANSWERS!r}."), last
    return ("invalid_hsl", f"Bot say {number + 1}: {problem}."), number


_Said = Annotated[str, msgspec.Meta(pattern=r"\S")]


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    message: _Said
    gogo_message: str = ""


class _QuickReply(msgspec.Struct, forbid_unknown_fields=True):
    actionable_text: _Said
    type: Literal["TEXT_ONLY"]
    payload: _Payload
    is_default: int = 0


class _Data(msgspec.Struct, forbid_unknown_fields=True):
    quick_replies: list[_QuickReply] = []


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["TEXT"]
    text: _Said
    data: _Data


# Most elements in answers are a TEXT with quick replies exactly as documented. The decoder itself says so in a fraction
# of the time that `parse` takes to read whatever may be meant; what does not fit is left to `parse`.
_as_documented = msgspec.json.Decoder(_Text)


def _parse_problem(text: str) -> str | None:
    try:
        _as_documented.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return _read_problem(text)
    return None


# The same closing element often stands in hundreds of answers.
@lru_cache(maxsize=1024)
def _read_problem(text: str) -> str | None:
    try:
        element = msgspec.json.decode(text, type=dict[str, Any])
        if not isinstance(element.get("type"), str):
            return "type: it has none, and so is no HSL object"
        if isinstance(parse(element), Unknown):
            return f"type: the platform has no element {element['type']!r}"
    except InvalidElement as error:
        return str(error).rstrip(".")
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return f"it begins with {{ and is not JSON ({error})"
    return None
