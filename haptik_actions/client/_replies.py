"""Maps a reply of the platform to a result or an error, in one function.

The documentation lists error messages, not statuses, so the message decides the class, whatever the status
(`error_message` in the four tables of "Webhooks" and in the Bot API). Where the message is unknown, a status that is
clear by itself decides, and anything else is an `ApiError` that keeps the platform's words.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Collection, Mapping

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.client._transport import Reply
from haptik_actions.errors import (
    AccessForbidden,
    ApiError,
    AuthenticationError,
    DuplicateFeedback,
    InactiveBusiness,
    InactiveTeam,
    InvalidRequest,
    InvalidUserToken,
    NoActiveConversation,
    NoConversation,
    RateLimited,
    ServerError,
    UnexpectedResponse,
    UnknownBusiness,
    UnknownDomain,
    UnknownTeam,
    UnknownUser,
    UserNotRegistered,
)

__all__ = ["check_reply", "check_success", "unexpected", "words_of_failure"]

_MESSAGES: Mapping[str, type[ApiError]] = {
    # "Move a chat to pending"
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
    "user is not registered": UserNotRegistered,
    # "Get Chat Transcripts", v1.0
    "invalid client_id": AuthenticationError,
    "invalid token": AuthenticationError,
    "user_name missing": InvalidRequest,
    "business_id missing": InvalidRequest,
    "conversation_no missing": InvalidRequest,
    # "Get Chat Transcripts", v2.0
    "invalid business_id": InvalidRequest,
    "either the user has not sent a message yet, or the provided user_name-business_id pair is invalid": NoConversation,
    "unable to decode pxut-client_id pair": InvalidUserToken,
    "argument group validation: no valid group": InvalidRequest,
    "argument group validation: invalid group found": InvalidRequest,
    "an unknown error occurred": ServerError,
    # "FAQ Node Creation APIs for KMS"; the documentation spells it "doman"
    "invalid doman": UnknownDomain,
    "invalid domain": UnknownDomain,
    "unauthorized access or invalid token": AuthenticationError,
    "unauthorized access": AuthenticationError,
    "invalid or bad request body": InvalidRequest,
    "access forbidden": AccessForbidden,
    # The Bot API; "user is not registered" is its word as well. Feedback says "Invalid_User" of such a user.
    "invalid authorization details": AuthenticationError,
    "invalid_user": UserNotRegistered,
    "duplicate feedback": DuplicateFeedback,
}
_PATTERNS: tuple[tuple[re.Pattern[str], type[ApiError]], ...] = (
    (re.compile(r"business\b.*\bis inactive", re.DOTALL), InactiveBusiness),
    (re.compile(r"team\b.*\bis inactive", re.DOTALL), InactiveTeam),
    (re.compile(r".*\bactive conversation with the agent", re.DOTALL), NoActiveConversation),
    (re.compile(r"argument group validation: no valid group\b.*", re.DOTALL), InvalidRequest),
    (re.compile(r"argument group validation: invalid group found\b.*", re.DOTALL), InvalidRequest),
)
_STATUSES: Mapping[int, type[ApiError]] = {401: AuthenticationError, 403: AccessForbidden, 429: RateLimited}
_LONGEST_MESSAGE = 500


def check_reply(
    endpoint: str, reply: Reply, *, hide: Callable[[str], str] = str, accepted: Collection[int] = (200,)
) -> JsonObject:
    """Return the JSON object of a successful reply, which has a status of `accepted`.

    `hide` takes secrets out of the platform's words.

    Raises:
        ApiError: the platform refused the call, by status, by `error_message` or by `"success": false`.
        UnexpectedResponse: the reply is not the documented JSON.
    """
    content = _decode(reply.body)
    message = _message(content)
    message = hide(message) if message else ""
    if reply.status not in accepted or (content is not None and (message or content.get("success") is False)):
        raise _refusal(endpoint, reply, message, is_json=content is not None)
    if content is None:
        raise unexpected(endpoint, reply, "which is not a JSON object")
    return content


def check_success(
    endpoint: str, reply: Reply, hide: Callable[[str], str] = str, *, accepted: Collection[int] = (200,)
) -> None:
    """Accept only a reply of such a status whose body says `"success": true`.

    Raises:
        as `check_reply`.
    """
    if check_reply(endpoint, reply, hide=hide, accepted=accepted).get("success") is not True:
        raise unexpected(endpoint, reply, 'without the documented `"success": true`')


def words_of_failure(reply: Reply) -> str:
    """Return what a reply of 200 with `"success": false` says under `body.status`, where no `error` says more; else an
    empty text."""
    content = _decode(reply.body) if reply.status == 200 else None
    if content is None or content.get("success") is not False or _message(content):
        return ""
    body = content.get("body")
    words = body.get("status") if isinstance(body, dict) else None
    return words.strip()[:_LONGEST_MESSAGE] if isinstance(words, str) else ""


def _decode(body: bytes) -> JsonObject | None:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _message(content: JsonObject | None) -> str:
    # The FAQ calls put their words under `error`; a failed answer may use either.
    for key in ("error_message", "error"):
        value = (content or {}).get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()[:_LONGEST_MESSAGE]
    return ""


def _refusal(endpoint: str, reply: Reply, message: str, *, is_json: bool) -> ApiError | UnexpectedResponse:
    kind = _kind_of(message) or _kind_of_status(reply.status)
    if kind is None and not is_json:
        return unexpected(endpoint, reply, "which is not a JSON object")
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
    return ServerError if status >= 500 else _STATUSES.get(status)


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


def unexpected(endpoint: str, reply: Reply, why: str) -> UnexpectedResponse:
    """Return the error for a reply that is not the documented one; `why` continues "answered ... with N bytes"."""
    words = f"{endpoint} answered {reply.status} with {len(reply.body)} bytes {why}."
    return UnexpectedResponse(words, endpoint=endpoint, status=reply.status)
