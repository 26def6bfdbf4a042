"""What waits for users whose channel can only answer them: it comes with the answer to their next message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rasa.core.channels.channel import OutputChannel

from haptik_actions.channel._bubbles import bubbles
from haptik_actions.channel._sayings import spoken
from haptik_actions.errors import RelayAway
from haptik_actions.relay import HAPTIK_CHANNEL, Link

if TYPE_CHECKING:
    from haptik_actions.channel._parts import Parts

__all__ = ["bring", "put_off"]


async def put_off(parts: Parts, link: Link, messages: Sequence[dict[str, Any]]) -> None:
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
