"""What is known of the conversation, and who its user is for Haptik."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from haptik_actions.config import Settings

__all__ = ["Conversation", "Identity", "Turn", "can_register", "identify"]

logger = logging.getLogger(__name__)

_LONGEST_AUTH_ID = 100

Turn = tuple[str, str]
"""Who said it (`user` or `bot`), and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The part of a tracker that a hand-off needs.

    `metadata` holds the metadata of the user's messages, the latest first: a turn that a reminder triggered has none of
    its own. `resumed_at` is when the bot last had the conversation back, in Unix seconds; 0 where it always had it.
    `ended` is the id of the last receipt before that, `running` of the last one since. `turns` are the last texts, in
    their order. `form` is the form that is active.
    """

    sender_id: str
    channel: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    metadata: Iterable[Mapping[str, Any]] = ()
    resumed_at: float = 0.0
    ended: str | None = None
    running: str | None = None
    turns: Sequence[Turn] = ()
    form: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user as Haptik knows them.

    `user_name` is Haptik's own name for the user, from its integration request; None where nobody has told it.
    `auth_id` is what the bot's side has registered the user by; None where that is not told either. `name` is the
    user's own.
    """

    user_name: str | None
    business_id: int
    conversation_no: int | None = None
    auth_id: str | None = None
    name: str | None = None


def identify(conversation: Conversation, settings: Settings) -> Identity | None:
    """Return who the user is, from message metadata, then slots, then settings; None and a log line if that fails.

    A user whose name on Haptik nobody tells can be registered where the settings name a messenger host and a Redis.
    """
    user_name = next(_texts(_candidates("user_name", conversation)), None)
    business_id = next(_numbers(_candidates("business_id", conversation)), settings.business_id)
    is_nobody = user_name is None and not can_register(settings)
    if is_nobody or business_id is None:
        _say_what_is_missing(conversation, is_nobody, business_id is None)
        return None
    return Identity(
        user_name=user_name,
        business_id=business_id,
        conversation_no=next(_numbers(_candidates("conversation_no", conversation)), None),
        auth_id=next(filter(_is_auth_id, _texts(_candidates("auth_id", conversation))), None),
        name=next(_texts(_candidates("full_name", conversation)), None),
    )


def can_register(settings: Settings) -> bool:
    """Tell whether users can be registered with Haptik, and agents' words find them: the relay is on."""
    return bool(settings.messenger_url and settings.redis_url)


def _is_auth_id(text: str) -> bool:
    return text.isascii() and text.isalnum() and len(text) <= _LONGEST_AUTH_ID


def _candidates(name: str, conversation: Conversation) -> Iterator[Any]:
    for metadata in conversation.metadata:
        yield metadata.get(name)
        # A gateway that passes Haptik's integration request on has `user_name` below `user`.
        user = metadata.get("user")
        if isinstance(user, Mapping):
            yield user.get(name)
    started = conversation.slots.get("session_started_metadata")
    if isinstance(started, Mapping):
        yield started.get(name)
    yield conversation.slots.get(name)


def _texts(values: Iterator[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            yield str(value).strip()


def _numbers(values: Iterator[Any]) -> Iterator[int]:
    for value in values:
        if isinstance(value, bool) or value is None:
            continue
        # JSON clients send "343", gRPC makes 343.0 of 343.
        try:
            number = int(value) if not isinstance(value, float) or value.is_integer() else None
        except (TypeError, ValueError):
            number = None
        if number is not None:
            yield number


def _say_what_is_missing(conversation: Conversation, no_user: bool, no_business: bool) -> None:
    names = [name for name, absent in (("user_name", no_user), ("business_id", no_business)) if absent]
    logger.error(
        "Conversation %s cannot be handed over: no usable %s was found. Looked in the message metadata, in the slots "
        "of the same names, and in the settings (HAPTIK_BUSINESS_ID or `business_id` in endpoints.yml; user_name has "
        'no setting). Pass it with each message: {"metadata": {"user_name": "…", "business_id": 343}}. Users '
        "whom only Rasa knows are registered with Haptik where HAPTIK_MESSENGER_URL and REDIS_URL are set.",
        conversation.sender_id,
        " and no usable ".join(names),
    )
