"""The domain's slot `haptik`: how actions are guarded, and which team, which countdown, which copy a hand-off has.

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
      deadline: 8               # seconds that an action may take
      idempotent: false         # true: the action may be run again after a failure
      retry: 2                  # how often, within the deadline
      breaker: orders_api       # actions with one name fail at once while its integration is down
      limit: 30                 # hand-offs a minute that reach the team; the others wait behind
      episode: 12               # hours in which a chat that waits for an agent is not handed over again
      messages:                 # message keys per receipt; left out: the plugin's own
        connected: haptik_handoff_connected
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
    """How to guard an action and hand over its chat.

    None (and a key that `messages` lacks) means: not said here, ask the next layer. `deadline` is in seconds, `retry` a
    number of repetitions, `limit` hand-offs a minute, `episode` hours.
    """

    team: str | None = None
    countdown: int | None = None
    pause: bool | None = None
    locale: str | None = None
    deadline: float | None = None
    retry: int | None = None
    idempotent: bool | None = None
    breaker: str | None = None
    limit: int | None = None
    episode: float | None = None
    messages: Mapping[str, str] = field(default_factory=dict)

    def over(self, other: HandOffOptions) -> HandOffOptions:
        """Return these options, completed by `other` where these say nothing."""
        said = {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}
        return replace(other, **{**said, "messages": {**other.messages, **self.messages}})

    def message_key(self, state: str) -> str:
        """Return the message key for a receipt's state."""
        return self.messages.get(state, default_key(state))


DEFAULTS = HandOffOptions(pause=True, deadline=8.0, retry=2, idempotent=False, limit=30, episode=12.0)
"""What holds where nobody says anything. Rasa itself would wait 300 s for an action."""


def default_key(state: str) -> str:
    """Return the plugin's own message key for a receipt's state."""
    return f"haptik_handoff_{state}"


class SlotReader:
    """Reads the slot `haptik`. A mistake is logged once with its path, its default is used, the bot goes on."""

    def __init__(self) -> None:
        # The slot travels with every call and hardly ever changes: read, and complained about, once per content.
        self._slots: LRUCache[bytes, _Slot] = LRUCache(maxsize=64)
        self._plans: dict[tuple[bytes, str, int], tuple[HandOffOptions, HandOffOptions]] = {}

    def plan(self, slot: Any, action: str, in_code: HandOffOptions) -> HandOffOptions:
        """Return what holds for an action: its entry in the slot, what its code says, the slot's own keys, defaults."""
        content = msgspec.json.encode(slot, enc_hook=repr)
        key = (content, action, id(in_code))
        known = self._plans.get(key)
        if known is not None and known[0] is in_code:
            return known[1]
        if content not in self._slots:
            self._slots[content] = _parse(slot)
        read = self._slots[content]
        plan = read.actions.get(action, _NOTHING).over(in_code).over(read.general).over(DEFAULTS)
        if len(self._plans) >= 1000:
            self._plans.clear()
        self._plans[key] = (in_code, plan)
        return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    general: HandOffOptions = field(default_factory=HandOffOptions)
    actions: Mapping[str, HandOffOptions] = field(default_factory=dict)


_NOTHING = HandOffOptions()


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


def _parse(slot: Any) -> _Slot:
    if slot is None:
        return _Slot()
    if not isinstance(slot, Mapping):
        logger.error("Domain: %s is %s and must be a mapping; the defaults are used.", _SLOT, _shown(slot))
        return _Slot()
    general = _section({name: value for name, value in slot.items() if name != "actions"}, _SLOT)
    actions = slot.get("actions") or {}
    if not isinstance(actions, Mapping):
        logger.error("Domain: %s.actions is %s and must be a mapping; it is ignored.", _SLOT, _shown(actions))
        actions = {}
    return _Slot(
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


def _between(low: float, high: float, what: str, *, whole: bool = True) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # gRPC makes 5.0 of 5.
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not low <= value <= high or (whole and value != int(value)):
            raise _Mistake(f"{what} from {low:g} to {high:g}", value)
        return int(value) if whole else float(value)

    return check


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
    "countdown": _between(5, 10, "a whole number of seconds"),
    "pause": _flag,
    "locale": _text,
    "deadline": _between(0.1, 250, "a number of seconds", whole=False),
    "retry": _between(0, 10, "a whole number"),
    "idempotent": _flag,
    "breaker": _text,
    "limit": _between(1, 100_000, "a whole number of hand-offs a minute"),
    "episode": _between(0.01, 720, "a number of hours", whole=False),
    "messages": _messages,
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
