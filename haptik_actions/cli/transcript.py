"""`haptik-actions transcript`: what was said in a conversation."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._connect import load_settings, open_client, option_or_setting
from haptik_actions.cli._console import printable, run_until_signal
from haptik_actions.cli._group import Group
from haptik_actions.cli._transcript_view import View, follow_messages, view_for
from haptik_actions.config import Settings

if TYPE_CHECKING:
    from haptik_actions.client import ChatMessage

__all__ = ["command"]


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
