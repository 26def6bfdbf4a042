"""The message store: every sentence that a user reads, in Redis, where people edit it.

One Redis string per message, `haptik:messages:<locale>:<key>`, for example

    SET haptik:messages:en:haptik_handoff_connected "One moment, I am getting you a colleague."
"""

from haptik_actions.messages._defaults import PACKAGED_LOCALE, packaged_copy
from haptik_actions.messages._store import MessageStore
from haptik_actions.messages._template import Template

__all__ = ["PACKAGED_LOCALE", "MessageStore", "Template", "packaged_copy"]
