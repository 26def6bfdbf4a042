"""Reads a bot's answer to the node that called it, strictly: whatever does not fit is a bot break."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import msgspec

from haptik_actions.sandbox._transcripts import as_hsl

__all__ = ["NodeAnswer", "NodeBroke", "read_answer"]

_MOST_DETAILS = 500


class NodeBroke(Exception):
    """Raised where the answer is a bot break; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """An answer that fits: HSL objects for the user, and what is kept of the conversation and of the user."""

    status: bool
    elements: list[dict[str, Any]]
    conversation_details: dict[str, Any] = field(default_factory=dict)
    user_details: dict[str, Any] = field(default_factory=dict)


def read_answer(http_status: int, content: bytes) -> NodeAnswer:
    """Return the answer, or raise `NodeBroke`."""
    if http_status != 200:
        raise NodeBroke(f"answered {http_status}")
    try:
        answer = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NodeBroke("the answer is not a JSON object") from None
    status, response = answer.get("status"), answer.get("response")
    if not isinstance(status, bool):
        raise NodeBroke("status is not true or false")
    if not isinstance(response, list) or not all(isinstance(item, str) for item in response):
        raise NodeBroke("response is not a list of strings")
    if not any(item.strip() for item in response):
        raise NodeBroke("response is empty")
    details = [_details(answer, name) for name in ("conversation_details", "user_details")]
    size = sum(len(json.dumps(part)) for part in details if part)
    if size > _MOST_DETAILS:
        raise NodeBroke(f"conversation_details and user_details have {size} characters, more than {_MOST_DETAILS}")
    elements = [_element(item) for item in response if item.strip()]
    return NodeAnswer(status=status, elements=elements, conversation_details=details[0], user_details=details[1])


def _details(answer: dict[str, Any], name: str) -> dict[str, Any]:
    details = answer.get(name)
    if details is not None and not isinstance(details, dict):
        raise NodeBroke(f"{name} is not an object")
    return details or {}


def _element(item: str) -> dict[str, Any]:
    """Return the element that is serialised into the string, or the TEXT element that says the string."""
    try:
        element = msgspec.json.decode(item.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return as_hsl(item)
    return element if isinstance(element, dict) and isinstance(element.get("type"), str) else as_hsl(item)
