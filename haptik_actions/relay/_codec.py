"""How links and entries of queues are written: links member by member as JSON, entries as MessagePack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from cachetools import TTLCache

from haptik_actions._log import get_logger
from haptik_actions.relay._link import Link

__all__ = ["Queued", "decode_link", "members_of", "read_link", "to_json"]

logger = get_logger(__name__)

to_json = msgspec.json.encode

# It is looked at with each of the user's messages, and is worth a line a minute.
_told: TTLCache[str, bool] = TTLCache(1000, 60.0)


class Queued(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What waits for a user.

    `what` is `message` (of an agent or the platform: `body`), `assigned` (an agent is here), `ended`, or `own` (a
    sentence of the relay's under `key`, with the choice to wait or go back where `choice`).
    """

    what: Literal["message", "assigned", "ended", "own"]
    id: int | None = None
    at: float = 0.0
    name: str | None = None
    automated: bool = False
    body: Any = None
    key: str | None = None
    choice: bool = False
    left: bool = False
    conversation_no: int | None = None
    completion_type: str | None = None
    completion_by: str | None = None
    reason: str | None = None


def members_of(link: Link, *names: str) -> list[Any]:
    """Return member, JSON, member, JSON, … of `names`."""
    return [word for name in names for word in (name, to_json(getattr(link, name)))]


def read_link(id_: str, answer: Mapping[Any, Any] | Sequence[Any] | None) -> Link | None:
    """Return the link `id_` of an answer of Redis to HGETALL, None for an empty one or one that cannot be read."""
    if not answer:
        return None
    pairs = answer.items() if isinstance(answer, Mapping) else zip(answer[::2], answer[1::2], strict=True)
    members = b",".join(b'"%s":%s' % (_bytes(name), _bytes(value)) for name, value in pairs)
    return decode_link(id_, b"{" + members + b"}")


def decode_link(id_: str, written: bytes | str) -> Link | None:
    """Return the link `id_` that is written as one JSON object, None for one that cannot be read."""
    try:
        return msgspec.json.decode(written, type=Link)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if id_ not in _told:
            _told[id_] = True
            logger.error(
                "The link of conversation %s cannot be read (%s). Another version wrote it, or it is damaged: what is "
                "said there waits. Give the conversation to the newer version, or delete the key that ends in link:%s.",
                *(id_, error, id_),
            )
        return None


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else value
