"""The first message of a chat that we open: why it comes, and what the agent may know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.escalation._brief import BriefRules, redacted_slots, redacted_turns
from haptik_actions.escalation._conversation import Conversation
from haptik_actions.escalation._requested import HandOffRequested, NotUnderstood
from haptik_actions.messages import MessageStore

__all__ = ["opening_text"]

logger = get_logger(__name__)

_SECONDS = 2.0
_MOST_CHARACTERS = 4000
_TURN_KEYS = {"user": "haptik_relay_turn_user", "bot": "haptik_relay_turn_bot"}


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
        async with deadline(_SECONDS):
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
    return text.strip()[:_MOST_CHARACTERS]


def _why(error: BaseException) -> str:
    if isinstance(error, NotUnderstood):
        return "haptik_relay_why_not_understood"
    return "haptik_relay_why_asked" if isinstance(error, HandOffRequested) else "haptik_relay_why_failed"


def _lines(conversation: Conversation, rules: BriefRules) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in redacted_slots(conversation, rules).items():
        if value is not None:
            yield "haptik_relay_slot", {"slot": name, "value": str(value)}
    for who, text in redacted_turns(conversation, rules):
        yield _TURN_KEYS.get(who, "haptik_relay_turn_bot"), {"text": text}
