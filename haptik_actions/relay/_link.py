"""The link: what ties a conversation of Rasa to a chat of Haptik, and how far the hand-off between them is.

In Redis it is a hash with each member as JSON, read and written here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec
from cachetools import TTLCache

from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger

__all__ = [
    *("HAPTIK_CHANNEL", "AfterAgent", "Link", "LinkState", "conversation_id", "decode_link", "is_conversation_id"),
    *("members_of", "read_link", "to_json"),
]

logger = get_logger(__name__)

to_json = msgspec.json.encode

# It is looked at with each of the user's messages, and is worth a line a minute.
_told: TTLCache[str, bool] = TTLCache(1000, 60.0)

HAPTIK_CHANNEL = "haptik"
"""The name of the channel whose users Haptik itself reaches: it brings them the agent's words, we only note them."""

LinkState: TypeAlias = Literal["bot", "asked", "agent", "ended"]
"""`bot`: being handed over, not confirmed yet. `asked`: handed over, no agent yet. `agent`: an agent has the chat.
`ended`: it was handed over once, and the bot has it again."""

_DIGITS = 24
_OURS = re.compile(f"r[0-9a-f]{{{_DIGITS}}}")


def conversation_id(channel: str, sender_id: str) -> str:
    """Return the id of a conversation: `r` and 24 hexadecimal digits, always the same for the same pair.

    It is also the `auth_id` under which users of Rasa's channels are registered with Haptik, which wants it
    alphanumeric. So an event that names the `auth_id` leads to its conversation without a look into an index.
    """
    name, sender = channel.encode(errors="surrogatepass"), sender_id.encode(errors="surrogatepass")
    # The length goes first: without it ("ab", "c") and ("a", "bc") would be one conversation.
    return "r" + hashlib.sha256(b"%d:%s%s" % (len(name), name, sender)).hexdigest()[:_DIGITS]


def is_conversation_id(text: str) -> bool:
    """Tell whether a text has the form of our ids. Haptik's own are of other forms."""
    return _OURS.fullmatch(text) is not None


class AfterAgent(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot does when it has the conversation back: the domain's slot `haptik`, key `after_agent`.

    `trigger` is the intent that is triggered, None for none. `reset` is `form` for the slots of the form that was
    handed over, `none`, or the names of slots.
    """

    trigger: str | None = None
    reset: Literal["form", "none"] | tuple[str, ...] = "form"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation of Rasa and its chat with Haptik. Times are Unix seconds.

    Attributes:
        id: `conversation_id(channel, sender_id)`.
        channel: The name of Rasa's input channel.
        sender_id: Who the user is there.
        business_id: The business on Haptik.
        user_name: Haptik's name for the user: from metadata or a slot, or learnt from the first event.
        auth_id: Ours (the `id`) once the user is registered, or Haptik's own; None while nobody knows it.
        state: How far the hand-off is.
        closing: The chat has ended, and the user has not been told yet. What they write meanwhile is for the bot.
        paused: The hand-off paused Rasa's conversation.
        receipt: The id of the hand-off (`Receipt.id`). A new one is a new episode.
        teams: The teams to move the chat to, in the order in which they are tried.
        countdown: Seconds that the platform counts down first, None for its own.
        moved: The chat has been moved to a team, or does not have to be.
        opened_at: When this episode was opened.
        agent: The name of the agent who has the chat, or had it; None where there was none in this episode.
        conversation_no: Haptik's number of the conversation, where it is known.
        assign_within: Seconds after which the user is told that nobody has come yet; None for never.
        locale: The user's language tag.
        form: The form that was active when the conversation was handed over.
        after_agent: What the bot does when it has the conversation back.
        token: What the user's client shows to read the inbox; cannot be guessed. The store makes it.
        return_address: What the channel needs to reach the user again after a restart; the host's own business.
    """

    id: str
    channel: str
    sender_id: str
    business_id: int
    user_name: str | None = None
    auth_id: str | None = None
    state: LinkState = "bot"
    closing: bool = False
    paused: bool = False
    receipt: str = ""
    teams: tuple[str, ...] = ()
    countdown: int | None = None
    moved: bool = False
    opened_at: float = 0.0
    agent: str | None = None
    conversation_no: int | None = None
    assign_within: float | None = None
    locale: str | None = None
    form: str | None = None
    after_agent: AfterAgent = AfterAgent()
    token: str = ""
    return_address: JsonObject = {}

    @classmethod
    def of(cls, channel: str, sender_id: str, business_id: int, **members: Any) -> Link:
        """Return the link of a conversation, with its `id` filled in."""
        id_ = conversation_id(channel, sender_id)
        return cls(id=id_, channel=channel, sender_id=sender_id, business_id=business_id, **members)

    @property
    def holds(self) -> bool:
        """Tell whether what the user writes goes to the agent, and is kept from Rasa."""
        return self.state == "agent" or (self.state == "asked" and self.paused)


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
