"""`haptik-actions resume`: give a paused conversation back to the bot."""

from __future__ import annotations

import asyncio

import click

from haptik_actions.cli._console import echo_json, printable

__all__ = ["command"]


@click.command()
@click.argument("conversation")
@click.option(
    "--rasa-url",
    envvar="RASA_URL",
    default="http://localhost:5005",
    show_default=True,
    metavar="URL",
    help="Where Rasa runs with --enable-api. Setting: RASA_URL.",
)
@click.option("--token", envvar="RASA_TOKEN", help="Of `rasa run --auth-token`. Better set RASA_TOKEN.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the line.")
def command(conversation: str, rasa_url: str, token: str | None, as_json: bool) -> None:
    """End the pause of a conversation.

    A confirmed hand-off pauses the conversation, so that the bot leaves the user to the agent. CONVERSATION is the id
    under which the channel posts to Rasa, the `sender_id` of the tracker. A conversation that is not paused is left as
    it is, so the command may be repeated.

    \b
    haptik-actions resume chat-1
    haptik-actions resume chat-1 --rasa-url http://rasa:5005 --json
    """
    from haptik_actions.rasa_api import resume

    posted = asyncio.run(resume(conversation, rasa_url=rasa_url, token=token))
    if as_json:
        echo_json({"conversation": conversation, "resumed": bool(posted), "events": posted})
        return
    name = printable(conversation)
    click.echo(f"The bot has conversation {name} back." if posted else f"Conversation {name} is not paused.")
