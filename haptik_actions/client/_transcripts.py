"""`get_chat_history`, v1.0 and v2.0: both become the same `Transcript`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Literal
from urllib.parse import urlencode

import msgspec

from haptik_actions._from_outside import JsonObject
from haptik_actions.client._call import Call, number, text
from haptik_actions.client._replies import check_reply, unexpected
from haptik_actions.client._transport import Reply
from haptik_actions.errors import ConfigurationError, UnexpectedResponse

__all__ = ["ChatMessage", "Transcript", "Version", "history_call", "read_text", "read_transcript"]

Version = Literal["1.0", "2.0"]
Sender = Literal["bot", "user", "agent"]

_V1_AGENT = re.compile(r"agent\((.*)\)", re.DOTALL)


class ChatMessage(msgspec.Struct, frozen=True):
    """One message of a chat.

    `sender` is `bot`, `user` or `agent`; `agent_name` is set for agents. An agent who is called "bot" or "user" cannot
    be told apart in v2.0. `raw` is the platform's own object, with keys that are unknown here. `sent_at` is the
    platform's text for the time; `timestamp` reads it.
    """

    text: str
    sender: Sender
    agent_name: str | None
    message_id: int
    sent_at: str
    raw: JsonObject

    @property
    def timestamp(self) -> datetime:
        """The time in UTC, read from text such as `06/22/20 07:24:25 AM UTC`.

        Raises:
            UnexpectedResponse: the platform's text is not of that form.
        """
        return _timestamp(self.sent_at)


class Transcript(msgspec.Struct, frozen=True):
    """The messages of one conversation, in the platform's order."""

    messages: tuple[ChatMessage, ...]


class _Row(msgspec.Struct):
    text: str | None
    sender: str
    message_id: int
    timestamp: str


def history_call(
    *,
    version: Version,
    conversation_no: object,
    user_name: object,
    business_id: object,
    pxut: object,
    limit: object,
    response_type: Literal["json", "text"],
) -> Call:
    """Return the call; what is None is left out.

    Raises:
        ConfigurationError: the version is unknown, or neither group of parameters is whole; names what is missing.
    """
    if version not in ("1.0", "2.0"):
        raise ConfigurationError(f'version is {version!r} and must be "1.0" or "2.0".')
    query = {
        **_who(version, user_name, business_id, pxut),
        "conversation_no": number("conversation_no", conversation_no),
    }
    if limit is not None:
        query["limit"] = _positive("limit", limit)
    query["response_type"] = response_type
    if version == "1.0":
        # The documentation of v1.0 spells it so. Whichever of the two the platform reads, it finds it.
        query["respose_type"] = response_type
    endpoint = f"/integration/external/v{version}/get_chat_history/"
    return Call(method="GET", endpoint=endpoint, query=urlencode(query))


def _who(version: str, user_name: object, business_id: object, pxut: object) -> dict[str, str | int]:
    if user_name is not None or business_id is not None or version == "1.0" or pxut is None:
        for name, value in (("user_name", user_name), ("business_id", business_id)):
            if value is None:
                other = "" if version == "1.0" else ", or pxut in place of both"
                raise ConfigurationError(f"{name} is missing: a transcript takes user_name and business_id{other}.")
        return {"user_name": text("user_name", user_name), "business_id": number("business_id", business_id)}
    return {"pxut": text("pxut", pxut)}


def _positive(name: str, value: object) -> int:
    count = number(name, value)
    if count < 1:
        raise ConfigurationError(f"{name} is {count} and must be 1 or more, or left out.")
    return count


def read_transcript(version: Version) -> Callable[[str, Reply, Callable[[str], str]], Transcript]:
    """Return what reads a reply of that version as a `Transcript`."""
    who = _sender_v1 if version == "1.0" else _sender_v2

    def read(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> Transcript:
        rows = check_reply(endpoint, reply, hide=hide).get("chat_json")
        try:
            typed = msgspec.convert(rows, list[_Row], strict=False)
        except msgspec.ValidationError as error:
            raise unexpected(endpoint, reply, f"in which chat_json is not as documented: {error}") from error
        return Transcript(tuple(_message(row, raw, who) for row, raw in zip(typed, rows or (), strict=True)))

    return read


def read_text(endpoint: str, reply: Reply, hide: Callable[[str], str]) -> str:
    """Read a reply of response type `text`."""
    words = check_reply(endpoint, reply, hide=hide).get("chat_text")
    if not isinstance(words, str):
        raise unexpected(endpoint, reply, "without the documented text `chat_text`")
    return words


def _message(row: _Row, raw: JsonObject, who: Callable[[str], tuple[Sender, str | None]]) -> ChatMessage:
    sender, agent_name = who(row.sender)
    return ChatMessage(row.text or "", sender, agent_name, row.message_id, row.timestamp, raw)


def _sender_v1(sender: str) -> tuple[Sender, str | None]:
    match = _V1_AGENT.fullmatch(sender)
    return ("agent", match[1]) if match else _sender_v2(sender)


def _sender_v2(sender: str) -> tuple[Sender, str | None]:
    if sender == "bot":
        return "bot", None
    return ("user", None) if sender == "user" else ("agent", sender)


def _timestamp(value: str) -> datetime:
    try:
        clock, half, zone = value.strip().rsplit(" ", 2)
        # Without %p, whose words depend on the process's locale; %I alone reads 12 as 0.
        at = datetime.strptime(clock, "%m/%d/%y %I:%M:%S").replace(tzinfo=timezone.utc)
        afternoon = {"AM": 0, "PM": 12}[half.upper()]
    except (ValueError, KeyError) as error:
        raise UnexpectedResponse(f"The time {value[:60]!r} is not of the form 06/22/20 07:24:25 AM UTC.") from error
    if zone != "UTC":
        raise UnexpectedResponse(f"The time {value[:60]!r} is not in UTC.")
    return at + timedelta(hours=afternoon)
