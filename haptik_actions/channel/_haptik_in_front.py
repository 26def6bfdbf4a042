"""Haptik in front: a node of a Haptik bot calls this bot, and the user reads what it answers."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from rasa.core.channels.channel import CollectingOutputChannel, UserMessage

from haptik_actions._deadline import deadline, is_cancelled
from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger
from haptik_actions._once import Repeats
from haptik_actions.channel._haptik_bubbles import bubbles
from haptik_actions.channel._integration import (
    DETAILS_SLOTS,
    STATUS_SLOT,
    Answer,
    Details,
    IntegrationRequest,
    details_of,
)
from haptik_actions.channel._silence import SilenceBreaker, is_with_agent, tracker_of
from haptik_actions.channel._tracker_events import is_paused
from haptik_actions.channel._turns import Spoken, Turns
from haptik_actions.errors import RelayAway
from haptik_actions.messages import locale_of, packaged_copy
from haptik_actions.relay import HAPTIK_CHANNEL, RelayStore

if TYPE_CHECKING:
    from haptik_actions.channel._parts import Parts

__all__ = ["ANSWER_SECONDS", "HaptikInFront", "HaptikOutput"]

logger = get_logger(__name__)

ANSWER_SECONDS = 25.0
"""Haptik waits 30 seconds, the way to it and back included."""
_COPY_SECONDS = 2.0
# Rasa's own: it obeys, and says nothing where the domain has no response for it.
_BUILT_IN = frozenset({"/restart", "/back", "/session_start"})
_SLOTS = frozenset((STATUS_SLOT, *DETAILS_SLOTS))


class HaptikInFront:
    """Answers integration requests, each of them with something to read: an empty answer is a bot break."""

    def __init__(self, parts: Callable[[], Parts], on_new_message: Callable[[Any], Awaitable[object]]) -> None:
        self._parts, self._on_new_message = parts, on_new_message
        self._turns: Turns[Details] | None = None
        self._silence = SilenceBreaker(parts)
        self._repeats = Repeats()

    async def answer(self, request: IntegrationRequest) -> Answer:
        """Take the user's words through Rasa, and return what to answer with within 25 seconds."""
        if self._turns is None:
            self._turns = Turns(self._parts().late, seconds=ANSWER_SECONDS)
        said, details = await self._turns.run(request.sender_id, lambda spoken: self._turn(request, spoken))
        if not said:
            said = [await self._copy("haptik_front_later", request)]
        # At an end node `true` would complete a chat whose turn is not over.
        return Answer(response=said, details=details or Details(status=False))

    async def aclose(self, seconds: float) -> None:
        """Wait, for so many seconds, for the turns that go on behind their answers."""
        if self._turns is not None:
            await self._turns.aclose(seconds)

    async def _turn(self, request: IntegrationRequest, spoken: Spoken) -> Details:
        await self._through_rasa(request, spoken)
        if not spoken.is_silent:
            return await self._details(request, spoken)
        if request.text() in _BUILT_IN:
            spoken.say([await self._copy("haptik_front_ready", request)])
            return await self._details(request, spoken)
        told = await self._silence.told(request)
        spoken.say([told or await self._copy("haptik_front_waiting", request)])
        return Details(status=False)

    async def _through_rasa(self, request: IntegrationRequest, spoken: Spoken) -> None:
        message = UserMessage(
            request.text(self._intents()),
            HaptikOutput(spoken),
            request.sender_id,
            input_channel="haptik",
            metadata=request.metadata(),
        )
        try:
            await self._on_new_message(message)
        except Exception as error:  # noqa: BLE001
            # The frames without the error's text, which may hold what the user said.
            where = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Rasa failed with %s in a turn of Haptik's channel.\n%s", type(error).__name__, where)

    def _intents(self) -> Collection[str]:
        domain = getattr(self._parts().agent, "domain", None)
        return getattr(domain, "intents", ())

    async def _details(self, request: IntegrationRequest, spoken: Spoken) -> Details:
        parts = self._parts()
        has_slots = not _SLOTS.isdisjoint(slot.name for slot in parts.agent.domain.slots)
        # A look into the conversation is for bots that have such slots, and where no relay knows who has the chat.
        if not has_slots and parts.store is not None:
            return Details(status=not await self._is_with_agent(parts.store, request, spoken))
        tracker = await parts.agent.tracker_store.retrieve(request.sender_id)
        if tracker is None:
            return Details()
        details = details_of(tracker.current_slot_values())
        return Details(status=details.status and not is_paused(tracker), objects=details.objects)

    async def _is_with_agent(self, store: RelayStore, request: IntegrationRequest, spoken: Spoken) -> bool:
        """Tell whether an agent has the chat, and on the same way to Redis whether words of earlier turns wait."""
        key = self._parts().late.key(request.sender_id)
        try:
            if key is None:
                link = await store.find(HAPTIK_CHANNEL, request.sender_id)
            else:
                link, waits = await store.find_beside(HAPTIK_CHANNEL, request.sender_id, key)
                spoken.is_first = not waits
        except RelayAway:
            # What the relay has read last counts, and Rasa's own tracker: this very turn may have handed over.
            return await is_with_agent(self._parts(), request) or await self._is_paused(request)
        return link is not None and link.holds

    async def _is_paused(self, request: IntegrationRequest) -> bool:
        tracker = await tracker_of(self._parts(), request.sender_id)
        return tracker is not None and is_paused(tracker)

    async def _copy(self, key: str, request: IntegrationRequest) -> str:
        try:
            async with deadline(_COPY_SECONDS):
                return await self._parts().messages.text(key, _language(request))
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_cancelled():
                raise
            line = "The message store failed with %s; using the packaged copy."
            self._repeats.log(logger, logging.ERROR, line, type(error).__name__)
            return packaged_copy()[key]


def _language(request: IntegrationRequest) -> str | None:
    return locale_of(None, request.user)


class HaptikOutput(CollectingOutputChannel):
    """Collects the bot's messages as strings of Haptik's `response`.

    Its name decides which variation of a response Rasa takes (`channel: haptik` in the domain).
    """

    def __init__(self, spoken: Spoken) -> None:
        super().__init__()
        self._spoken = spoken

    @classmethod
    def name(cls) -> str:
        """Return the name of the channel."""
        return "haptik"

    async def send_response(self, recipient_id: str, message: JsonObject) -> None:
        """Take a whole message, with all that goes with its text."""
        self._spoken.say(bubbles(message))

    async def send_text_message(self, recipient_id: str, text: str, **_: object) -> None:
        """Take a text, one bubble for each paragraph."""
        self._spoken.say(bubbles({"text": text}))

    async def send_text_with_buttons(
        self, recipient_id: str, text: str, buttons: list[JsonObject], **_: object
    ) -> None:
        """Take a text with buttons."""
        self._spoken.say(bubbles({"text": text, "buttons": buttons}))

    async def send_quick_replies(
        self, recipient_id: str, text: str, quick_replies: list[JsonObject], **_: object
    ) -> None:
        """Take a text with quick replies."""
        self._spoken.say(bubbles({"text": text, "quick_replies": quick_replies}))

    async def send_image_url(self, recipient_id: str, image: str, **_: object) -> None:
        """Take an image."""
        self._spoken.say(bubbles({"image": image}))

    async def send_attachment(self, recipient_id: str, attachment: object, **_: object) -> None:
        """Take an attachment."""
        self._spoken.say(bubbles({"attachment": attachment}))

    async def send_elements(self, recipient_id: str, elements: Iterable[JsonObject], **_: object) -> None:
        """Take cards."""
        self._spoken.say(bubbles({"elements": list(elements)}))

    async def send_custom_json(self, recipient_id: str, json_message: object, **_: object) -> None:
        """Take an element of HSL."""
        self._spoken.say(bubbles({"custom": json_message}))
