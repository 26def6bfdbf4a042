"""What an agent may know of a conversation, in two forms: a brief to a sink, and the first message of an opened chat.

The platform's call has no field for context, so a brief goes to a sink that the code names; there is none by default.
Nothing leaves but what the domain says may be told:

    brief: {slots: [order_id, tier], turns: 4}

Texts and numbers are redacted: addresses of e-mail, and runs of six or more digits (cards, phones, accounts), become
`[…]`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.escalation._conversation import (
    Conversation,
    HandOffRequested,
    Identity,
    NotUnderstood,
    Receipt,
    Turn,
)
from haptik_actions.messages import MessageStore

__all__ = ["Brief", "BriefRules", "Briefing", "Sink", "opening_text"]

logger = get_logger(__name__)

_SINK_SECONDS = 5.0
_COPY_SECONDS = 2.0
_LONGEST_TEXT = 500
_LONGEST_OPENING = 4000
_TURN_KEYS = {"user": "haptik_relay_turn_user", "bot": "haptik_relay_turn_bot"}
# An address is looked for only where a word begins: a search from each character of a very long word would take long.
_PRIVATE = re.compile(r"(?<![^\s@<>])[^\s@<>]+@[^\s@<>]+\.\w+|\+?\d(?:[\s()./_\u2010-\u2015-]{0,3}\d){5,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefRules:
    """What may be told: the slots by name, and the number of last turns."""

    slots: tuple[str, ...] = ()
    turns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What an agent may know before they answer. `receipt` is the hand-off's id; `turns` are who and what, in order.

    `user_name` is empty where Haptik has just come to know the user.
    """

    receipt: str
    user_name: str
    business_id: int
    conversation_no: int | None
    team: str | None
    action: str
    error: str | None
    slots: Mapping[str, Any]
    turns: tuple[Turn, ...]

    def to_json(self) -> dict[str, object]:
        """Return the brief as plain values."""
        return asdict(self)


Sink = Callable[[Brief], Awaitable[None]]
"""Takes a brief to where agents read it: a ticket, a chat channel, a CRM."""


class Briefing:
    """Sends briefs to `sink` in the background: the user's answer never waits for it, and its failure is a log line."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._running: set[asyncio.Task[None]] = set()

    def send(self, receipt: Receipt, identity: Identity, conversation: Conversation, rules: BriefRules | None) -> None:
        """Send what the rules allow; nothing where there are no rules or no sink."""
        if self._sink is None or rules is None:
            return
        task = asyncio.get_running_loop().create_task(
            self._deliver(self._sink, receipt.id, lambda: _brief(receipt, identity, conversation, rules))
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def aclose(self) -> None:
        """Wait for what is on its way; each brief has a few seconds at most."""
        if self._running:
            # A sink that ignores its cancellation is not waited for any longer.
            await asyncio.wait(self._running, timeout=_SINK_SECONDS + 1)

    async def _deliver(self, sink: Sink, receipt: str, make: Callable[[], Brief]) -> None:
        try:
            async with deadline(_SINK_SECONDS):
                await sink(make())
        # `SystemExit` out of a task would end the server.
        except (Exception, asyncio.CancelledError, SystemExit):
            logger.exception("The agent's brief for hand-off %s was not delivered.", receipt)


def _brief(receipt: Receipt, identity: Identity, conversation: Conversation, rules: BriefRules) -> Brief:
    return Brief(
        receipt=receipt.id,
        user_name=identity.user_name or "",
        business_id=identity.business_id,
        conversation_no=identity.conversation_no,
        team=receipt.team,
        action=receipt.action,
        error=receipt.error,
        slots=_redacted_slots(conversation, rules),
        turns=_redacted_turns(conversation, rules),
    )


async def opening_text(
    messages: Callable[[], MessageStore],
    action: str,
    error: BaseException,
    conversation: Conversation,
    rules: BriefRules | None,
) -> str:
    """Return the message in the store's own language: agents read it. Of `error` they read the name of its class.

    Slots and turns are those that the domain's `brief` allows, redacted as briefs are. Where the store fails it is the
    packaged copy.
    """
    rules = rules or BriefRules()
    try:
        async with deadline(_COPY_SECONDS):
            return await _text(messages(), action, error, conversation, rules)
    except Exception:
        logger.exception("The message store failed; using the packaged copy for the agent.")
        return await _text(MessageStore.from_url(None), action, error, conversation, rules)


async def _text(
    messages: MessageStore, action: str, error: BaseException, conversation: Conversation, rules: BriefRules
) -> str:
    why = await messages.text(_why(error), None, action=action, error=type(error).__name__)
    lines = [await messages.text(key, None, **values) for key, values in _lines(conversation, rules)]
    text = await messages.text("haptik_relay_opening", None, why=why, turns="\n".join(lines))
    return text.strip()[:_LONGEST_OPENING]


def _why(error: BaseException) -> str:
    if isinstance(error, NotUnderstood):
        return "haptik_relay_why_not_understood"
    return "haptik_relay_why_asked" if isinstance(error, HandOffRequested) else "haptik_relay_why_failed"


def _lines(conversation: Conversation, rules: BriefRules) -> Iterator[tuple[str, dict[str, str]]]:
    for name, value in _redacted_slots(conversation, rules).items():
        if value is not None:
            yield "haptik_relay_slot", {"slot": name, "value": str(value)}
    for who, text in _redacted_turns(conversation, rules):
        yield _TURN_KEYS.get(who, "haptik_relay_turn_bot"), {"text": text}


def _redacted_slots(conversation: Conversation, rules: BriefRules) -> dict[str, object]:
    """Return the slots that may be told, without addresses of e-mail and long numbers."""
    return {name: _redacted(conversation.slots.get(name)) for name in rules.slots}


def _redacted_turns(conversation: Conversation, rules: BriefRules) -> tuple[Turn, ...]:
    """Return the last turns that may be told, redacted like the slots."""
    turns = conversation.turns[-rules.turns :] if rules.turns else ()
    return tuple((who, _redact(text)) for who, text in turns)


def _redacted(value: object) -> object:
    if isinstance(value, str):
        return _redact(value)
    if isinstance(value, Mapping):
        return {_redact(str(key)): _redacted(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(inner) for inner in value]
    # gRPC makes a float of every number.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= 100_000:
        return "[…]"
    return value


def _redact(text: str) -> str:
    hidden = _PRIVATE.sub("[…]", text)
    return hidden if len(hidden) <= _LONGEST_TEXT else f"{hidden[: _LONGEST_TEXT - 1]}…"
