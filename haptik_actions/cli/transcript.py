"""`haptik-actions transcript`: what was said in a conversation.

Messages are printed as a table in a terminal, as plain lines elsewhere, or as JSON; once, or as they come.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._connect import load_settings, open_client, option_or_setting
from haptik_actions.cli._console import Group, echo_json, printable, run_until_signal
from haptik_actions.config import Settings
from haptik_actions.errors import HaptikError, RateLimited, UnexpectedResponse

if TYPE_CHECKING:
    from rich.table import Table

    from haptik_actions.client import ChatMessage, Transcript

__all__ = ["View", "command", "follow_messages", "view_for"]

View = Callable[[Sequence["ChatMessage"]], None]
"""Prints messages. It may be called again with later ones, and goes on where it was."""

_COLOURS = {"user": "cyan", "bot": "dim", "agent": "green"}
_LONGEST_WHO = 14
_TIME = "time (UTC)"


def view_for(*, as_json: bool, follow: bool, terminal: bool) -> View:
    """Return how to print: JSON as one list, or as one object per line for what has no end."""
    if as_json:
        return _json_lines if follow else _json_list
    return _TableView().show if terminal else _plain_lines


def _json_list(messages: Sequence[ChatMessage]) -> None:
    echo_json([message.raw for message in messages], indent=2)


def _json_lines(messages: Sequence[ChatMessage]) -> None:
    for message in messages:
        echo_json(message.raw)


def _plain_lines(messages: Sequence[ChatMessage]) -> None:
    """One message, one line, so that `grep` finds who said it: a line break in it is shown as `\\n`."""
    width = max((len(_who(message)) for message in messages), default=0)
    for message in messages:
        at = _at(message)
        time = f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else printable(message.sent_at)
        click.echo(f"{time}  {_who(message):<{width}}  {printable(message.text)}")


class _TableView:
    """A table that grows: later messages get the columns of the first ones, and no second heading."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False, markup=False, emoji=False)
        self._day: date | None = None
        self._who_width = len("agent")
        self._headed = False

    def show(self, messages: Sequence[ChatMessage]) -> None:
        if not messages:
            return
        longest = max(len(_who(message)) for message in messages)
        self._who_width = min(max(self._who_width, longest), _LONGEST_WHO)
        table = self._table()
        for message in messages:
            self._add(table, message)
        self._console.print(table)
        self._headed = True

    def _table(self) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, show_header=not self._headed, show_edge=False, padding=(0, 1, 0, 0))
        table.add_column(_TIME, width=len(_TIME), overflow="fold")
        table.add_column("who", width=self._who_width, overflow="fold")
        table.add_column("text", overflow="fold")
        return table

    def _add(self, table: Table, message: ChatMessage) -> None:
        from rich.text import Text

        at = _at(message)
        if at is not None and at.date() != self._day:
            self._day = at.date()
            table.add_row(Text(f"{at:%Y-%m-%d}", "bold"))
        time = Text(f"{at:%H:%M:%S}" if at else printable(message.sent_at), "dim")
        who = Text(_who(message), _COLOURS.get(message.sender, ""))
        table.add_row(time, who, Text(printable(message.text, keep="\n")))


def _at(message: ChatMessage) -> datetime | None:
    # Haptik's text is shown where it is no time as documented: the words matter more than when they were said.
    try:
        return message.timestamp.astimezone(timezone.utc)
    except UnexpectedResponse:
        return None


def _who(message: ChatMessage) -> str:
    if message.sender != "agent":
        return message.sender
    return f"{printable(message.agent_name)} (agent)" if message.agent_name else "agent"


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


@click.group(cls=Group)
def command() -> None:
    """Read what was said in a conversation.

    \b
    haptik-actions transcript get --conversation-no 7 --user-name asha
    """


@command.command()
@click.option("--conversation-no", type=int, required=True, metavar="N", help="The number of the user's conversation.")
@click.option("--user-name", metavar="USER", help="Whose: the identifier of Haptik's integration request.")
@click.option("--business-id", type=int, show_default="HAPTIK_BUSINESS_ID", help="Where the user wrote: a number.")
@click.option("--pxut", help="Instead of user and business: the user's TRACT token.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="No more than N messages.")
@click.option("--version", type=click.Choice(["1.0", "2.0"]), default="2.0", show_default=True, help="Of Haptik's API.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as Haptik sent them; with --follow one per line.")
@click.option("--text", "as_text", is_flag=True, help="Print the text that Haptik makes of the conversation.")
@click.option("--follow", is_flag=True, help="Go on with what is said from now on, until Ctrl-C.")
@click.option("--interval", type=click.IntRange(1, 3600), default=2, show_default=True, help="Of --follow, in seconds.")
def get(as_json: bool, as_text: bool, follow: bool, interval: int, limit: int | None, **which: Any) -> None:
    """Print a conversation: a table in a terminal, plain lines elsewhere. Times are in UTC.

    Name the user with --user-name and --business-id, or with --pxut. Address and credentials come from the settings:
    HAPTIK_BASE_URL, HAPTIK_CLIENT_ID, HAPTIK_TOKEN.

    \b
    haptik-actions transcript get --conversation-no 7 --user-name asha
    haptik-actions transcript get --conversation-no 7 --pxut "$PXUT" --json
    haptik-actions transcript get --conversation-no 7 --user-name asha --follow
    """
    if as_text and (as_json or follow):
        raise click.UsageError("--text goes with neither --json nor --follow.")
    settings = load_settings()
    conversation = _conversation(settings, **which)
    if as_text:
        _print_text(asyncio.run(_text(settings, conversation, limit)))
        return
    show = view_for(as_json=as_json, follow=follow, terminal=sys.stdout.isatty())
    if follow:
        run_until_signal(_follow(settings, conversation, show, last=limit, interval=interval))
    else:
        _print_messages(asyncio.run(_messages(settings, conversation, limit)), show)


def _conversation(
    settings: Settings, *, user_name: str | None, business_id: int | None, pxut: str | None, **rest: Any
) -> dict[str, Any]:
    if pxut is not None:
        if user_name is not None or business_id is not None:
            raise click.UsageError("--pxut names the user alone: leave out --user-name and --business-id.")
        return {"pxut": pxut, **rest}
    if user_name is None:
        raise click.UsageError("--user-name is not given, and neither is --pxut. Give one of them.")
    business_id = option_or_setting(business_id, "--business-id", settings, "business_id")
    return {"user_name": user_name, "business_id": business_id, **rest}


async def _text(settings: Settings, conversation: dict[str, Any], limit: int | None) -> str:
    async with open_client(settings) as client:
        return await client.get_chat_history_text(**conversation, limit=limit)


def _print_text(text: str) -> None:
    # In a file or a pipe it is Haptik's text to the last byte.
    click.echo(printable(text, keep="\n") if sys.stdout.isatty() else text, nl=not text.endswith("\n"))


async def _messages(settings: Settings, conversation: dict[str, Any], limit: int | None) -> tuple[ChatMessage, ...]:
    async with open_client(settings) as client:
        return (await client.get_chat_history(**conversation, limit=limit)).messages


def _print_messages(messages: tuple[ChatMessage, ...], show: View) -> None:
    show(messages)
    if not messages:
        click.echo("The conversation holds no messages.", err=True)


async def _follow(
    settings: Settings, conversation: dict[str, Any], show: View, *, last: int | None, interval: int
) -> None:
    async with open_client(settings) as client:
        read = partial(client.get_chat_history, **conversation)
        await follow_messages(read, show, last=last, interval=interval)
