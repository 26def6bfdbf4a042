"""The domain's slot `haptik`: which team, which countdown, which copy.

slots:
  haptik:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
    initial_value:
      team: support             # a name from the Teams page of the Agent Chat Tool
      countdown: 5              # seconds until the chat enters the queue, 5 to 10; left out: the platform's 10
      pause: true               # pause the conversation after a confirmed hand-off
      locale: en                # of the copy; left out: the message's `language_code`, then the store's own
      messages:                 # message keys; left out: the plugin's own
        connected: haptik_handoff_connected
        delayed: haptik_handoff_delayed
        unavailable: haptik_handoff_unavailable
      actions:                  # the same keys again for single actions
        action_order_status: {team: orders}
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import msgspec
from cachetools import LRUCache

from haptik_actions.config import nearest
from haptik_actions.escalation._receipt import STATES

__all__ = ["HandOffOptions", "SlotReader", "default_key", "read_options"]

logger = logging.getLogger(__name__)

_SLOT = "slots.haptik.initial_value"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffOptions:
    """How to hand over. None (and a key that `messages` lacks) means: not said here, ask the next layer."""

    team: str | None = None
    countdown: int | None = None
    pause: bool | None = None
    locale: str | None = None
    messages: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: HandOffOptions) -> HandOffOptions:
        """Return these options, completed by `other` where these say nothing."""
        said = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        return replace(other, **{**said, "messages": {**other.messages, **self.messages}})

    def message_key(self, state: str) -> str:
        """Return the message key for a receipt's state."""
        return self.messages.get(state, default_key(state))


def default_key(state: str) -> str:
    """Return the plugin's own message key for a receipt's state."""
    return f"haptik_handoff_{state}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOptions:
    """The slot's content: options for every action, and for single ones by name."""

    general: HandOffOptions = field(default_factory=HandOffOptions)
    actions: Mapping[str, HandOffOptions] = field(default_factory=dict)

    def of_action(self, name: str) -> HandOffOptions:
        """Return what the slot says for this action alone."""
        return self.actions.get(name, HandOffOptions())


class SlotReader:
    """Reads the slot `haptik`. A mistake is logged once with its path, its default is used, the bot goes on."""

    def __init__(self) -> None:
        # The slot travels with every call and hardly ever changes: read, and complained about, once per content.
        self._known: LRUCache[bytes, SlotOptions] = LRUCache(maxsize=64)

    def read(self, slot: Any) -> SlotOptions:
        """Return the slot's options; None is an empty slot."""
        content = msgspec.json.encode(slot, enc_hook=repr)
        if content not in self._known:
            self._known[content] = _parse(slot)
        return self._known[content]


def read_options(values: Mapping[str, Any], path: str) -> tuple[HandOffOptions, list[str]]:
    """Return the usable part of `values`, and a sentence for each mistake that names its path below `path`."""
    mistakes: list[str] = []
    good: dict[str, Any] = {}
    for name, value in values.items():
        if name not in _CHECKS:
            mistakes.append(f"{path}.{name} is unknown and ignored.{nearest(str(name), list(_CHECKS))}")
        elif value is not None:
            try:
                good[name] = _CHECKS[name](value)
            except _Mistake as mistake:
                mistakes.append(f"{path}.{name}{mistake.below} is {_shown(mistake.value)} and must be {mistake}.")
                if mistake.rest:
                    good[name] = mistake.rest
    return HandOffOptions(**good), mistakes


def _parse(slot: Any) -> SlotOptions:
    if slot is None:
        return SlotOptions()
    if not isinstance(slot, Mapping):
        logger.error("Domain: %s is %s and must be a mapping; the defaults are used.", _SLOT, _shown(slot))
        return SlotOptions()
    general = _section({name: value for name, value in slot.items() if name != "actions"}, _SLOT)
    actions = slot.get("actions") or {}
    if not isinstance(actions, Mapping):
        logger.error("Domain: %s.actions is %s and must be a mapping; it is ignored.", _SLOT, _shown(actions))
        actions = {}
    return SlotOptions(
        general=general,
        actions={str(name): _section(values, f"{_SLOT}.actions.{name}") for name, values in actions.items()},
    )


def _section(values: Any, path: str) -> HandOffOptions:
    if not isinstance(values, Mapping):
        logger.error("Domain: %s is %s and must be a mapping; it is ignored.", path, _shown(values))
        return HandOffOptions()
    options, mistakes = read_options(values, path)
    for mistake in mistakes:
        logger.warning("Domain: %s", mistake)
    return options


class _Mistake(Exception):
    """`value` (at `below` the option's own path) is not what its text says; `rest` is what can be kept."""

    def __init__(self, must_be: str, value: Any, below: str = "", rest: Any = None) -> None:
        super().__init__(must_be)
        self.value, self.below, self.rest = value, below, rest


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Mistake("text", value)
    return value.strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Mistake("true or false", value)
    return value


def _countdown(value: Any) -> int:
    # gRPC makes 5.0 of 5.
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not 5 <= value <= 10:
        raise _Mistake("a whole number of seconds from 5 to 10", value)
    return int(value)


def _messages(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _Mistake("a mapping from receipt state to message key", value)
    good = {state: key for state, key in value.items() if state in STATES and isinstance(key, str) and key.strip()}
    for state, key in value.items():
        if state not in STATES:
            raise _Mistake(f"below one of {', '.join(STATES)}{nearest(str(state), STATES)}", key, f".{state}", good)
        if state not in good:
            raise _Mistake("a message key", key, f".{state}", good)
    return good


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "team": _text,
    "countdown": _countdown,
    "pause": _flag,
    "locale": _text,
    "messages": _messages,
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
