"""Did Haptik get it? What a transcript tells about words whose confirmation was lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from haptik_actions.client import ChatMessage, HaptikClient
from haptik_actions.errors import ApiError, UnexpectedResponse
from haptik_actions.relay._link import Link
from haptik_actions.relay._values import FromUser

__all__ = ["look_up"]

_CLOCKS_DIFFER = 5.0


async def look_up(
    client: HaptikClient, link: Link, words: FromUser, sent: int | None
) -> int | Literal["no", "unknown"]:
    """Return the platform's id of the user's words, `no` where it does not have them, `unknown` where nobody can tell.

    `sent` is the id of the last message that was confirmed: these words come behind it. Files cannot be told by a text.

    Raises:
        HaptikError: a temporary one; ask again.
    """
    if link.user_name is None or link.conversation_no is None or words.kind != "text":
        return "unknown"
    try:
        transcript = await client.get_chat_history(
            conversation_no=link.conversation_no, user_name=link.user_name, business_id=link.business_id
        )
    except ApiError as error:
        if error.temporary:
            raise
        return "unknown"
    found = [message.message_id for message in _candidates(transcript.messages, words, sent)]
    return min(found) if found else "no"


def _candidates(messages: Iterable[ChatMessage], words: FromUser, sent: int | None) -> Iterable[ChatMessage]:
    wanted = " ".join(words.text.split())
    for message in messages:
        if message.sender != "user" or " ".join(message.text.split()) != wanted:
            continue
        if message.message_id > sent if sent is not None else _is_recent(message, words):
            yield message


def _is_recent(message: ChatMessage, words: FromUser) -> bool:
    try:
        return message.timestamp.timestamp() >= words.at - _CLOCKS_DIFFER
    except UnexpectedResponse:
        return False
