"""Confirm, then tell: hand over first, then say to the user what really happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from cachetools import TTLCache

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions._once import Repeats
from haptik_actions.config import Settings
from haptik_actions.errors import HaptikError
from haptik_actions.escalation._brief import Briefing
from haptik_actions.escalation._conversation import Conversation, Receipt, identify
from haptik_actions.escalation._delivery import Delivered, Delivery
from haptik_actions.escalation._handoff_plan import Failure, HandOffPlan
from haptik_actions.escalation._metrics import Metrics
from haptik_actions.escalation._outbox import HandOff
from haptik_actions.escalation._slot import SlotReader
from haptik_actions.messages import MessageStore, packaged_copy
from haptik_actions.relay import RelayStore

__all__ = ["Escalation", "Escalator"]

logger = get_logger(__name__)

HAND_OFF_SECONDS = 12.0
"""After this the user is told that it takes a while. The client and the outbox have bounds of their own below it."""
_COPY_SECONDS = 2.0
_SAME_TRACEBACK_SECONDS = 10.0
_KINDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What to do now: tell the user `text`, store the `receipt`, pause the conversation if `pause`.

    There is no receipt where the domain says to apologise and hand off nothing.
    """

    receipt: Receipt | None
    text: str
    pause: bool


class Escalator:
    """Turns a failure into a receipt and a sentence.

    `delivery`, `settings`, `messages` and `links` are asked for at the first failure and kept, so that a missing
    setting costs the user nothing more than the sentence `haptik_handoff_unavailable`. A hand-off that takes more than
    `seconds` goes on behind the answer.
    """

    def __init__(
        self,
        *,
        delivery: Callable[[], Delivery],
        settings: Callable[[], Settings],
        messages: Callable[[], MessageStore],
        links: Callable[[], RelayStore | None] = lambda: None,
        briefing: Briefing | None = None,
        metrics: Metrics | None = None,
        seconds: float = HAND_OFF_SECONDS,
    ) -> None:
        # What raises is asked again at the next failure.
        self._delivery, self._settings = cache(delivery), cache(settings)
        self._messages, self._links = cache(messages), cache(links)
        self._briefing, self._metrics, self._seconds = briefing, metrics, seconds
        self._repeats = Repeats()
        self._tracebacks: TTLCache[Hashable, None] = TTLCache(_KINDS, _SAME_TRACEBACK_SECONDS)
        self._late: set[asyncio.Task[Delivered]] = set()
        # An attribute and no method, because every guarded action would pay for one more call.
        self.plan = SlotReader().plan
        """Returns what holds for an action, from its name, its code's options and the slot's value."""

    async def escalate(self, failure: Failure, conversation: Conversation) -> Escalation:
        """Hand the chat over and return what to tell. Whatever fails on the way, there is a sentence to tell."""
        plan = HandOffPlan.of(failure, conversation)
        if self._metrics is not None and not plan.is_requested:
            kind = type(failure.error).__name__
            self._metrics.count("haptik_action_failures_total", action=failure.action, error=kind)
        if plan.apologises:
            return await self._apologise(plan)
        receipt, here = await self._receipt(plan)
        if self._metrics is not None:
            self._metrics.count("haptik_handoffs_total", state=receipt.state, team=receipt.team or "")
        self._log(plan, receipt)
        keys = plan.message_keys(receipt.state, here=here)
        text = await self._text(keys, plan, team=receipt.team or "", reference=receipt.id)
        # Only a confirmed hand-off has somebody who answers; a pause without one would be silence.
        return Escalation(receipt=receipt, text=text, pause=plan.pauses and receipt.state == "connected")

    async def _receipt(self, plan: HandOffPlan) -> tuple[Receipt, bool]:
        """Return the receipt, and whether the agent's words come to where the user is."""
        receipt = plan.receipt
        try:
            return await self._hand_over(plan)
        except HaptikError as error:
            logger.error("Hand-off %s is not possible: %s. %s", receipt.id, str(error).rstrip("."), error.remedy)
            return replace(receipt, reason=type(error).__name__), False
        except Exception as error:
            logger.exception("Hand-off %s is not possible.", receipt.id)
            return replace(receipt, reason=type(error).__name__), False

    async def _hand_over(self, plan: HandOffPlan) -> tuple[Receipt, bool]:
        settings, has_links = self._settings(), self._links() is not None
        # Without a link an agent's words would not find a user whom Haptik does not know otherwise.
        identity = identify(plan.conversation, settings, registers=settings.messenger_url is not None and has_links)
        if identity is None:
            return plan.receipt, False
        handoff = await plan.handoff(identity, settings, has_links=has_links, messages=self._messages)
        delivered = await self._in_time(handoff, plan)
        receipt = replace(
            plan.receipt,
            state=delivered.state,
            team=delivered.team or handoff.team,
            reason=delivered.reason,
            id=delivered.id or handoff.id,
        )
        rules = plan.failure.plan.brief
        if self._briefing is not None and rules is not None and receipt.state in ("connected", "delayed", "throttled"):
            self._briefing.send(receipt, identity, plan.conversation, rules)
        return receipt, delivered.here

    async def _in_time(self, handoff: HandOff, plan: HandOffPlan) -> Delivered:
        pauses = asyncio.Event()
        if plan.pauses:
            pauses.set()
        # A task of its own: it also ends well where the server gives up on the action's call.
        work = asyncio.get_running_loop().create_task(
            self._delivery().hand_over(handoff, plan.terms, pauses=pauses.is_set)
        )
        self._late.add(work)
        work.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait({work}, timeout=self._seconds)
        if done:
            return work.result()
        pauses.clear()
        logger.error("Hand-off %s is not through after %g s; it goes on behind the answer.", handoff.id, self._seconds)
        return Delivered(state="delayed", team=handoff.team, reason="DeadlineExceeded")

    async def _apologise(self, plan: HandOffPlan) -> Escalation:
        failure = plan.failure
        line = "Action %s failed in conversation %s with %s; the domain's on_error says to apologise."
        kind = type(failure.error).__name__
        logger.warning(line, failure.action, plan.conversation.sender_id, kind, exc_info=self._traceback(failure))
        key = failure.plan.messages.get("apology", "haptik_apology")
        return Escalation(receipt=None, text=await self._text([key, "haptik_apology"], plan), pause=False)

    def _log(self, plan: HandOffPlan, receipt: Receipt) -> None:
        failure, sender_id = plan.failure, plan.conversation.sender_id
        outcome = (receipt.id, receipt.team, receipt.state)
        if receipt.error is None:
            line = "Action %s asked for an agent in conversation %s; hand-off %s to team %s is %s."
            logger.info(line, failure.action, sender_id, *outcome)
            return
        line = "Action %s failed in conversation %s with %s; hand-off %s to team %s is %s."
        told = (failure.action, sender_id, receipt.error, *outcome)
        logger.error(line, *told, exc_info=self._traceback(failure))

    def _traceback(self, failure: Failure) -> BaseException | None:
        """Return the error whose traceback is worth logging: in a storm the same one comes hundreds of times."""
        place = failure.error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = (place.tb_frame.f_code, place.tb_lineno) if place is not None else None
        kind = (failure.action, type(failure.error), where)
        if kind in self._tracebacks:
            return None
        self._tracebacks[kind] = None
        return failure.error

    async def _text(self, keys: Sequence[str], plan: HandOffPlan, **values: str) -> str:
        """Return the text of the first key that exists; the last one is the plugin's own and always does."""
        try:
            async with deadline(_COPY_SECONDS):
                return await self._stored_text(keys, plan.locale, {**values, "channel": plan.conversation.channel})
        # CancelledError: the store may have been cancelled from within. If it was the server that cancelled the call,
        # nobody needs the text any more, so it does no harm to return one.
        except (Exception, asyncio.CancelledError):
            if self._repeats.is_due("store"):
                logger.exception("The message store failed; using the packaged copy.")
            return packaged_copy()[keys[-1]]

    async def _stored_text(self, keys: Sequence[str], locale: str | None, values: Mapping[str, Any]) -> str:
        messages = self._messages()
        for key in keys[:-1]:
            found = await messages.find(key, locale, **values)
            if found is not None:
                return found
            if not key.endswith("_closed"):
                self._repeats.log(logger, logging.ERROR, "There is no message %r; using %r.", key, keys[-1])
        return await messages.text(keys[-1], locale, **values)
