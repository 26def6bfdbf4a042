"""The Bot API: a bot that has its own channels registers its users with Haptik, and logs what they write.

Source: Haptik's documentation, "Bot API". Its calls go to the messenger host, not to that of `send_chat_to_agent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.client._call import Call, encode_form, flag, flat, number, optional_texts, text
from haptik_actions.client._call import auth_id as checked_auth_id
from haptik_actions.client._call import language_code as checked_language_code
from haptik_actions.client._files import FileKind, UserFile
from haptik_actions.client._replies import check_reply, check_success, unexpected
from haptik_actions.client._transport import Reply
from haptik_actions.errors import ConfigurationError

__all__ = [
    "BotUser",
    "LoggedMessage",
    "create_user_call",
    "enable_webhook_call",
    "log_feedback_call",
    "log_file_call",
    "log_message_call",
    "read_accepted",
    "read_enabled",
    "read_logged",
    "read_user",
    "update_user_call",
]

_USER = "/v1.0/user/"
_LOG_MESSAGE = "/v1.0/log_message_from_user/"
_LOG_FILE = "/v1.0/log_file_from_user/"
_LOG_FEEDBACK = "/v1.0/log_feedback_from_user/"
_WEBHOOK = "/v1.0/webhook/"

_TEXT_MESSAGE = 0
_FILE_MESSAGE: Mapping[FileKind, int] = {"image": 1, "document": 52}
_DEVICE_PLATFORM = 13
"""Haptik's number for users who come through the Bot API."""
_ACCEPTED = frozenset({200, 201})
"""Every call accepts both, so that no success looks like a failure (documented: 201 for feedback, 200 for the rest)."""


class BotUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user as Haptik has registered it under our own `auth_id`. What Haptik does not know is empty."""

    auth_id: str
    name: str = ""
    email: str = ""
    mobile_no: str = ""


class LoggedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A user's message that Haptik has taken. `message_id` ascends within a chat.

    `created_at` is the platform's time (aware, UTC), None where it gave none that can be read; `file_url` is where a
    file was put, None for a text.
    """

    message_id: int
    message_body: str = ""
    created_at: datetime | None = None
    file_url: str | None = None


class _User(msgspec.Struct):
    auth_id: str
    name: str | None = None
    email: str | None = None
    mobile_no: str | int | None = None


def create_user_call(**given: object) -> Call:
    """Return the call that registers a user. It is not repeatable: what a second registration does is not documented.

    Raises:
        ConfigurationError: an argument cannot work; names it. So does every function below that returns a call.
    """
    checked_auth_id(given["auth_id"])
    return Call(method="POST", endpoint=_USER, body=_user(**given), repeatable=False)


def update_user_call(**given: object) -> Call:
    """Return the call that changes a registered user. Doing it twice does no harm."""
    return Call(method="PUT", endpoint=_USER, body=_user(**given))


def log_message_call(*, auth_id: object, business_id: object, message_body: object) -> Call:
    """Return the call that logs a text. There is no idempotency key: a repeated call is a second message."""
    body = {
        "user": {"auth_id": text("auth_id", auth_id)},
        "message_body": text("message_body", message_body),
        "message_type": _TEXT_MESSAGE,
        "business_id": number("business_id", business_id),
    }
    return Call(method="POST", endpoint=_LOG_MESSAGE, body=msgspec.json.encode(body), repeatable=False)


def log_file_call(*, auth_id: object, business_id: object, file: UserFile, message_body: object) -> Call:
    """Return the call that logs a file, as a form."""
    fields: dict[str, str | int] = {
        "auth_id": text("auth_id", auth_id),
        "business_id": number("business_id", business_id),
        "message_type": _FILE_MESSAGE[file.kind],
        **optional_texts(message_body=message_body),
    }
    body, content_type = encode_form(
        fields, field="file", name=file.name, content=file.content, content_type=file.content_type
    )
    return Call(method="POST", endpoint=_LOG_FILE, body=body, content_type=content_type, repeatable=False)


def log_feedback_call(
    *, auth_id: object, business_id: object, query_resolved: object, query_rating: object, feedback: object
) -> Call:
    """Return the call that logs what the user thought of the chat with the agent."""
    rating = number("query_rating", query_rating)
    if not 1 <= rating <= 5:
        raise ConfigurationError(f"query_rating is {rating} and must be from 1 to 5.")
    body = {
        "auth_id": text("auth_id", auth_id),
        "business_id": number("business_id", business_id),
        "query_resolved": flag("query_resolved", query_resolved),
        "query_rating": rating,
        **optional_texts(feedback=feedback),
    }
    return Call(method="POST", endpoint=_LOG_FEEDBACK, body=msgspec.json.encode(body), repeatable=False)


def enable_webhook_call(*, business_id: object, enabled: object) -> Call:
    """Return the call that switches the platform's webhook on or off. Doing it twice does no harm."""
    body = {
        "enabled": flag("enabled", enabled),
        # The sample call writes this number as text.
        "business_id": str(number("business_id", business_id)),
        "device_platform": _DEVICE_PLATFORM,
    }
    return Call(method="POST", endpoint=_WEBHOOK, body=msgspec.json.encode(body))


def read_user(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> BotUser:
    """Read the reply to a registration or a change."""
    content = check_reply(endpoint, reply, hide=hide, accepted=_ACCEPTED)
    try:
        user = msgspec.convert(content, _User)
    except msgspec.ValidationError as error:
        raise unexpected(endpoint, reply, f"in which the user is not as documented: {error}") from error
    mobile_no = "" if user.mobile_no is None else str(user.mobile_no)
    return BotUser(auth_id=user.auth_id, name=user.name or "", email=user.email or "", mobile_no=mobile_no)


def read_logged(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> LoggedMessage:
    """Read the reply to a logged text or file. Only `message_id` has to be there: it says that Haptik has it."""
    content = check_reply(endpoint, reply, hide=hide, accepted=_ACCEPTED)
    try:
        message_id = msgspec.convert(content.get("message_id"), int, strict=False)
    except msgspec.ValidationError:
        raise unexpected(endpoint, reply, "without the documented `message_id`") from None
    return LoggedMessage(
        message_id=message_id,
        message_body=_text(content.get("message_body")) or "",
        created_at=_time(content.get("created_at")),
        file_url=_text(content.get("file_url")),
    )


def read_accepted(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> None:
    """Accept only a reply that says `"success": true`."""
    check_success(endpoint, reply, hide, accepted=_ACCEPTED)


def read_enabled(wanted: bool) -> Callable[[str, Reply, Callable[[str], str]], None]:
    """Return what accepts only a reply that says that the webhook is now as `wanted`."""

    def read(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> None:
        if check_reply(endpoint, reply, hide=hide, accepted=_ACCEPTED).get("enabled") is not wanted:
            raise unexpected(endpoint, reply, f'without the documented `"enabled": {str(wanted).lower()}`')

    return read


def _user(*, auth_id: object, language_code: object, custom_data: object, **texts: object) -> bytes:
    body: JsonObject = {"auth_id": text("auth_id", auth_id), **optional_texts(**texts)}
    if language_code is not None:
        body["language_code"] = checked_language_code(language_code)
    if custom_data is not None:
        body["custom_data"] = flat("custom_data", custom_data)
    return msgspec.json.encode(body)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    try:
        # msgspec reads "Z" on every Python; `fromisoformat` does so from 3.11 on.
        at = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
