"""Arguments as callers give them, checked before anything is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from haptik_actions.errors import ConfigurationError

__all__ = ["auth_id", "flag", "flat", "language_code", "number", "optional_texts", "text"]

_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")
_LANGUAGE = re.compile(r"[a-z]{2}")
_LARGEST = 2**63


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
    # Raised outside of the handler, so that the encoding error, which quotes the text, is not chained.
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


def flag(name: str, value: Any) -> bool:
    """Return `value` if it is true or false.

    Raises:
        ConfigurationError: it is neither; names it.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be true or false.")
    return value


def auth_id(value: Any) -> str:
    """Return `value` if the platform can take it as a user's `auth_id`: letters a to z and digits, nothing else.

    Raises:
        ConfigurationError: it cannot.
    """
    if not isinstance(value, str) or not _ALPHANUMERIC.fullmatch(value):
        raise ConfigurationError("auth_id must consist of letters (a to z) and digits, at least one.")
    return value


def language_code(value: Any) -> str:
    """Return `value` if it has the form of an ISO 639-1 code: two small letters, such as `en`.

    Raises:
        ConfigurationError: it has not.
    """
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise ConfigurationError("language_code must be two small letters as in ISO 639-1, for example en or hi.")
    return value


def optional_texts(**values: Any) -> dict[str, str]:
    """Return those of `values` that are not None, each checked as `text` does."""
    return {name: text(name, value) for name, value in values.items() if value is not None}


def flat(name: str, value: Any) -> dict[str, Any]:
    """Return `value` if it is an object without objects or lists in it: names with texts, numbers, true, false, null.

    Raises:
        ConfigurationError: it is another; names the key.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a dict.")
    for key, one in value.items():
        text(f"a key of {name}", key)
        if isinstance(one, str):
            text(f"{name}[{key!r}]", one or "-")
        elif not _is_plain(one):
            raise ConfigurationError(f"{name}[{key!r}] must be text, a finite number, true, false or None.")
    return dict(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -_LARGEST <= value < _LARGEST)
