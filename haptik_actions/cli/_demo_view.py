"""The demo's pictures: addresses, one panel per step, the agents' queue."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from haptik_actions.demo import Stack, Step

__all__ = ["addresses", "queue", "step", "verdict"]

_COLOURS = {"connected": "green", "delayed": "yellow", "unavailable": "red"}


def addresses(stack: Stack) -> Panel:
    """Return where everything listens."""
    table = Table.grid(padding=(0, 2))
    table.add_row("Haptik sandbox, with the agents' queue", f"[link]{stack.sandbox_url}/[/link]")
    table.add_row("message store", stack.redis_url)
    table.add_row("orders service", stack.orders_url)
    table.add_row("action server", stack.action_server_url)
    return Panel(table, title="haptik-actions demo", title_align="left", box=box.ROUNDED, border_style="dim")


def step(played: Step) -> Panel:
    """Return what the user wrote and read in one step, and what was wrong in it."""
    table = Table.grid(padding=(0, 2))
    table.add_row("[dim]user[/dim]", Text(played.user_text))
    for text in played.user_messages:
        table.add_row("[dim]bot[/dim]", Text(text, "bold"))
    if played.receipt:
        table.add_row("[dim]receipt[/dim]", _receipt(played.receipt, played.paused))
    for complaint in played.complaints:
        table.add_row("[red]wrong[/red]", Text(complaint, "bold red"))
    mark = "[red]✗[/red]" if played.complaints else "[green]✓[/green]"
    return Panel(table, title=f"{mark} {played.title}", title_align="left", box=box.ROUNDED, border_style="dim")


def queue(stack: Stack) -> Table:
    """Return the chats that reached the platform."""
    table = Table(title="The agents' queue on Haptik", title_justify="left", box=box.ROUNDED, border_style="dim")
    for heading in ("team", "user", "state"):
        table.add_column(heading)
    for chat in stack.sandbox.queue():
        table.add_row(chat.team, chat.user_name, chat.state.replace("_", " "))
    return table


def verdict(ok: bool) -> str:
    """Return the last line, in rich's markup."""
    return "[green]Every step did what it should.[/green]" if ok else "[red]A step did not do what it should.[/red]"


def _receipt(receipt: dict[str, Any], paused: bool) -> Text:
    state = receipt["state"]
    said = f", team {receipt['team']}, after {receipt['error']}; the conversation "
    return Text.assemble((state, _COLOURS.get(state, "")), said, "is paused" if paused else "goes on with the bot")
