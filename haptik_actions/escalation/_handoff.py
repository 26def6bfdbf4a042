"""From what failed, and who the user is, to all that Haptik's calls need.

Also the first message of a chat that the library opens: why it comes, and what the agent may know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._brief import BriefRules, redacted_slots, redacted_turns
from haptik_actions.escalation._conversation import Conversation, HandOffRequested, Identity, NotUnderstood
from haptik_actions.escalation._options import HandOffOptions
from haptik_actions.escalation._outbox import HandOff, Opening
from haptik_actions.messages import MessageStore, locale_of
from haptik_actions.relay import AfterAgent, Link

__all__ = ["handoff_of", "locale_for"]

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


async def handoff_of(
    error: BaseException,
    action: str,
    plan: HandOffOptions,
    conversation: Conversation,
    identity: Identity,
    *,
    id_: str,
    settings: Settings,
    has_links: bool,
    messages: Callable[[], MessageStore],
) -> HandOff:
    """Return the hand-off of a conversation, `id_` being its receipt's.

    Raises:
        ConfigurationError: no team is named. A chat that is opened needs none.
    """
    locale = locale_for(plan, conversation)
    teams = plan.team_for(conversation, locale) or ((settings.team,) if settings.team else ())
    if not teams and identity.user_name is not None:
        raise ConfigurationError(
            "No team is named. Set `team` in the initial_value of the domain's slot `haptik`, or HAPTIK_TEAM."
        )
    opening: Opening | None = None
    if identity.user_name is None:
        text = await opening_text(messages, action, error, conversation, plan.brief)
        opening = Opening(text=text, name=identity.full_name, language=_language(locale))
    return HandOff(
        id=id_,
        user_name=identity.user_name,
        business_id=identity.business_id,
        teams=teams,
        countdown=plan.countdown,
        link=_link(identity, conversation, plan, locale) if has_links else None,
        opening=opening,
    )


def locale_for(plan: HandOffOptions, conversation: Conversation) -> str | None:
    """Return the user's language tag: what the domain says, then slots, then the messages' metadata."""
    if plan.locale is not None:
        return plan.locale
    found = (locale_of(conversation.slots, metadata) for metadata in ({}, *conversation.metadata))
    return next(filter(None, found), None)


def _link(identity: Identity, conversation: Conversation, plan: HandOffOptions, locale: str | None) -> Link:
    return Link.of(
        conversation.channel or "",
        conversation.sender_id,
        identity.business_id,
        conversation_no=identity.conversation_no,
        assign_within=plan.assign_within,
        locale=locale,
        form=conversation.form,
        after_agent=plan.after_agent or AfterAgent(),
    )


def _language(locale: str | None) -> str | None:
    """Haptik takes two letters of ISO 639-1, and nothing for other tags."""
    language = (locale or "").replace("_", "-").partition("-")[0].lower()
    return language if len(language) == 2 and language.isascii() and language.isalpha() else None
