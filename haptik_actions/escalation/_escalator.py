"""Confirm, then tell: hand over first, then say to the user what really happened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError, HaptikError
from haptik_actions.escalation._conversation import Conversation, identify
from haptik_actions.escalation._delivery import Delivery, HandOff
from haptik_actions.escalation._options import HandOffOptions, SlotReader, default_key
from haptik_actions.escalation._receipt import Receipt
from haptik_actions.messages import MessageStore, packaged_copy

__all__ = ["Escalation", "Escalator", "Failure"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What failed: the action's name, its error, and what its decorator or class says about the hand-off."""

    action: str
    error: BaseException
    options: HandOffOptions = field(default_factory=HandOffOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What to do now: tell the user `text`, store the `receipt`, pause the conversation if `pause`."""

    receipt: Receipt
    text: str
    pause: bool


class Escalator:
    """Turns a failure into a receipt and a sentence.

    `delivery` and `settings` are asked for at the first failure, so that a missing setting costs the user nothing
    more than the sentence `haptik_handoff_unavailable`.
    """

    def __init__(
        self,
        *,
        delivery: Callable[[], Delivery],
        settings: Callable[[], Settings],
        messages: Callable[[], MessageStore],
    ) -> None:
        self._delivery = delivery
        self._settings = settings
        self._messages = messages
        self._slot = SlotReader()

    async def escalate(self, failure: Failure, conversation: Conversation) -> Escalation:
        """Hand the chat over and return what to tell. Whatever fails on the way, there is a sentence to tell."""
        options = self._options(failure, conversation)
        receipt = await self._receipt(failure, conversation, options)
        _log(failure, receipt, conversation)
        return Escalation(
            receipt=receipt,
            text=await self._copy(receipt, conversation, options),
            # Only a confirmed hand-off has somebody who answers; a pause without one would be silence.
            pause=receipt.state == "connected" and options.pause is not False,
        )

    def _options(self, failure: Failure, conversation: Conversation) -> HandOffOptions:
        slot = self._slot.read(conversation.slots.get("haptik"))
        return slot.of_action(failure.action).over(failure.options).over(slot.general)

    async def _receipt(self, failure: Failure, conversation: Conversation, options: HandOffOptions) -> Receipt:
        receipt = Receipt(
            state="unavailable", action=failure.action, team=options.team, error=type(failure.error).__name__
        )
        try:
            return await self._hand_off(receipt, conversation, options)
        except HaptikError as error:
            logger.error("Hand-off %s is not possible: %s %s", receipt.id, error, error.remedy)
            return replace(receipt, reason=type(error).__name__)
        except Exception as error:
            logger.exception("Hand-off %s is not possible.", receipt.id)
            return replace(receipt, reason=type(error).__name__)

    async def _hand_off(self, receipt: Receipt, conversation: Conversation, options: HandOffOptions) -> Receipt:
        settings = self._settings()
        identity = identify(conversation, settings)
        team = options.team or settings.team
        if identity is None:
            return receipt
        if team is None:
            raise ConfigurationError(
                "No team is named. Set `team` in the initial_value of the domain's slot `haptik`, or HAPTIK_TEAM."
            )
        receipt = replace(receipt, team=team)
        delivery = self._delivery()
        handoff = HandOff(
            id=receipt.id,
            user_name=identity.user_name,
            business_id=identity.business_id,
            team=team,
            countdown=options.countdown,
        )
        try:
            await delivery.send(handoff)
        except HaptikError as error:
            if not (error.temporary and delivery.send_later(handoff, error)):
                raise
            return replace(receipt, state="delayed", reason=type(error).__name__)
        return replace(receipt, state="connected")

    async def _copy(self, receipt: Receipt, conversation: Conversation, options: HandOffOptions) -> str:
        values = {"team": receipt.team or "", "reference": receipt.id}
        own = default_key(receipt.state)
        locale = options.locale or _language(conversation)
        try:
            messages = self._messages()
            key = options.message_key(receipt.state)
            found = await messages.find(key, locale, **values)
            if found is None:
                logger.error("There is no message %r for hand-offs that are %s; using %r.", key, receipt.state, own)
                found = await messages.text(own, locale, **values)
        except Exception:
            logger.exception("The message store failed; using the packaged copy.")
            return packaged_copy()[own]
        return found


def _language(conversation: Conversation) -> str | None:
    for metadata in conversation.metadata:
        language: Any = metadata.get("language_code")
        if isinstance(language, str) and language:
            return language
    return None


def _log(failure: Failure, receipt: Receipt, conversation: Conversation) -> None:
    logger.error(
        "Action %s failed in conversation %s with %s; hand-off %s to team %s is %s.",
        failure.action,
        conversation.sender_id,
        receipt.error,
        receipt.id,
        receipt.team,
        receipt.state,
        exc_info=failure.error,
    )
