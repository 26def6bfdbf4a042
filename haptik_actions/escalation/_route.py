"""By which of the two ways a chat reaches Haptik.

A user whose name on Haptik is known is moved to a team by it (`send_chat_to_agent`). Any other user is registered with
Haptik first, and a message is logged in their name: that puts the chat before agents, and an event tells the name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from haptik_actions.config import Settings
from haptik_actions.escalation._brief import allowed
from haptik_actions.escalation._conversation import Conversation, Identity, can_register
from haptik_actions.escalation._options import HandOffOptions
from haptik_actions.escalation._outbox import HandOff, Opening
from haptik_actions.escalation._receipt import Receipt
from haptik_actions.relay import HAPTIK_CHANNEL, AfterAgent, Link, conversation_id

__all__ = ["hand_off_of"]

Words = Callable[..., Awaitable[str]]
"""(message key, **values) -> the text of the store, in the agents' language."""

_NO_CHANNEL = "unknown"


async def hand_off_of(
    receipt: Receipt,
    identity: Identity,
    conversation: Conversation,
    plan: HandOffOptions,
    *,
    teams: tuple[str, ...],
    locale: str | None,
    settings: Settings,
    words: Words,
) -> HandOff:
    """Return the hand-off of a conversation, with all that its way needs."""
    link = _link(receipt, identity, conversation, plan, teams, locale)
    opening = None
    if identity.user_name is None:
        opening = Opening(
            auth_id=identity.auth_id or conversation_id(link.channel, link.sender_id),
            text=await _opening(receipt, conversation, plan, words),
            name=identity.name,
            language_code=_language(locale),
        )
    return HandOff(
        id=receipt.id,
        user_name=identity.user_name,
        business_id=identity.business_id,
        teams=teams,
        countdown=plan.countdown,
        opening=opening,
        link=link if can_register(settings) or link.channel == HAPTIK_CHANNEL else None,
        needs_link=can_register(settings) and link.channel != HAPTIK_CHANNEL,
    )


def _link(
    receipt: Receipt,
    identity: Identity,
    conversation: Conversation,
    plan: HandOffOptions,
    teams: tuple[str, ...],
    locale: str | None,
) -> Link:
    # A tracker may hold anything.
    channel = conversation.channel if isinstance(conversation.channel, str) else _NO_CHANNEL
    sender_id = str(conversation.sender_id)
    ours = conversation_id(channel, sender_id)
    known: dict[str, Any] = {"user_name": identity.user_name, "auth_id": identity.auth_id}
    if identity.user_name is None:
        known["auth_id"] = identity.auth_id or ours
    return Link.of(
        channel,
        sender_id,
        identity.business_id,
        receipt=receipt.id,
        teams=teams,
        countdown=plan.countdown,
        # Who is known by name is moved by the call that hands over.
        moved=identity.user_name is not None,
        conversation_no=identity.conversation_no,
        assign_within=plan.assign_within,
        after_agent=plan.after_agent or AfterAgent(),
        locale=locale,
        form=conversation.form,
        **known,
    )


async def _opening(receipt: Receipt, conversation: Conversation, plan: HandOffOptions, words: Words) -> str:
    slots, turns = allowed(conversation, plan.brief)
    key = "haptik_relay_why_asked" if receipt.error is None else "haptik_relay_why_failed"
    why = await words(key, action=receipt.action, error=receipt.error or "")
    told = [f"{name}: {value}" for name, value in slots.items() if value is not None]
    said = [f"{await words(f'haptik_relay_said_by_{who}')}: {text}" for who, text in turns]
    return (await words("haptik_relay_opening", why=why, turns="\n".join([*told, *said]))).strip()


def _language(locale: str | None) -> str | None:
    tag = (locale or "").replace("_", "-").partition("-")[0].lower()
    return tag if len(tag) == 2 and tag.isascii() and tag.isalpha() else None
