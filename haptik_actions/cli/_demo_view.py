"""The demo's pictures: addresses, one panel per step, the agents' queue."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from haptik_actions.demo import Happening, Stack, Step, Story

__all__ = ["addresses", "invitation", "line", "queue", "step", "story", "verdict"]

_COLOURS = {"connected": "green", "delayed": "yellow", "unavailable": "red"}
_MARKS = {"good": "green", "bad": "red"}


def addresses(stack: Stack) -> Panel:
    """Return where everything listens."""
    table = Table.grid(padding=(0, 2))
    table.add_row("[bold]the page: phone and desk[/bold]", f"[bold][link]{stack.page_url}/[/link][/bold]")
    if stack.studio_url:
        table.add_row("the studio, where sentences are edited", f"[link]{stack.studio_url}/[/link]")
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


def invitation(stack: Stack) -> str:
    """Return what to do now, in rich's markup."""
    return (
        f"Open [link]{stack.page_url}/[/link], break the orders service, and ask: where is order 1001\n"
        "What happens is printed here, too. Ctrl-C ends it."
    )


def line(happening: Happening) -> Text:
    """Return who told whom what."""
    way = f"{happening.source} → {happening.target}"
    return Text.assemble((f"{way:<26} ", "dim"), (happening.what, _MARKS.get(happening.mark, "")))


def story(told: Story) -> Panel:
    """Return what the agent and the user of the page have read."""
    table = Table.grid(padding=(0, 2))
    for who, texts in (("agent", told.to_agent), ("user", told.to_user)):
        for number, text in enumerate(texts):
            table.add_row(f"[dim]{f'the {who} read' if number == 0 else ''}[/dim]", Text(text))
    for complaint in told.complaints:
        table.add_row("[red]wrong[/red]", Text(complaint, "bold red"))
    mark = "[red]✗[/red]" if told.complaints else "[green]✓[/green]"
    title = f"{mark} To an agent, and back to the bot"
    return Panel(table, title=title, title_align="left", box=box.ROUNDED, border_style="dim")


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
