"""The message store: every sentence that a user reads, in Redis, where people edit it.

One Redis string per message, `haptik:messages:<locale>:<key>`, for example

    SET haptik:messages:en:haptik_handoff_connected "One moment, I am getting you a colleague."

`MessageStore` reads it for bots.
"""

from haptik_actions.messages._defaults import packaged_copy
from haptik_actions.messages._finding import Finding
from haptik_actions.messages._health import Health
from haptik_actions.messages._store import MessageStore
from haptik_actions.messages._template import Template
from haptik_actions.messages._value import Message, Variation

__all__ = ["Finding", "Health", "Message", "MessageStore", "Template", "Variation", "packaged_copy"]
