"""From what failed, and who the user is, to all that Haptik's calls need.

Also the first message of a chat that the library opens: why it comes, and what the agent may know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._brief import BriefRules, redacted_slots, redacted_turns
from haptik_actions.escalation._conversation import (
    RECEIPT_SLOT,
    Conversation,
    HandOffRequested,
    Identity,
    NotUnderstood,
    Receipt,
    State,
)
from haptik_actions.escalation._options import DEFAULTS, HandOffOptions
from haptik_actions.escalation._outbox import HandOff, Opening, Terms
from haptik_actions.messages import MessageStore, locale_of
from haptik_actions.relay import AfterAgent, Link

__all__ = ["Failure", "HandOffPlan", "handoff_of"]

logger = get_logger(__name__)

_SECONDS = 2.0
_MOST_CHARACTERS = 4000
# Receipts of hand-offs that an agent has, or will have.
_WAITING = ("connected", "assigned", "delayed", "throttled", "duplicate")
_TURN_KEYS = {"user": "haptik_relay_turn_user", "bot": "haptik_relay_turn_bot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What failed: the action's name, its error, and the plan that holds for it (see `Escalator.plan`)."""

    action: str
    error: BaseException
    plan: HandOffOptions = field(default=DEFAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffPlan:
    """What a failure leads to, worked out once and passed on.

    Attributes:
        locale: The user's language tag; None where nobody says it.
        teams: The teams to try in turn; empty where the domain names none.
        is_requested: An agent is wanted, and nothing failed.
        is_asked: The user asked for the agent.
    """

    failure: Failure
    conversation: Conversation
    locale: str | None
    teams: tuple[str, ...]
    is_requested: bool
    is_asked: bool

    @classmethod
    def of(cls, failure: Failure, conversation: Conversation) -> HandOffPlan:
        """Plan what follows from a failure in a conversation."""
        locale = _locale_for(failure.plan, conversation)
        is_requested = isinstance(failure.error, HandOffRequested)
        return cls(
            failure=failure,
            conversation=conversation,
            locale=locale,
            teams=failure.plan.team_for(conversation, locale) or (),
            is_requested=is_requested,
            is_asked=is_requested and not isinstance(failure.error, NotUnderstood),
        )

    @property
    def options(self) -> HandOffOptions:
        """What the domain and the code say about this action."""
        return self.failure.plan

    def message_keys(self, state: State, *, here: bool) -> Sequence[str]:
        """Return the keys of what the user is told, the best first; the last one is the plugin's own."""
        return self.options.message_keys(state, datetime.now(timezone.utc), asked=self.is_asked, here=here)

    def terms(self) -> Terms:
        """Return under which terms the outbox takes the hand-off."""
        before = Receipt.from_slot(self.conversation.slots.get(RECEIPT_SLOT))
        waits = before is not None and before.state in _WAITING
        return Terms(
            limit=self.options.limit or DEFAULTS.limit or 1,
            episode=(self.options.episode or DEFAULTS.episode or 1) * 3600,
            resumed_at=self.conversation.resumed_at,
            ended=self.conversation.ended,
            running=self.conversation.running,
            receipt=(before.id, before.began) if before is not None and waits else None,
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
    plan: HandOffPlan,
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
    teams = plan.teams or ((settings.team,) if settings.team else ())
    if not teams and identity.user_name is not None:
        raise ConfigurationError(
            "No team is named. Set `team` in the initial_value of the domain's slot `haptik`, or HAPTIK_TEAM."
        )
    opening: Opening | None = None
    if identity.user_name is None:
        failure = plan.failure
        text = await opening_text(messages, failure.action, failure.error, plan.conversation, plan.options.brief)
        opening = Opening(text=text, name=identity.full_name, language=_language(plan.locale))
    return HandOff(
        id=id_,
        user_name=identity.user_name,
        business_id=identity.business_id,
        teams=teams,
        countdown=plan.options.countdown,
        link=_link(identity, plan) if has_links else None,
        opening=opening,
    )


def _locale_for(options: HandOffOptions, conversation: Conversation) -> str | None:
    """Return the user's language tag: what the domain says, then slots, then the messages' metadata."""
    if options.locale is not None:
        return options.locale
    found = (locale_of(conversation.slots, metadata) for metadata in ({}, *conversation.metadata))
    return next(filter(None, found), None)


def _link(identity: Identity, plan: HandOffPlan) -> Link:
    return Link.of(
        plan.conversation.channel or "",
        plan.conversation.sender_id,
        identity.business_id,
        conversation_no=identity.conversation_no,
        assign_within=plan.options.assign_within,
        locale=plan.locale,
        form=plan.conversation.form,
        after_agent=plan.options.after_agent or AfterAgent(),
    )


def _language(locale: str | None) -> str | None:
    """Haptik takes two letters of ISO 639-1, and nothing for other tags."""
    language = (locale or "").replace("_", "-").partition("-")[0].lower()
    return language if len(language) == 2 and language.isascii() and language.isalpha() else None
