"""What can be wrong with an answer that is more than a line of text: its delimiters, and its HSL objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from haptik_actions.errors import InvalidElement
from haptik_actions.faq._cells import link_problem
from haptik_actions.faq._node import ANSWERS
from haptik_actions.hsl import Unknown, parse

__all__ = ["answer_findings"]

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
