"""The names of the platform's APIs, as faults, the journal and its assertions use them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, get_args

from haptik_actions.errors import ConfigurationError

__all__ = ["Endpoint", "check_endpoint"]

Endpoint = Literal[
    "send_chat_to_agent",
    "get_chat_history",
    "create_faq_nodes",
    "faq_task",
    "create_user",
    "update_user",
    "log_message_from_user",
    "log_file_from_user",
    "log_feedback_from_user",
    "enable_webhook",
]
"""`get_chat_history` and `send_chat_to_agent` mean both of their versions."""


def check_endpoint(name: object) -> None:
    """Raise `ConfigurationError` for a name that no API has; it names the nearest one."""
    known = get_args(Endpoint)
    if name not in known:
        near = get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"endpoint: no API is called {name!r}.{hint} Known are {', '.join(known)}")
