"""One function maps a reply of the platform to a result or an error.

The documentation lists error messages, not statuses, so the message decides the class, whatever the status
(`error_message` in "Webhooks", section "Move a chat to pending"). Where the message is unknown, a status that is
clear by itself decides, and anything else is an `ApiError` that keeps the platform's words.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from haptik_actions.client._transport import Reply
from haptik_actions.errors import (
    ApiError,
    AuthenticationError,
    InactiveBusiness,
    InactiveTeam,
    InvalidRequest,
    NoConversation,
    RateLimited,
    ServerError,
    UnexpectedResponse,
    UnknownBusiness,
    UnknownTeam,
    UnknownUser,
)

__all__ = ["check_reply", "check_success"]

_MESSAGES: Mapping[str, type[ApiError]] = {
    "client_id missing in headers": AuthenticationError,
    "invalid client_id in headers": AuthenticationError,
    "invalid authorization in headers": AuthenticationError,
    "token missing in headers": AuthenticationError,
    "invalid token provided": AuthenticationError,
    "user_name missing in the request": InvalidRequest,
    "business_id missing in the request": InvalidRequest,
    "team_name missing in the request": InvalidRequest,
    "invalid user_name": UnknownUser,
    "invalid business_id provided": UnknownBusiness,
    "invalid team_name provided": UnknownTeam,
    "user has not sent a message": NoConversation,
}
_PATTERNS: tuple[tuple[re.Pattern[str], type[ApiError]], ...] = (
    (re.compile(r"business\b.*\bis inactive", re.DOTALL), InactiveBusiness),
    (re.compile(r"team\b.*\bis inactive", re.DOTALL), InactiveTeam),
)
_LONGEST_MESSAGE = 500


def check_reply(endpoint: str, reply: Reply, *, hide: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the JSON object of a successful reply. `hide` takes secrets out of the platform's words.

    Raises:
        ApiError: the platform refused the call, by status, by `error_message` or by `"success": false`.
        UnexpectedResponse: the reply is not the documented JSON.
    """
    content = _decode(reply.body)
    message = hide(_message(content))
    if reply.status != 200 or (content is not None and (message or content.get("success") is False)):
        raise _refusal(endpoint, reply, message, is_json=content is not None)
    if content is None:
        raise _unexpected(endpoint, reply, "which is not a JSON object")
    return content


def check_success(endpoint: str, reply: Reply, *, hide: Callable[[str], str] = str) -> None:
    """Accept only a `200` whose body says `"success": true`.

    Raises:
        as `check_reply`.
    """
    if check_reply(endpoint, reply, hide=hide).get("success") is not True:
        raise _unexpected(endpoint, reply, 'without the documented `"success": true`')


def _decode(body: bytes) -> dict[str, Any] | None:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _message(content: dict[str, Any] | None) -> str:
    # The FAQ calls put their words under `error`; a failed answer may use either.
    for key in ("error_message", "error"):
        value = (content or {}).get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()[:_LONGEST_MESSAGE]
    return ""


def _refusal(endpoint: str, reply: Reply, message: str, *, is_json: bool) -> ApiError | UnexpectedResponse:
    kind = _kind_of(message) or _kind_of_status(reply.status)
    if kind is None and not is_json:
        return _unexpected(endpoint, reply, "which is not a JSON object")
    kind, words = kind or ApiError, message or "(the platform gave no reason)"
    if kind is RateLimited:
        wait = _retry_after(reply.headers.get("retry-after"))
        return RateLimited(words, status=reply.status, endpoint=endpoint, retry_after=wait)
    return kind(words, status=reply.status, endpoint=endpoint)


def _kind_of(message: str) -> type[ApiError] | None:
    words = message.rstrip(". ").lower()
    if words in _MESSAGES:
        return _MESSAGES[words]
    return next((kind for pattern, kind in _PATTERNS if pattern.fullmatch(words)), None)


def _kind_of_status(status: int) -> type[ApiError] | None:
    if status in (401, 403):
        return AuthenticationError
    if status == 429:
        return RateLimited
    return ServerError if status >= 500 else None


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait: the header holds a number of seconds or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _unexpected(endpoint: str, reply: Reply, why: str) -> UnexpectedResponse:
    words = f"{endpoint} answered {reply.status} with {len(reply.body)} bytes {why}."
    return UnexpectedResponse(words, endpoint=endpoint, status=reply.status)
