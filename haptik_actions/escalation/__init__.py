"""From a failure to a receipt: who the user is, which team gets the chat, whether Haptik confirmed it, what to tell.

Knows nothing of rasa_sdk: `haptik_actions.actions` translates trackers and events.
"""

from haptik_actions.escalation._conversation import Conversation, Identity
from haptik_actions.escalation._delivery import Delivery, HandOff
from haptik_actions.escalation._escalator import Escalation, Escalator, Failure
from haptik_actions.escalation._options import HandOffOptions, read_options
from haptik_actions.escalation._receipt import Receipt

__all__ = [
    "Conversation",
    "Delivery",
    "Escalation",
    "Escalator",
    "Failure",
    "HandOff",
    "HandOffOptions",
    "Identity",
    "Receipt",
    "read_options",
]
