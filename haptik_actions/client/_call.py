"""One call as a value: what is sent, whether anything of it has left, and whether it may be sent again.

Arguments are checked as callers give them, before anything is sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import httpx
import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.errors import (
    ApiError,
    ConfigurationError,
    HaptikError,
    RateLimited,
    TransportError,
)

__all__ = [
    "Call",
    "Sent",
    "auth_id",
    "encode_form",
    "flag",
    "flat",
    "language_code",
    "may_repeat",
    "number",
    "optional_texts",
    "text",
]

_PASSING_STATUS = frozenset({429, 502, 503, 504})
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]+")
_LANGUAGE = re.compile(r"[a-z]{2}")
_LARGEST = 2**63


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its signature. `repeatable` says that doing it twice does no harm."""

    method: str
    endpoint: str
    query: str = ""
    body: bytes = b""
    content_type: str = "application/json"
    repeatable: bool = True


class Sent(msgspec.Struct):
    """`begun` is False until a request of the call begins to leave; from then on the platform may have it.

    It travels with the request, and outlives what breaks that off.
    """

    begun: bool = False


def encode_form(
    fields: Mapping[str, str | int], *, field: str, name: str, content: bytes, content_type: str
) -> tuple[bytes, str]:
    """Return a form as httpx writes it (`multipart/form-data`), and its content type.

    It has `fields`, and under the name `field` a file called `name`.
    """
    form = httpx.Request("POST", "https://form.example", data=fields, files={field: (name, content, content_type)})
    return form.read(), form.headers["content-type"]


def may_repeat(call: Call, error: HaptikError, *, sent: bool) -> bool:
    """Tell whether repeating `call` after `error` can help and does no harm.

    It can help after connection failures, time-outs, 429, 502, 503 and 504. A call that is not repeatable is repeated
    only where nothing of it was `sent`.
    """
    if isinstance(error, TransportError):
        return call.repeatable or not sent
    if isinstance(error, RateLimited):
        return call.repeatable
    return call.repeatable and isinstance(error, ApiError) and error.status in _PASSING_STATUS


def text(name: str, value: object) -> str:
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


def number(name: str, value: object) -> int:
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


def flag(name: str, value: object) -> bool:
    """Return `value` if it is true or false.

    Raises:
        ConfigurationError: it is neither; names it.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be true or false.")
    return value


def auth_id(value: object) -> str:
    """Return `value` if the platform can take it as a user's `auth_id`: letters a to z and digits, nothing else.

    Raises:
        ConfigurationError: it cannot.
    """
    if not isinstance(value, str) or not _ALPHANUMERIC.fullmatch(value):
        raise ConfigurationError("auth_id must consist of letters (a to z) and digits, at least one.")
    return value


def language_code(value: object) -> str:
    """Return `value` if it has the form of an ISO 639-1 code: two small letters, such as `en`.

    Raises:
        ConfigurationError: it has not.
    """
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise ConfigurationError("language_code must be two small letters as in ISO 639-1, for example en or hi.")
    return value


def optional_texts(**values: object) -> dict[str, str]:
    """Return those of `values` that are not None, each checked as `text` does."""
    return {name: text(name, value) for name, value in values.items() if value is not None}


def flat(name: str, value: object) -> JsonObject:
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


def _is_plain(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -_LARGEST <= value < _LARGEST)
