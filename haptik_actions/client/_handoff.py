"""`send_chat_to_agent`: what is checked and encoded before anything is sent."""

from __future__ import annotations

from typing import Any

import msgspec

from haptik_actions.client._arguments import number, text
from haptik_actions.client._call import Call
from haptik_actions.errors import ConfigurationError

__all__ = ["COUNTDOWN_SECONDS", "send_chat_call"]

_ENDPOINT = "/integration/external/v1.0/send_chat_to_agent/"
_ENDPOINT_WITH_RECEIVER = "/integration/external/v2.0/send_chat_to_agent/"
COUNTDOWN_SECONDS = (5, 10)
"""The platform takes 5 to 10 seconds and uses 10 where none is given ("Move a chat to pending")."""


def send_chat_call(*, user_name: Any, business_id: Any, team_name: Any, countdown: Any, receiver: Any = None) -> Call:
    """Return the call; `business_id` is a number in its JSON, `countdown` is left out when None.

    With a `receiver` (the agents' tool that gets the chat) it is the call of version 2.0.

    Raises:
        ConfigurationError: a value is missing or cannot be what the documentation asks for; names it.
    """
    body = {
        "team_name": text("team_name", team_name),
        "user_name": text("user_name", user_name),
        "business_id": number("business_id", business_id),
    }
    if countdown is not None:
        body["countdown"] = _countdown(countdown)
    if receiver is not None:
        body["receiver"] = text("receiver", receiver)
    endpoint = _ENDPOINT if receiver is None else _ENDPOINT_WITH_RECEIVER
    # A chat that is pending stays pending, so asking twice moves it once.
    return Call(method="POST", endpoint=endpoint, body=msgspec.json.encode(body), repeatable=True)


def _countdown(value: Any) -> int:
    low, high = COUNTDOWN_SECONDS
    seconds = number("countdown", value)
    if not low <= seconds <= high:
        raise ConfigurationError(f"countdown is {seconds} and must be from {low} to {high} seconds, or left out.")
    return seconds
