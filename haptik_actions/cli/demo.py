"""`haptik-actions demo`: the whole path on one machine, without an account."""

from __future__ import annotations

import asyncio
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from haptik_actions.cli._signals import run_until_signal
from haptik_actions.demo import Stack, Step, play, start_stack
from haptik_actions.errors import HaptikError

__all__ = ["command"]

_COLOURS = {"connected": "green", "delayed": "yellow", "unavailable": "red"}


@click.command()
@click.option("--once", is_flag=True, help="End after the last step; status 0 only if every step did what it should.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the pictures.")
def command(once: bool, as_json: bool) -> None:
    """Show on this machine what happens when an action fails.

    Starts a sandbox of Haptik, a Valkey, a small orders service and a real action server, all on loopback, plays
    action calls that a real Rasa has sent, and stays up until Ctrl-C.

    \b
    haptik-actions demo
    haptik-actions demo --once --json
    """
    try:
        ok = run_until_signal(_run(once, as_json))
    except HaptikError as error:
        raise click.ClickException(str(error)) from error
    # None: Ctrl-C, which is how a demo that stays up is meant to end.
    if ok is False or (ok is None and once):
        raise click.exceptions.Exit(1)


async def _run(once: bool, as_json: bool) -> bool:
    console = Console(quiet=as_json, highlight=False)
    async with start_stack() as stack:
        console.print(_addresses(stack))
        steps = []
        async for step in play(stack):
            steps.append(step)
            console.print(_step(step))
        console.print(_queue(stack))
        ok = not any(step.complaints for step in steps)
        if as_json:
            click.echo(msgspec.json.encode(_report(ok, steps, stack)).decode())
        console.print(_verdict(ok))
        if not once:
            console.print(f"Everything stays up. The agents' queue: [link]{stack.sandbox_url}/[/link]  Ctrl-C ends it.")
            await asyncio.Event().wait()
    return ok


def _report(ok: bool, steps: list[Step], stack: Stack) -> dict[str, Any]:
    return {
        "ok": ok,
        "steps": [{"name": s.name, "user_messages": s.user_messages, "receipt": s.receipt} for s in steps],
        "queue": [{"team": chat.team, "user_name": chat.user_name} for chat in stack.sandbox.queue()],
    }


def _addresses(stack: Stack) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_row("Haptik sandbox, with the agents' queue", f"[link]{stack.sandbox_url}/[/link]")
    table.add_row("message store", stack.redis_url)
    table.add_row("orders service", stack.orders_url)
    table.add_row("action server", stack.action_server_url)
    return Panel(table, title="haptik-actions demo", title_align="left", box=box.ROUNDED, border_style="dim")


def _step(step: Step) -> Panel:
    table = Table.grid(padding=(0, 2))
    table.add_row("[dim]user[/dim]", Text(step.user_text))
    for text in step.user_messages:
        table.add_row("[dim]bot[/dim]", Text(text, "bold"))
    if step.receipt:
        table.add_row("[dim]receipt[/dim]", _receipt(step.receipt, step.paused))
    for complaint in step.complaints:
        table.add_row("[red]wrong[/red]", Text(complaint, "bold red"))
    mark = "[red]✗[/red]" if step.complaints else "[green]✓[/green]"
    return Panel(table, title=f"{mark} {step.title}", title_align="left", box=box.ROUNDED, border_style="dim")


def _receipt(receipt: dict[str, Any], paused: bool) -> Text:
    state = receipt["state"]
    said = f", team {receipt['team']}, after {receipt['error']}; the conversation "
    return Text.assemble((state, _COLOURS.get(state, "")), said, "is paused" if paused else "goes on with the bot")


def _queue(stack: Stack) -> Table:
    table = Table(title="The agents' queue on Haptik", title_justify="left", box=box.ROUNDED, border_style="dim")
    for heading in ("team", "user", "state"):
        table.add_column(heading)
    for chat in stack.sandbox.queue():
        table.add_row(chat.team, chat.user_name, chat.state.replace("_", " "))
    return table


def _verdict(ok: bool) -> str:
    return "[green]Every step did what it should.[/green]" if ok else "[red]A step did not do what it should.[/red]"
