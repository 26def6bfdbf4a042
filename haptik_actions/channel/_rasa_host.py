"""The relay's hands in Rasa's process: says things to users, writes into trackers, pauses and resumes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from rasa.core.channels.channel import CollectingOutputChannel, OutputChannel, UserMessage
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

from haptik_actions._deadline import deadline
from haptik_actions._log import get_logger
from haptik_actions.channel._parts import Parts
from haptik_actions.channel._tracker_events import (
    form_of_pause,
    is_paused,
    is_said,
    is_triggered,
    pause,
    reset_slots,
    resume,
    set_receipt,
)
from haptik_actions.channel._user_messages import Spoken, put_off, spoken
from haptik_actions.escalation._outbox import chat_of
from haptik_actions.relay import HAPTIK_CHANNEL, Ending, FromUser, Link, Reach, Saying, UserAway

__all__ = ["RasaHost"]

logger = get_logger(__name__)

_LOOK_SECONDS = 0.05
"""How often a worker looks whether the conversation's lock is free; Rasa's own second is long beside a chat."""
_SEND_SECONDS = 30.0
"""What a message may take on its way to the user's platform. Rasa's lock ends after 60 s."""


class _Open(NamedTuple):
    """A conversation that is locked: nobody else writes into its tracker."""

    processor: Any
    tracker: DialogueStateTracker

    @property
    def is_known(self) -> bool:
        # An unknown one has no session and listens to nobody: words that are put there would spoil its first turn.
        return bool(self.tracker.events)

    async def append(self, events: Sequence[Event]) -> None:
        if not events or not self.is_known:
            return
        for event in events:
            self.tracker.update(event, self.processor.domain)
        await self.processor.save_tracker(self.tracker)


class RasaHost:
    """Brings what the relay has to say to the user's own channel of Rasa, and both sides into Rasa's tracker.

    `parts` gives those of the running worker.
    """

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts
        self._said: dict[tuple[str, Any], int] = {}

    def reach(self, link: Link) -> Reach:
        """Tell how the user can be reached from this process; without a model nobody is."""
        parts = self._parts()
        if parts.agent is None or not parts.agent.is_ready():
            return "away"
        return parts.outputs.reach(link.channel, link.sender_id)

    async def say(self, link: Link, saying: Saying) -> None:
        """Say it on the user's channel, and write it into the tracker.

        Raises:
            UserAway: the user cannot be reached from this process.
        """
        async with self._open(link) as opened:
            await self._say(link, saying, opened)

    async def assigned(self, link: Link, saying: Saying | None) -> None:
        """An agent has the chat: pause the conversation where it is not paused, note it in the receipt, and say it."""
        async with self._open(link) as opened:
            events = [*pause(opened.tracker), *set_receipt(opened.tracker, link.receipt, "assigned")]
            await opened.append(events)
            if saying is not None:
                await self._say(link, saying, opened)

    async def ended(self, link: Link, ending: Ending, saying: Saying | None) -> None:
        """Give the conversation back to the bot, and do what the domain says under `after_agent`."""
        parts = self._parts()
        async with self._open(link) as opened:
            await opened.append(resume(opened.tracker, link.channel, self._resets(link, opened)))
            if saying is not None:
                await self._say(link, saying, opened)
            trigger = link.after_agent.trigger
            if trigger is not None and not (ending.again and is_triggered(opened.tracker, trigger)):
                await self._trigger(link, trigger, opened)
        await _end_episode(parts, link, ending)

    async def hear(self, link: Link, words: FromUser) -> None:
        """Give the bot what the user wrote after the chat had ended."""
        parts = self._parts()
        async with self._output(link, None) as output:
            message = UserMessage(words.text, output, link.sender_id, input_channel=link.channel)
            await parts.agent.handle_message(message)

    @asynccontextmanager
    async def _open(self, link: Link) -> AsyncIterator[_Open]:
        agent = self._parts().agent
        if agent is None or not agent.is_ready():
            raise UserAway("no model is loaded")
        async with agent.lock_store.lock(link.sender_id, wait_time_in_seconds=_LOOK_SECONDS):
            processor = agent.processor
            yield _Open(processor, await processor.get_tracker(link.sender_id))

    async def _say(self, link: Link, saying: Saying, opened: _Open) -> None:
        if saying.again and is_said(opened.tracker, saying):
            return
        parts = self._parts()
        messages = await spoken(saying, link.channel, parts.messages, link.locale)
        if self.reach(link) == "push" and link.channel != HAPTIK_CHANNEL:
            await self._send(link, saying, messages, parts.outputs.to(link, opened.tracker))
        await opened.append([message.event() for message in messages])

    async def _send(self, link: Link, saying: Saying, messages: Sequence[Spoken], output: OutputChannel) -> None:
        """Send what was not sent before: where the second of three fails, the first is not repeated."""
        place = (link.id, saying.id or saying.key)
        for number in range(self._said.get(place, 0), len(messages)):
            async with deadline(_SEND_SECONDS):
                await messages[number].send(output, link.sender_id)
            self._said[place] = number + 1
        self._said.pop(place, None)

    def _resets(self, link: Link, opened: _Open) -> list[Event]:
        wanted = link.after_agent.reset
        if not is_paused(opened.tracker) or wanted == "none":
            return []
        if wanted != "form":
            return reset_slots(opened.tracker, wanted)
        form = link.form or form_of_pause(opened.tracker)
        return reset_slots(opened.tracker, opened.processor.domain.required_slots_for_form(form)) if form else []

    async def _trigger(self, link: Link, intent: str, opened: _Open) -> None:
        if intent not in opened.processor.domain.intents:
            logger.error("`after_agent` triggers the intent %s, which the domain does not have.", intent)
            return
        if not opened.is_known:
            return
        async with self._output(link, opened.tracker) as output:
            await opened.processor.trigger_external_user_uttered(intent, None, opened.tracker, output)

    @asynccontextmanager
    async def _output(self, link: Link, tracker: DialogueStateTracker | None) -> AsyncIterator[OutputChannel]:
        """Give the user's output channel, or one that collects: then the answers come with the next one."""
        parts = self._parts()
        if self.reach(link) == "push" and link.channel != HAPTIK_CHANNEL:
            yield parts.outputs.to(link, tracker)
            return
        collected = CollectingOutputChannel()
        yield collected
        await put_off(parts, link, collected.messages)


async def _end_episode(parts: Parts, link: Link, ending: Ending) -> None:
    """The next failure is a hand-off of its own, and no duplicate of this one."""
    outbox = parts.engine.outbox()
    for name in {link.user_name, link.id} - {None}:
        await outbox.end_episode(chat_of(link.business_id, str(name)), before=ending.at)
