"""Following a conversation: read it again and again, show what is new."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from haptik_actions.cli._output import printable
from haptik_actions.cli._transcript_view import View
from haptik_actions.errors import HaptikError, RateLimited

if TYPE_CHECKING:
    from haptik_actions.client import Transcript

__all__ = ["follow_messages"]


async def follow_messages(
    read: Callable[[], Awaitable[Transcript]], show: View, *, last: int | None, interval: float
) -> None:
    """Show the `last` messages (all where it is None), then every message with a new id, for ever.

    `interval` is the pause between two reads in seconds. A temporary error after the first read is said on stderr,
    once, and the reading goes on.

    Raises:
        HaptikError: the first read failed, or a later one in a way that trying again does not mend.
    """
    # Always the whole conversation: with a limit, more messages than that between two reads would be lost.
    messages = (await read()).messages
    show(messages[-last:] if last else messages)
    seen = {message.message_id for message in messages}
    trouble: HaptikError | None = None
    while True:
        await asyncio.sleep(max(interval, _asked_for(trouble)))
        trouble = await _look(read, show, seen, trouble)


async def _look(
    read: Callable[[], Awaitable[Transcript]], show: View, seen: set[int], before: HaptikError | None
) -> HaptikError | None:
    """Show what is not in `seen` and add it; return the temporary error that kept from it, if one did."""
    try:
        messages = (await read()).messages
    except HaptikError as error:
        if not error.temporary:
            raise
        _notice(error, before)
        return error
    show([message for message in messages if message.message_id not in seen])
    seen.update(message.message_id for message in messages)
    return None


def _asked_for(trouble: HaptikError | None) -> float:
    return (trouble.retry_after or 0.0) if isinstance(trouble, RateLimited) else 0.0


def _notice(error: HaptikError, before: HaptikError | None) -> None:
    if type(error) is not type(before):
        click.echo(f"Still following: {printable(str(error)).rstrip('.')}. It is tried again.", err=True)
