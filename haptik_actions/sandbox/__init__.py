"""The Haptik platform in memory, for tests and demos.

    sandbox = Sandbox()                          # the packaged state; Sandbox.from_file("state.yaml") for one's own
    async with serve(sandbox) as base_url:       # http://127.0.0.1:<free port>
        ...
    sandbox.queue()                              # the chats that wait for an agent

It was written from the platform's documentation and uses nothing of `haptik_actions.client`, so that client and sandbox
cannot share a mistake. `docs/sandbox.md` marks every behaviour as documented or assumed.

Needs the extra `sandbox`; importing without it raises `haptik_actions.errors.ConfigurationError`.
"""

from __future__ import annotations

from haptik_actions.errors import ConfigurationError

try:
    from haptik_actions.sandbox._chats import Chat, Message
    from haptik_actions.sandbox._faq_csv import FaqNode
    from haptik_actions.sandbox._faults import Fault
    from haptik_actions.sandbox._journal import JournalEntry
    from haptik_actions.sandbox._node_calls import NodeCall
    from haptik_actions.sandbox._sandbox import Sandbox, serve
    from haptik_actions.sandbox._state import (
        Agent,
        Business,
        Domain,
        Habits,
        Node,
        Partner,
        SeedMessage,
        State,
        Team,
        User,
        Webhook,
    )
    from haptik_actions.sandbox._users import Feedback, Person
    from haptik_actions.sandbox._webhook import Event, EventTry, sign
except ModuleNotFoundError as missing:
    _package = (missing.name or "").partition(".")[0]
    if _package not in {"jinja2", "python_multipart", "starlette", "uvicorn"}:
        raise
    raise ConfigurationError(
        f'The sandbox needs the package {_package.replace("_", "-")}: pip install "haptik-actions[sandbox]"'
    ) from missing

__all__ = [
    "Agent",
    "Business",
    "Chat",
    "Domain",
    "Event",
    "EventTry",
    "FaqNode",
    "Fault",
    "Feedback",
    "Habits",
    "JournalEntry",
    "Message",
    "Node",
    "NodeCall",
    "Partner",
    "Person",
    "Sandbox",
    "SeedMessage",
    "State",
    "Team",
    "User",
    "Webhook",
    "serve",
    "sign",
]
