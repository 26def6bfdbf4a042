"""Arguments as callers give them, checked before anything is sent."""

from __future__ import annotations

from typing import Any

from haptik_actions.errors import ConfigurationError

__all__ = ["number", "text"]


def text(name: str, value: Any) -> str:
    """Return `value` if it is text, not blank, and can be sent.

    Raises:
        ConfigurationError: it is not; names it.
    """
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be text and not empty.")
    try:
        value.encode()
    except UnicodeEncodeError:
        pass
    else:
        return value
    # Raised out here: the other error quotes the text.
    raise ConfigurationError(
        f"{name} holds half of a surrogate pair, which cannot be sent. Look at where it comes from."
    )


def number(name: str, value: Any) -> int:
    """Return `value` as a whole number: slots and gRPC turn 343 into "343" or 343.0.

    Raises:
        ConfigurationError: it is none; names it.
    """
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"{name} must be a whole number.")
    return value
