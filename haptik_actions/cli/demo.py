"""`haptik-actions demo`: the whole path on one machine, without an account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._output import echo_json
from haptik_actions.cli._signals import run_until_signal

if TYPE_CHECKING:
    from haptik_actions.demo import Stack, Step

__all__ = ["command"]


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
    ok = run_until_signal(_run(once, as_json))
    # None: Ctrl-C, which is how a demo that stays up is meant to end.
    if ok is False or (ok is None and once):
        raise click.exceptions.Exit(1)


async def _run(once: bool, as_json: bool) -> bool:
    from haptik_actions.demo import start_stack

    async with start_stack() as stack:
        ok = await _show(stack, once, as_json)
        if not once:
            await asyncio.Event().wait()
    return ok


async def _show(stack: Stack, once: bool, as_json: bool) -> bool:
    from rich.console import Console

    from haptik_actions.cli import _demo_view as view
    from haptik_actions.demo import play

    console = Console(quiet=as_json, highlight=False)
    console.print(view.addresses(stack))
    steps = []
    async for step in play(stack):
        steps.append(step)
        console.print(view.step(step))
    console.print(view.queue(stack))
    ok = not any(step.complaints for step in steps)
    if as_json:
        echo_json(_report(ok, steps, stack))
    console.print(view.verdict(ok))
    if not once:
        console.print(f"Everything stays up. The agents' queue: [link]{stack.sandbox_url}/[/link]  Ctrl-C ends it.")
    return ok


def _report(ok: bool, steps: list[Step], stack: Stack) -> dict[str, Any]:
    return {
        "ok": ok,
        "steps": [{"name": s.name, "user_messages": s.user_messages, "receipt": s.receipt} for s in steps],
        "queue": [{"team": chat.team, "user_name": chat.user_name} for chat in stack.sandbox.queue()],
    }
