"""`send_chat_to_agent`: what is checked and encoded before anything is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from haptik_actions.errors import ConfigurationError

__all__ = ["COUNTDOWN_SECONDS", "SEND_CHAT_TO_AGENT", "encode_send_chat"]

SEND_CHAT_TO_AGENT = "/integration/external/v1.0/send_chat_to_agent/"
COUNTDOWN_SECONDS = (5, 10)
"""The platform takes 5 to 10 seconds and uses 10 where none is given ("Move a chat to pending")."""


def encode_send_chat(*, user_name: Any, business_id: Any, team_name: Any, countdown: Any) -> bytes:
    """Return the JSON body; `business_id` is a number in it, `countdown` is left out when None.

    Raises:
        ConfigurationError: a value is missing or cannot be what the documentation asks for; names it.
    """
    body = {
        "team_name": _text("team_name", team_name),
        "user_name": _text("user_name", user_name),
        "business_id": _number("business_id", business_id),
    }
    if countdown is not None:
        body["countdown"] = _countdown(countdown)
    return msgspec.json.encode(body)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be text and not empty.")
    return value


def _number(name: str, value: Any) -> int:
    # Slots and gRPC turn 343 into "343" or 343.0; the platform takes a number.
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} must be a whole number.")
    return value


def _countdown(value: Any) -> int:
    low, high = COUNTDOWN_SECONDS
    seconds = _number("countdown", value)
    if not low <= seconds <= high:
        raise ConfigurationError(f"countdown is {seconds} and must be from {low} to {high} seconds, or left out.")
    return seconds
