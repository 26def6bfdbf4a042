"""What waits for users whose channel can only answer them: it comes with the answer to their next message."""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from rasa.core.channels.channel import OutputChannel

from haptik_actions.channel._sayings import spoken
from haptik_actions.errors import RelayAway
from haptik_actions.relay import Link

if TYPE_CHECKING:
    from haptik_actions.channel._parts import Parts

__all__ = ["LateAnswers", "bring"]

logger = logging.getLogger(__name__)

_MOST_CONVERSATIONS = 1_000
_MOST_MESSAGES = 50


class LateAnswers:
    """What the bot has said without being asked, to users who cannot be reached just now. Lost with the process."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()

    def add(self, id_: str, messages: list[dict[str, Any]]) -> None:
        """Keep messages of a collecting output channel for the conversation."""
        if not messages:
            return
        kept = self._messages.setdefault(id_, [])
        kept += messages
        del kept[:-_MOST_MESSAGES]
        self._messages.move_to_end(id_)
        if len(self._messages) > _MOST_CONVERSATIONS:
            lost, _ = self._messages.popitem(last=False)
            logger.warning("What the bot had to say in %s is lost: too many wait for their users.", lost)

    def take(self, id_: str) -> list[dict[str, Any]]:
        """Return them, and forget them."""
        return self._messages.pop(id_, [])


async def bring(parts: Parts, link: Link, output: OutputChannel) -> int:
    """Put what waits into the answer, first what came first, and return how much it was."""
    try:
        waiting = await parts.relay.collect(link) if parts.relay is not None else []
    except RelayAway:
        return 0
    for entry in waiting:
        for message in await spoken(entry.saying, link.channel, parts.messages, link.locale):
            await message.send(output, link.sender_id)
    late = parts.late.take(link.id)
    for answer in late:
        shown = {name: value for name, value in answer.items() if name != "recipient_id"}
        await output.send_response(link.sender_id, {"text": None, **shown})
    return len(waiting) + len(late)
