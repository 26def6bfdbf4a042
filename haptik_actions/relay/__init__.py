"""The relay: an agent's words reach the user of a Rasa conversation, and the user's words reach the agent on Haptik.

It is plain asyncio over Redis and `HaptikClient`, and knows neither Rasa nor Sanic: a `Host` does what concerns users.
See docs/relay.md.
"""

from haptik_actions.relay._host import Ending, FromUser, Host, How, InboxMessage, LedgerRow, Reach, Saying, UserAway
from haptik_actions.relay._link import HAPTIK_CHANNEL, AfterAgent, Link, LinkState, conversation_id
from haptik_actions.relay._link_store import RelayStore
from haptik_actions.relay._platform_events import PlatformEvent, UnreadableEvent, is_signed, read_event
from haptik_actions.relay._relay import Relay

__all__ = [
    "HAPTIK_CHANNEL",
    "AfterAgent",
    "Ending",
    "FromUser",
    "Host",
    "How",
    "InboxMessage",
    "LedgerRow",
    "Link",
    "LinkState",
    "PlatformEvent",
    "Reach",
    "Relay",
    "RelayStore",
    "Saying",
    "UnreadableEvent",
    "UserAway",
    "conversation_id",
    "is_signed",
    "read_event",
]
