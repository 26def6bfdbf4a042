"""From what failed, and who the user is, to all that Haptik's calls need."""

from __future__ import annotations

from collections.abc import Callable

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation._conversation import Conversation, Identity
from haptik_actions.escalation._opening import opening_text
from haptik_actions.escalation._options import HandOffOptions
from haptik_actions.escalation._outbox import HandOff, Opening
from haptik_actions.messages import MessageStore, locale_of
from haptik_actions.relay import AfterAgent, Link

__all__ = ["handoff_of", "locale_for"]


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
