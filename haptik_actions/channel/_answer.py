"""The answer to an integration request, as Haptik's documentation wants it. Pure; knows no Rasa."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from haptik_actions._log import get_logger

__all__ = ["DETAILS_SLOTS", "MOST_DETAILS", "STATUS_SLOT", "Answer", "Details", "details_of"]

logger = get_logger(__name__)

MOST_DETAILS = 500
"""Characters of both objects together. Haptik's pages disagree (500, 2,500 and 200); one of them promises this."""

STATUS_SLOT = "haptik_status"
DETAILS_SLOTS: Mapping[str, str] = {
    "haptik_conversation_details": "conversation_details",
    "haptik_user_details": "user_details",
}
"""The slot, and the member of the answer that its value becomes."""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What slots add to an answer.

    `status` is the answer's: at an end node `true` completes the chat, `false` leaves it with the bot. `objects` are
    `conversation_details` and `user_details`, as far as slots hold them and there is room.
    """

    status: bool = True
    objects: Mapping[str, Mapping[str, Any]] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: strings, each of them text or an element of HSL as JSON. At least one; none is a bot break."""

    response: Sequence[str]
    details: Details = Details()

    def to_json(self) -> bytes:
        """Return the body."""
        # json, not msgspec: that refuses lone surrogates, and a user would read nothing for one of them.
        members = {"status": self.details.status, "response": list(self.response), **self.details.objects}
        return json.dumps(members).encode()


def details_of(slots: Mapping[str, Any]) -> Details:
    """Return what the slots `haptik_status`, `haptik_conversation_details` and `haptik_user_details` add to an answer.

    What the platform could not keep is left out, with a line in the log that names the slot and never its values.
    """
    status = slots.get(STATUS_SLOT)
    objects: dict[str, Mapping[str, Any]] = {}
    room = MOST_DETAILS
    for slot, member in DETAILS_SLOTS.items():
        value = _checked(slot, slots.get(slot))
        size = _size(value)
        if not value or size is None:
            continue
        if size > room:
            logger.error(
                "Slot %s is left out of the answer to Haptik: it has %d characters as JSON, and there is room for %d "
                "(both details together may have %d).",
                *(slot, size, room, MOST_DETAILS),
            )
            continue
        objects[member], room = value, room - size
    return Details(status=status if isinstance(status, bool) else True, objects=objects)


def _checked(slot: str, value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        logger.error("Slot %s is left out of the answer to Haptik: an object is wanted, not %s.", slot, _kind(value))
        return None
    if _size(value) is None:
        logger.error("Slot %s is left out of the answer to Haptik: it holds what is no JSON.", slot)
        return None
    return _strings(slot, value) if slot == "haptik_user_details" else value


def _strings(slot: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The platform keeps user details as strings, for ever."""
    for key, member in value.items():
        if isinstance(member, (Mapping, list)):
            logger.error("%s of slot %s is left out of the answer to Haptik: a text is wanted.", key, slot)
    kept = {key: member for key, member in value.items() if not isinstance(member, (Mapping, list))}
    return {key: member if isinstance(member, str) else json.dumps(member) for key, member in kept.items()}


def _size(value: Any) -> int | None:
    """How many characters it has as JSON; None where it is none."""
    try:
        # With escapes, as the platform may count: a reading that is too strict loses less than one that is too lax.
        return len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _kind(value: Any) -> str:
    return type(value).__name__
