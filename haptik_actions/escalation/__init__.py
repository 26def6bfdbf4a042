"""From a failure to a receipt: who the user is, which team gets the chat, whether Haptik confirmed it, what to tell.

Knows nothing of rasa_sdk: `haptik_actions.actions` translates trackers and events.
"""

from haptik_actions.escalation._breaker import BreakerRule, Breakers, BreakerState, SharedBreakers
from haptik_actions.escalation._brief import Brief, Briefing, BriefRules, Sink
from haptik_actions.escalation._completion import CompletedChat, CompletedChats
from haptik_actions.escalation._conversation import (
    RECEIPT_SLOT,
    Conversation,
    HandOffRequested,
    Identity,
    NotUnderstood,
    Receipt,
)
from haptik_actions.escalation._delivery import Delivery
from haptik_actions.escalation._domain import DomainFinding, advice_on_channels, advice_on_domain, check_domain
from haptik_actions.escalation._engine import Engine, load_settings
from haptik_actions.escalation._escalator import Escalation, Escalator
from haptik_actions.escalation._handoff_plan import DEFAULTS, Failure, HandOffOptions
from haptik_actions.escalation._metrics import Metrics, PrometheusMetrics, SafeMetrics
from haptik_actions.escalation._outbox import Entry, HandOff, MemoryOutbox, Opening, Outbox, Terms, Ticket, Unreadable
from haptik_actions.escalation._outbox_redis import RedisOutbox
from haptik_actions.escalation._resilient import ResilientOutbox
from haptik_actions.escalation._slot import Finding, read_options

__all__ = [
    "DEFAULTS",
    "RECEIPT_SLOT",
    "BreakerRule",
    "BreakerState",
    "Breakers",
    "Brief",
    "BriefRules",
    "Briefing",
    "CompletedChat",
    "CompletedChats",
    "Conversation",
    "Delivery",
    "DomainFinding",
    "Engine",
    "Entry",
    "Escalation",
    "Escalator",
    "Failure",
    "Finding",
    "HandOff",
    "HandOffOptions",
    "HandOffRequested",
    "Identity",
    "MemoryOutbox",
    "Metrics",
    "NotUnderstood",
    "Opening",
    "Outbox",
    "PrometheusMetrics",
    "Receipt",
    "RedisOutbox",
    "ResilientOutbox",
    "SafeMetrics",
    "SharedBreakers",
    "Sink",
    "Terms",
    "Ticket",
    "Unreadable",
    "advice_on_channels",
    "advice_on_domain",
    "check_domain",
    "load_settings",
    "read_options",
]
