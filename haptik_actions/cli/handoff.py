"""`haptik-actions handoff`: hand-offs by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from haptik_actions.cli._connect import load_settings, open_client, option_or_setting
from haptik_actions.cli._console import Group, echo_json, printable
from haptik_actions.config import Settings

__all__ = ["command"]


@click.group(cls=Group)
def command() -> None:
    """Move chats to human agents by hand.

    \b
    haptik-actions handoff send --user-name asha --business-id 1201 --team orders
    """


@command.command()
@click.option("--user-name", required=True, metavar="USER", help="Who: the identifier of Haptik's integration request.")
@click.option("--business-id", type=int, show_default="HAPTIK_BUSINESS_ID", help="Where the user writes: a number.")
@click.option("--team", show_default="HAPTIK_TEAM", help="A name from the Teams page of the Agent Chat Tool.")
@click.option("--countdown", type=int, show_default="10", help="Seconds until the chat enters the queue: 5 to 10.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the line.")
def send(user_name: str, business_id: int | None, team: str | None, countdown: int | None, as_json: bool) -> None:
    """Move a user's chat to the queue of a team.

    Prints one line once Haptik has confirmed. A chat that waits already stays one chat, so the command may be
    repeated. Address and credentials come from the settings: HAPTIK_BASE_URL, HAPTIK_CLIENT_ID, HAPTIK_TOKEN.

    \b
    haptik-actions handoff send --user-name asha --business-id 1201 --team orders
    haptik-actions handoff send --user-name ben --countdown 5 --json
    """
    settings = load_settings()
    chat = {
        "user_name": user_name,
        "business_id": option_or_setting(business_id, "--business-id", settings, "business_id"),
        "team_name": option_or_setting(team, "--team", settings, "team"),
        "countdown": countdown,
    }
    asyncio.run(_send(settings, chat))
    if as_json:
        echo_json({"success": True, **chat})
    else:
        click.echo(_line(chat))


async def _send(settings: Settings, chat: dict[str, Any]) -> None:
    async with open_client(settings) as client:
        await client.send_chat_to_agent(**chat)


def _line(chat: dict[str, Any]) -> str:
    countdown = "the platform's countdown" if chat["countdown"] is None else f"a countdown of {chat['countdown']} s"
    who, team = printable(chat["user_name"]), printable(chat["team_name"])
    where = f"on business {chat['business_id']} goes to team {team}"
    return f"Haptik confirmed: the chat of {who} {where} with {countdown}."
