"""The platform's webhook: what each event says that the relay acts on.

Names of fields and the signature are those of Haptik's documentation ("Webhooks", "Payload information"). Everything
may gain keys and lose optional ones. An event of a shape that is not documented concerns nobody: answering anything but
2xx makes the platform repeat it, and after seven answers it switches the webhook off for all chats.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Literal

import msgspec

from haptik_actions._from_outside import JsonObject

__all__ = ["MOST_BYTES", "PlatformEvent", "UnreadableEvent", "event_name", "is_signed", "read_event"]

MOST_BYTES = 1_000_000
"""No documented event comes near this."""

_KINDS = ("message", "chat_pinned", "chat_complete", "webhook_conversation_complete")
_LONGEST_NAME = 200
_MOST_ID = 10**18


class UnreadableEvent(ValueError):
    """A body that is no JSON object, is too large or nested too deeply: it is answered with 400."""


class PlatformEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What the relay acts on in one event. `at` is Unix seconds by the platform's clock.

    Attributes:
        kind: `event_name`.
        business_id: Of the chat.
        user_name: Of the user; None in events of an older page, which have `auth_id` alone.
        auth_id: Of the user; None where it is empty.
        at: `timestamp`, or now where it cannot be read.
        message_id: `message.id`; None for `webhook_conversation_complete`.
        body: `message.body`, an object of HSL or what stands in its place.
        agent: `agent.name`, or the name in the payload of `chat_pinned`.
        automated: `agent.is_automated`.
        conversation_no: Of a completion.
        completion_type: `gogo`, `agent` or `autocomplete`.
        completion_by: An agent's name, or the platform's word such as `Team Offline Flag`.
        reason: `closing_categories.reason`.
    """

    kind: Literal["message", "chat_pinned", "chat_complete", "webhook_conversation_complete"]
    business_id: int
    user_name: str | None
    auth_id: str | None
    at: float
    message_id: int | None = None
    body: Any = None
    agent: str | None = None
    automated: bool = False
    conversation_no: int | None = None
    completion_type: str | None = None
    completion_by: str | None = None
    reason: str | None = None

    @property
    def ends_the_chat(self) -> bool:
        """Tell whether the chat is over. `chat_complete` is deprecated, and is sent beside the other."""
        return self.kind in ("chat_complete", "webhook_conversation_complete")


def is_signed(secret: str, body: bytes, signature: str | None) -> bool:
    """Tell whether `signature` (the header `X-Hub-Signature`) is the one of `body`; takes the same time either way."""
    wanted = "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return hmac.compare_digest(wanted.encode(), (signature or "").encode("latin-1", "replace"))


def read_event(body: bytes) -> PlatformEvent | None:
    """Return what an event says; None for one that concerns nobody here, which is answered with 200.

    Raises:
        UnreadableEvent: the body is no JSON object, larger than 1 MB, or nested more deeply than JSON readers go.
    """
    event = _decoded(body)
    kind, user, business_id = event.get("event_name"), _object(event.get("user")), _number(event.get("business_id"))
    user_name, auth_id = _word(user.get("user_name")), _word(user.get("auth_id"))
    if kind not in _KINDS or business_id is None or (user_name is None and auth_id is None):
        return None
    message = _message(event.get("message"))
    data, agent = _object(event.get("data")), _object(event.get("agent"))
    return PlatformEvent(
        kind=kind,
        business_id=business_id,
        user_name=user_name,
        auth_id=auth_id,
        at=_time(event.get("timestamp")),
        message_id=_number(message.get("id")),
        body=message.get("body"),
        agent=_word(agent.get("name")) or _pinned_by(message.get("body")),
        automated=agent.get("is_automated") is not False,
        conversation_no=_number(data.get("conversation_no")),
        completion_type=_word(data.get("completion_type")),
        completion_by=_word(data.get("completion_by")),
        reason=_word(_object(data.get("closing_categories")).get("reason")),
    )


def event_name(event: PlatformEvent, body: bytes) -> str:
    """Return what an event is known by: the platform may deliver it several times."""
    if event.message_id is not None:
        return f"{event.kind}:{event.message_id}"
    # A completion has no id of a message, and numbers of conversations may come again.
    return f"{event.kind}:{hashlib.sha1(body).hexdigest()}"


def _decoded(body: bytes) -> JsonObject:
    if len(body) > MOST_BYTES:
        raise UnreadableEvent(f"an event has {len(body)} bytes")
    try:
        event = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        event = _decoded_tolerantly(body)
    except RecursionError as error:
        raise UnreadableEvent("it is nested too deeply") from error
    if not isinstance(event, dict):
        raise UnreadableEvent("it is no object")
    return event


def _decoded_tolerantly(body: bytes) -> Any:
    """What Python's `json` writes and strict readers refuse: NaN, and one half of a surrogate pair."""
    try:
        read = json.loads(body.decode("utf-8", "replace"), parse_constant=lambda _: None)
        return msgspec.json.decode(json.dumps(read, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise UnreadableEvent("it is no JSON") from error


def _message(value: object) -> Mapping[str, Any]:
    """The message of an event. A sample of the documentation has a list of them; several count as one."""
    if not isinstance(value, list):
        return _object(value)
    messages = [_object(item) for item in value]
    if len(messages) <= 1:
        return messages[0] if messages else {}
    return {"id": messages[0].get("id"), "body": [message.get("body") for message in messages]}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip()[:_LONGEST_NAME] or None if isinstance(value, str) else None


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < _LONGEST_NAME:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_ID else None


def _pinned_by(body: object) -> str | None:
    payload = _object(_object(_object(body).get("data")).get("payload"))
    return _word(payload.get("agent_name"))


def _time(stamp: object) -> float:
    if isinstance(stamp, (int, float)) and not isinstance(stamp, bool) and 1e9 < stamp < 1e13:
        return stamp / 1000 if stamp > 1e11 else float(stamp)
    try:
        at = datetime.fromisoformat(str(stamp).strip().replace("Z", "+00:00"))
        return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return time.time()
