"""Keeps users' words from the bot while an agent has the chat.

All channels of Rasa end in `Agent.handle_message`, which takes the conversation's lock and calls the processor. The
decision falls inside the lock: a message that arrived while the hand-off was under way has waited there, and must not
reach the bot after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from rasa.core.channels.channel import UserMessage
from rasa.shared.core.trackers import DialogueStateTracker

from haptik_actions._log import get_logger
from haptik_actions.channel._parts import Parts
from haptik_actions.channel._tracker_events import bot_messages, is_given_back, is_paused, receipt_of, user_words
from haptik_actions.channel._user_messages import bring
from haptik_actions.channel._words_to_agent import said, without_contents, words_of
from haptik_actions.errors import RelayAway
from haptik_actions.relay import HAPTIK_CHANNEL, Link, Relay

__all__ = ["ConversationKeeper"]

logger = get_logger(__name__)

_GoOn = Callable[[], Awaitable[Any]]
# A user of REST who goes back to the bot reads so in the same answer, if it comes this soon.
_LOOK_SECONDS = 0.05
_LOOKS = 60
_RESTART = "/restart"
_WAITING_STATES = frozenset({"connected", "assigned", "delayed", "throttled", "duplicate"})

_passing: ContextVar[UserMessage | None] = ContextVar("haptik_passing", default=None)
_behind: ContextVar[_Behind | None] = ContextVar("haptik_behind", default=None)


@dataclass(slots=True)
class _Behind:
    """What has to be done behind a message, when the conversation is not locked any more.

    `left` are the links of users who wanted to go back to the bot. `closing` is that of a chat which was just ending
    when the message came: the bot gets it as soon as the chat has ended. `tracker` is the conversation in which the bot
    has answered.
    """

    left: list[Link] = field(default_factory=list)
    closing: Link | None = None
    tracker: DialogueStateTracker | None = None


class ConversationKeeper:
    """Decides of each message whether the bot or the agent gets it. `parts` gives those of the running worker."""

    def __init__(self, parts: Callable[[], Parts | None]) -> None:
        self._parts = parts

    async def around(self, message: UserMessage, go_on: _GoOn) -> Any:
        """Let a message through; what has to be done without the conversation's lock is done behind it."""
        behind = _Behind()
        token = _behind.set(behind)
        try:
            answer = await go_on()
            if behind.closing is not None and await self._has_ended(behind.closing):
                answer = await go_on()
        finally:
            _behind.reset(token)
        for link in behind.left:
            await self._bring_back(message, link)
        if behind.tracker is not None and _is_handed_over(behind.tracker):
            await self._note_handed_over(message)
        return answer

    async def turn(self, processor: object, message: UserMessage, go_on: _GoOn) -> Any:
        """Give the message to the agent where one has the chat, otherwise to the bot."""
        parts = self._parts()
        relay = None if parts is None else parts.relay
        if parts is None or relay is None or _passing.get() is message:
            return await go_on()
        token = _passing.set(message)
        try:
            return await self._turn(parts, relay, processor, message, go_on)
        finally:
            _passing.reset(token)

    async def has(self, tracker: DialogueStateTracker) -> bool:
        """Tell whether an agent has the conversation, or it waits for one. Costs nothing where it is not paused."""
        parts = self._parts()
        behind = _behind.get()
        if behind is not None:
            behind.tracker = tracker
        if parts is None or parts.relay is None or not is_paused(tracker):
            return False
        channel = tracker.get_latest_input_channel() or ""
        try:
            return await parts.relay.holds(channel, tracker.sender_id) is not None
        except RelayAway:
            return _is_handed_over(tracker)

    async def _turn(self, parts: Parts, relay: Relay, processor: object, message: UserMessage, go_on: _GoOn) -> Any:
        channel, output = message.input_channel or "", message.output_channel
        parts.outputs.keep(channel, message.sender_id, output)
        try:
            link = await _link(parts, relay, channel, message.sender_id)
        except RelayAway:
            link = await self._by_tracker(parts, processor, message)
        if link is None:
            return await go_on()
        if parts.outputs.is_pull(channel):
            await bring(parts, link, output)
        if not link.holds or not await self._hold(parts, relay, processor, message, link):
            return await go_on()
        return None

    async def _by_tracker(self, parts: Parts, processor: Any, message: UserMessage) -> Link | None:
        """Return a link where the tracker says that the conversation was handed over. Redis cannot be asked."""
        tracker = await processor.get_tracker(message.sender_id)
        business_id = parts.business_id
        if business_id is None or not is_paused(tracker) or not _is_handed_over(tracker):
            return None
        receipt = receipt_of(tracker)
        return Link.of(
            message.input_channel or "",
            message.sender_id,
            business_id,
            state="asked",
            paused=True,
            receipt="" if receipt is None else receipt.id,
        )

    async def _hold(self, parts: Parts, relay: Relay, processor: Any, message: UserMessage, link: Link) -> bool:
        """Give the message to the agent, and note it in the tracker; False where it is the bot's after all."""
        tracker = await processor.get_tracker(message.sender_id)
        text = said(message.text, bot_messages(tracker))
        if not link.closing and is_given_back(tracker, link.receipt):
            # `haptik-actions resume`, or somebody's own call of Rasa: these words are the bot's already.
            await relay.leave(link)
            return False
        if text == _RESTART:
            await relay.leave(link)
            _note_left(link)
        elif _is_of_the_client(message, text, processor):
            # Nobody has said this: a chat window sends it when it is opened.
            logger.debug("The agent of %s does not get an intent that no button stands for.", link.id)
            return True
        elif not await self._write(relay, message, text, link):
            return False
        # An unknown conversation has no session yet, and must not begin with these words. While the chat ends they wait
        # for the bot: the tracker gets them with the turn in which it hears them, and not twice.
        if tracker.events and not link.closing:
            metadata = without_contents(message.metadata)
            words = user_words(text, channel=message.input_channel, message_id=message.message_id, metadata=metadata)
            tracker.update(words, processor.domain)
            await processor.save_tracker(tracker)
        await self._note_address(parts, link)
        return True

    async def _write(self, relay: Relay, message: UserMessage, text: str, link: Link) -> bool:
        if link.channel == HAPTIK_CHANNEL:
            # Haptik has shown it to the agent before it asked this bot, as long as there is one.
            if link.closing and (behind := _behind.get()) is not None:
                behind.closing = link
            return True
        for words in words_of(text, message.metadata):
            written = await relay.write(link, words)
            if written == "left":
                _note_left(link)
            if written == "gone":
                return False
        return True

    async def _note_handed_over(self, message: UserMessage) -> None:
        """Write down where the user is as soon as they are handed over: this process may end before they write again.

        Costs nothing on channels that find their users without it.
        """
        parts, channel = self._parts(), message.input_channel or ""
        if parts is None or parts.store is None or not parts.outputs.address(channel, message.sender_id):
            return
        try:
            link = await parts.store.find(channel, message.sender_id)
        except RelayAway:
            return
        if link is not None:
            await self._note_address(parts, link)

    async def _note_address(self, parts: Parts, link: Link) -> None:
        address = parts.outputs.address(link.channel, link.sender_id)
        if address and address != link.return_address and parts.store is not None:
            try:
                await parts.store.update(link.id, return_address=address)
            except RelayAway:
                logger.debug("The way back to the user of %s could not be written down.", link.id)

    async def _bring_back(self, message: UserMessage, link: Link) -> None:
        """Give a user of REST the sentence about their return with this answer; it is said by a worker of the relay."""
        parts = self._parts()
        if parts is None or not parts.outputs.is_pull(link.channel):
            return
        # Not the first that comes: what the bot is triggered to say stands behind the sentence about the return.
        await self._has_ended(link)
        await bring(parts, link, message.output_channel)

    async def _has_ended(self, link: Link) -> bool:
        """Wait until all has been said and done about the end of the chat; False where that takes long."""
        for _ in range(_LOOKS):
            parts = self._parts()
            if parts is None:
                return False
            if await _is_back(parts, link):
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False


async def _is_back(parts: Parts, link: Link) -> bool:
    """Tell whether all has been said and done about the end of the chat."""
    try:
        stands = None if parts.store is None else await parts.store.link(link.id)
    except RelayAway:
        return False
    return stands is None or (stands.state == "ended" and not stands.closing)


async def _link(parts: Parts, relay: Relay, channel: str, sender_id: str) -> Link | None:
    """Return the link where the agent has the chat, and for a channel that cannot push any link: its user may have
    something waiting. One read of Redis either way."""
    if parts.store is not None and parts.outputs.is_pull(channel):
        try:
            return await parts.store.find(channel, sender_id)
        except RelayAway:
            logger.debug("Redis does not answer; going by what was read of it last.")
    return await relay.holds(channel, sender_id)


def _note_left(link: Link) -> None:
    behind = _behind.get()
    if behind is not None:
        behind.left.append(link)


def _is_handed_over(tracker: DialogueStateTracker) -> bool:
    receipt = receipt_of(tracker)
    return receipt is not None and receipt.state in _WAITING_STATES


def _is_of_the_client(message: UserMessage, text: str, processor: Any) -> bool:
    """Tell whether the text is an intent that no button of this session stands for."""
    if not text.startswith("/") or text != (message.text or "").strip():
        return False
    intent = text[1:].partition("{")[0].strip()
    return intent == "session_start" or intent in getattr(processor.domain, "intents", ())
