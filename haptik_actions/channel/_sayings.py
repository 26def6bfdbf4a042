"""A saying of the relay in the form of one of Rasa's channels: what is sent, and what the tracker keeps of it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rasa.core.channels.channel import OutputChannel
from rasa.shared.core.events import BotUttered

from haptik_actions.answers import to_metadata
from haptik_actions.channel._events import mark
from haptik_actions.messages import MessageStore, Template
from haptik_actions.relay import HAPTIK_CHANNEL, Saying
from haptik_actions.render import Copy, render

__all__ = ["Spoken", "spoken"]

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


def _rasa(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message under the names of Rasa's server: the dispatcher of an action calls `custom` otherwise."""
    named = {"custom" if name == "json_message" else name: value for name, value in message.items()}
    return {"text": None, **named}


async def _words(messages: MessageStore, locale: str | None) -> Copy:
    keys, english = Copy.message_keys(), Copy.default()
    # The renderer fills these placeholders, so each is filled with itself.
    names = {name: f"{{{name}}}" for field in keys for name in Template.parse(getattr(english, field)).names}
    texts = await asyncio.gather(*(messages.text(key, locale, **names) for key in keys.values()))
    return Copy.of(dict(zip(keys.values(), texts, strict=True)))
