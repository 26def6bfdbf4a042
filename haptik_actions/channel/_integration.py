"""Haptik's integration request, which a node of a Haptik bot sends when it calls this bot, and the answer to it.

Pure; knows no Rasa. Names of fields are those of Haptik's documentation, "Integrating custom code". The request may
gain members at any time, and what it may leave out may be of a wrong type: neither is an error here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger

__all__ = [
    "DETAILS_SLOTS",
    "MOST_BYTES",
    "MOST_DEPTH",
    "MOST_DETAILS",
    "STATUS_SLOT",
    "Answer",
    "Details",
    "IntegrationRequest",
    "Mention",
    "NoRequest",
    "details_of",
    "read_request",
]

logger = get_logger(__name__)

MOST_BYTES = 1_000_000
"""No documented request comes near this."""
MOST_DEPTH = 32
"""Objects and lists inside of each other. What goes into a conversation is written and read by recursion later on."""

_UTTERANCE = "feedback_regex"
"""The entity by which a gateway node catches everything that the user says."""
_LONGEST_NAME = 200
"""A conversation's id has at most 255 characters in Rasa's SQL tracker store."""
_USER_KEYS = ("user_id", "full_name", "device_platform", "language_code", "auth_id")
_DETAIL_MEMBERS = ("conversation_details", "user_details")
MOST_DETAILS = 500
"""Characters of both objects together. Haptik's pages disagree (500, 2,500 and 200); one of them promises this."""

STATUS_SLOT = "haptik_status"
DETAILS_SLOTS: Mapping[str, str] = {
    "haptik_conversation_details": "conversation_details",
    "haptik_user_details": "user_details",
}
"""The slot, and the member of the answer that its value becomes."""


class NoRequest(ValueError):
    """The body is no integration request. The text says what is wrong with it and holds nothing of what it says."""


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """One value of an entity.

    `detection` says where Haptik found it: `message`, `structured value`, `fallback value`, `user_profile`, `default`.
    """

    value: str | int | float | bool
    original_text: str = ""
    detection: str = ""


class IntegrationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An integration request, read.

    `user` holds `user_id`, `full_name`, `device_platform`, `language_code` and `auth_id` as far as they are there.
    The request's `auth_code` and `env_variables` are not kept: they may be secrets, and conversations are stored.
    """

    user_name: str
    node: str = ""
    business_id: int | None = None
    conversation_no: int | None = None
    user: Mapping[str, Any] = {}
    entities: Mapping[str, tuple[Mention, ...]] = {}
    conversation_details: Mapping[str, Any] = {}
    user_details: Mapping[str, Any] = {}

    @property
    def sender_id(self) -> str:
        """The id of the conversation in Rasa: one for each business and user, such as `haptik-343-9f0c2b7a51`."""
        return f"haptik-{'' if self.business_id is None else self.business_id}-{self.user_name}"

    def text(self, intents: Collection[str] = ()) -> str:
        """Return what Rasa reads as the user's message.

        A gateway node brings the whole utterance. Another node has understood the user already: where one of the
        `intents` of the bot has its name, that intent with the entities, in Rasa's form `/intent{"entity": "value"}`.
        Where none has, the words in which Haptik found the entities, and the node's name where there are no words.
        """
        for mention in self.entities.get(_UTTERANCE, ()):
            return mention.original_text if isinstance(mention.value, bool) else str(mention.value)
        if self.node in intents:
            return f"/{self.node}{_arguments(self.entities)}"
        words = [mention.original_text for mention in _said(self.entities) if mention.original_text]
        return " ".join(dict.fromkeys(words)) or self.node

    def metadata(self) -> JsonObject:
        """Return the metadata of the user's message in Rasa: a flat object of what is known, `user_name` among it."""
        known: JsonObject = {"user_name": self.user_name, "node": self.node, **self.user}
        if self.business_id is not None:
            known["business_id"] = self.business_id
        if self.conversation_no is not None:
            known["conversation_no"] = self.conversation_no
        known["entities"] = {name: [msgspec.to_builtins(one) for one in found] for name, found in self.entities.items()}
        return {**known, **{name: dict(getattr(self, name)) for name in _DETAIL_MEMBERS}}


def read_request(body: bytes, business_id: int | None = None) -> IntegrationRequest:
    """Read the body of an integration request; `business_id` is that of its address, since the body has none.

    Raises:
        NoRequest: it is no JSON object, is nested too deeply, or names no user.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise NoRequest("the body is no JSON") from None
    if not isinstance(found, dict):
        raise NoRequest(f"the body is no JSON object but {type(found).__name__}")
    if is_deep(found, MOST_DEPTH):
        raise NoRequest(f"the body has more than {MOST_DEPTH} objects and lists inside of each other")
    user = _object(found.get("user"))
    return IntegrationRequest(
        user_name=_user_name(user.get("user_name")),
        node=_text(found.get("node")) or _text(found.get("step")),
        business_id=business_id,
        conversation_no=_number(found.get("conversation_no")),
        user={key: user[key] for key in _USER_KEYS if user.get(key) not in (None, "") and _is_plain(user[key])},
        entities=dict(_entities(_object(found.get("entities")))),
        conversation_details=_object(found.get("conversation_details")),
        user_details=_object(found.get("user_details")),
    )


def is_deep(value: object, most: int) -> bool:
    """Tell whether more than `most` objects and lists stand inside of each other. Needs no recursion."""
    level: list[Any] = [value]
    for _ in range(most + 1):
        level = [inner for outer in level for inner in _inner(outer) if isinstance(inner, (dict, list))]
        if not level:
            return False
    return True


def _inner(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _user_name(value: object) -> str:
    name = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not name:
        raise NoRequest("it names no user: `user.user_name` is missing or no text")
    if len(name) > _LONGEST_NAME:
        raise NoRequest(f"`user.user_name` has more than {_LONGEST_NAME} characters")
    return name


def _entities(entities: Mapping[str, object]) -> Iterator[tuple[str, tuple[Mention, ...]]]:
    for name, values in entities.items():
        found = tuple(_mentions(values if isinstance(values, list) else [values]))
        if found:
            yield name, found


def _mentions(values: list[Any]) -> Iterator[Mention]:
    for entry in values:
        members = entry if isinstance(entry, dict) else {"entity_value": entry}
        original = _text(members.get("original_text"))
        value = _value(members.get("entity_value"), original)
        if value != "":
            yield Mention(value=value, original_text=original, detection=_text(members.get("detection")))


def _value(value: Any, original: str) -> str | int | float | bool:
    """An entity's value: itself, the member `value` of an object, and where there is none the user's own words."""
    if isinstance(value, dict):
        value = value.get("value")
    return value if _is_plain(value) and value != "" else original


def _said(entities: Mapping[str, tuple[Mention, ...]]) -> Iterator[Mention]:
    return (mention for found in entities.values() for mention in found if mention.detection == "message")


def _arguments(entities: Mapping[str, tuple[Mention, ...]]) -> str:
    values = {name: [mention.value for mention in found] for name, found in entities.items()}
    flat = {name: found[0] if len(found) == 1 else found for name, found in values.items()}
    return msgspec.json.encode(flat).decode() if flat else ""


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _number(value: object) -> int | None:
    """A whole number, also one that was written as a text or, by JSON of floats, as 2.0."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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


def details_of(slots: Mapping[str, object]) -> Details:
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


def _checked(slot: str, value: object) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        logger.error("Slot %s is left out of the answer to Haptik: an object is wanted, not %s.", slot, _kind(value))
        return None
    if _size(value) is None:
        logger.error("Slot %s is left out of the answer to Haptik: it holds what is no JSON.", slot)
        return None
    return _strings(slot, value) if slot == "haptik_user_details" else value


def _strings(slot: str, value: Mapping[str, object]) -> JsonObject:
    """The platform keeps user details as strings, for ever."""
    for key, member in value.items():
        if isinstance(member, (Mapping, list)):
            logger.error("%s of slot %s is left out of the answer to Haptik: a text is wanted.", key, slot)
    kept = {key: member for key, member in value.items() if not isinstance(member, (Mapping, list))}
    return {key: member if isinstance(member, str) else json.dumps(member) for key, member in kept.items()}


def _size(value: object) -> int | None:
    """How many characters it has as JSON; None where it is none."""
    try:
        # With escapes, as the platform may count: a reading that is too strict loses less than one that is too lax.
        return len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _kind(value: object) -> str:
    return type(value).__name__
