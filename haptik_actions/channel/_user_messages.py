"""What the relay brings to a user, as messages of one of Rasa's channels.

They are sent at once where the channel can do that. Otherwise they wait, and come with the answer to what the user
writes next.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rasa.core.channels.channel import OutputChannel
from rasa.shared.core.events import BotUttered

from haptik_actions._from_outside import JsonObject
from haptik_actions.answers import to_metadata
from haptik_actions.channel._haptik_bubbles import bubbles
from haptik_actions.channel._tracker_events import mark
from haptik_actions.errors import RelayAway
from haptik_actions.messages import MessageStore, Template
from haptik_actions.relay import HAPTIK_CHANNEL, Link, Saying
from haptik_actions.render import Copy, render

if TYPE_CHECKING:
    from haptik_actions.channel._parts import Parts

__all__ = ["Spoken", "bring", "put_off", "spoken"]

_DATA = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One message of a channel, as Rasa's output channels take it, and the metadata that the tracker keeps."""

    message: Mapping[str, Any]
    metadata: Mapping[str, Any]

    def event(self) -> BotUttered:
        """Return the tracker's event."""
        data = {name: self.message.get(name) for name in _DATA}
        return BotUttered(self.message.get("text"), copy.deepcopy(data), dict(self.metadata))

    async def send(self, output: OutputChannel, sender_id: str) -> None:
        """Send it to the user."""
        # Connectors take their arguments apart.
        await output.send_response(sender_id, copy.deepcopy(dict(self.message)))


async def spoken(saying: Saying, channel: str, messages: MessageStore, locale: str | None) -> list[Spoken]:
    """Return the messages in which the channel shows it; none where it has nothing to show there."""
    # Users of Haptik's own channel have read it there. The tracker gets its words.
    form = None if channel == HAPTIK_CHANNEL else channel
    conversion = render(saying.element, form, copy=await _words(messages, locale))
    author = mark(saying)
    shown = [Spoken(message=_rasa(message), metadata=author) for message in conversion.messages]
    if shown:
        last = Spoken(message=shown[-1].message, metadata={**author, **to_metadata(conversion.replies)})
        shown[-1] = last
    return shown


def _rasa(message: Mapping[str, object]) -> JsonObject:
    """Return the message under the names of Rasa's server: the dispatcher of an action calls `custom` otherwise."""
    named = {"custom" if name == "json_message" else name: value for name, value in message.items()}
    return {"text": None, **named}


async def _words(messages: MessageStore, locale: str | None) -> Copy:
    keys, english = Copy.message_keys(), Copy.default()
    # The renderer fills these placeholders, so each is filled with itself.
    names = {name: f"{{{name}}}" for field in keys for name in Template.parse(getattr(english, field)).names}
    texts = await asyncio.gather(*(messages.text(key, locale, **names) for key in keys.values()))
    return Copy.of(dict(zip(keys.values(), texts, strict=True)))


async def put_off(parts: Parts, link: Link, messages: Sequence[JsonObject]) -> None:
    """Keep what the bot has said to a user without being asked; any process gives it with the user's next answer.

    `messages` are those of a collecting output channel.
    """
    if link.channel == HAPTIK_CHANNEL:
        await parts.late.put(link.sender_id, [bubble for message in messages for bubble in bubbles(message)])
    else:
        await parts.late.put(link.id, [json.dumps(message) for message in messages])


async def bring(parts: Parts, link: Link, output: OutputChannel) -> int:
    """Put what waits into the answer, first what came first, and return how much it was."""
    try:
        waiting = await parts.relay.collect(link) if parts.relay is not None else []
    except RelayAway:
        return 0
    for entry in waiting:
        for message in await spoken(entry.saying, link.channel, parts.messages, link.locale):
            await message.send(output, link.sender_id)
    late = await parts.late.take(link.id)
    for answer in map(json.loads, late):
        shown = {name: value for name, value in answer.items() if name != "recipient_id"}
        await output.send_response(link.sender_id, {"text": None, **shown})
    return len(waiting) + len(late)
