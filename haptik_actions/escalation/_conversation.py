"""What a hand-off needs to know of a conversation: who its user is for Haptik, and how its last hand-off ended."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import Any, Literal

from haptik_actions._log import get_logger
from haptik_actions.config import Settings

__all__ = [
    "RECEIPT_SLOT",
    "STATES",
    "Conversation",
    "HandOffRequested",
    "Identity",
    "NotUnderstood",
    "Receipt",
    "State",
    "Turn",
    "identify",
]

logger = get_logger(__name__)


class HandOffRequested(Exception):
    """The user asked for an agent. Raise it in a guarded action: the receipt's `error` is None, the log has no
    traceback, and the user reads the copy of `haptik_request_…`."""


class NotUnderstood(HandOffRequested):
    """The bot did not understand. The user has not asked for an agent, and reads the copy of a failure."""


RECEIPT_SLOT = "haptik_handoff"
"""The slot of the bot that holds the receipt of the conversation's last hand-off."""

State = Literal["connected", "assigned", "delayed", "unavailable", "throttled", "duplicate"]
STATES: tuple[State, ...] = ("connected", "delayed", "unavailable", "throttled", "duplicate")
"""The states that a user is told of at once. `assigned` follows `connected` later; the relay tells users of that."""


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the slot `haptik_handoff` holds after a failure.

    `state` is `connected` (Haptik confirmed it), `assigned` (an agent has it, as the relay has heard), `delayed`
    (Haptik could not be reached; it is tried again), `throttled` (the team has had its share of chats this minute; it
    is delivered in its turn), `duplicate` (the chat waits for an agent already, under the receipt `id`) or
    `unavailable` (nothing accepts it).

    `error` is the class of what failed the action, None where the user asked for an agent, and `reason` the class of
    what kept Haptik from confirming; neither holds a message, which might be personal. `id` finds the log lines of
    this hand-off; `at` is the time in UTC, ISO 8601.
    """

    state: State
    action: str
    team: str | None = None
    error: str | None = None
    reason: str | None = None
    id: str = field(default_factory=partial(secrets.token_hex, 6))
    at: str = field(default_factory=_now)

    @classmethod
    def from_slot(cls, value: Any) -> Receipt | None:
        """Return the receipt that the slot holds; None where it holds none that can be read."""
        try:
            receipt = cls(**value)
            _ = receipt.began
        except (TypeError, ValueError, OverflowError):
            return None
        return receipt

    @property
    def began(self) -> float:
        """The time of the receipt in Unix seconds."""
        return datetime.fromisoformat(self.at).timestamp()

    def to_slot(self) -> dict[str, Any]:
        """Return the slot's value: a flat JSON object."""
        return asdict(self)


Turn = tuple[str, str]
"""Who said it (`user` or `bot`), and what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """The part of a tracker that a hand-off needs.

    `metadata` holds the metadata of the user's messages, the latest first: a turn that a reminder triggered has none of
    its own. `resumed_at` is when the bot last had the conversation back, in Unix seconds; 0 where it always had it.
    `ended` is the id of the last receipt before that, `running` of the last one since. `turns` are the last texts, in
    their order. `form` is the one that is active.
    """

    sender_id: str
    channel: str | None = None
    slots: Mapping[str, object] = field(default_factory=dict)
    metadata: Iterable[Mapping[str, object]] = ()
    resumed_at: float = 0.0
    ended: str | None = None
    running: str | None = None
    turns: Sequence[Turn] = ()
    form: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user as Haptik knows them: `user_name` from the integration request, and the number of the business.

    `user_name` is None where Haptik does not know the user yet; `full_name` is what it can be told then.
    """

    user_name: str | None
    business_id: int
    conversation_no: int | None = None
    full_name: str | None = None


def identify(conversation: Conversation, settings: Settings, *, registers: bool = False) -> Identity | None:
    """Return who the user is, from message metadata, then slots, then settings; None and a log line if that fails.

    With `registers` a user whom Haptik does not know can be registered there, and needs no `user_name`.
    """
    user_name = next(_texts(_candidates("user_name", conversation)), None)
    business_id = next(_numbers(_candidates("business_id", conversation)), settings.business_id)
    if (user_name is None and not registers) or business_id is None:
        _say_what_is_missing(conversation, user_name is None and not registers, business_id is None)
        return None
    return Identity(
        user_name=user_name,
        business_id=business_id,
        conversation_no=next(_numbers(_candidates("conversation_no", conversation)), None),
        full_name=next(_texts(_candidates("full_name", conversation)), None),
    )


def _candidates(name: str, conversation: Conversation) -> Iterator[object]:
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


def _texts(values: Iterator[object]) -> Iterator[str]:
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
        'no setting). Pass it with each message: {"metadata": {"user_name": "…", "business_id": 343}}. Users whom '
        "Haptik does not know can be registered there: that needs HAPTIK_MESSENGER_URL and REDIS_URL.",
        conversation.sender_id,
        " and no usable ".join(names),
    )
