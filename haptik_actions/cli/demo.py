"""`haptik-actions demo`: the whole path on one machine, without an account."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._console import echo_json, run_until_signal

if TYPE_CHECKING:
    from rich.console import Console

    from haptik_actions.demo import Stack, Step, Story

__all__ = ["command"]

_LOOK_SECONDS = 0.2


@click.command()
@click.option("--once", is_flag=True, help="Play the story, then end; status 0 only if everything went as it should.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the pictures; with --once.")
@click.option(
    "--rasa",
    metavar="PYTHON",
    help="A Python with Rasa 3.6.21 and this library: a real Rasa answers on the phone, in place of a stand-in.",
)
def command(once: bool, as_json: bool, rasa: str | None) -> None:
    """Show how a chat reaches a person and comes back.

    Starts a sandbox of Haptik, a Valkey, a small orders service and a real action server, all on loopback, and a page
    with the user's phone on the left and the agent's desk on the right. What happens between them stands on the page
    and is printed here. It stays up until Ctrl-C. With --once it plays action calls that a real Rasa has sent, and a
    chat from a failing action to an agent and back.

    \b
    haptik-actions demo
    haptik-actions demo --once --json
    haptik-actions demo --rasa .venv-rasa/bin/python
    """
    if as_json and not once:
        raise click.UsageError("--json goes with --once: a demo that stays up has no result.")
    ok = run_until_signal(_run(once, as_json, rasa))
    # None: Ctrl-C, which is how a demo that stays up is meant to end.
    if ok is False or (ok is None and once):
        raise click.exceptions.Exit(1)


async def _run(once: bool, as_json: bool, rasa: str | None) -> bool:
    from rich.console import Console

    from haptik_actions.cli import _demo_view as view
    from haptik_actions.demo import start_stack

    console = Console(quiet=as_json, highlight=False)
    async with start_stack(rasa=rasa, told=lambda line: console.print(view.line(line))) as stack:
        console.print(view.addresses(stack))
        if once:
            return await _play(stack, console, as_json)
        console.print(view.invitation(stack))
        while True:
            # What the platform has seen is looked at now and then; what the page does is told at once.
            stack.strip.look()
            await asyncio.sleep(_LOOK_SECONDS)


async def _play(stack: Stack, console: Console, as_json: bool) -> bool:
    from haptik_actions.cli import _demo_view as view
    from haptik_actions.demo import play, tell_story

    story = await tell_story(stack)
    console.print(view.story(story))
    steps = []
    async for step in play(stack):
        steps.append(step)
        console.print(view.step(step))
    console.print(view.queue(stack))
    ok = not story.complaints and not any(step.complaints for step in steps)
    if as_json:
        echo_json(_report(ok, steps, story, stack))
    console.print(view.verdict(ok))
    return ok


def _report(ok: bool, steps: list[Step], story: Story, stack: Stack) -> dict[str, Any]:
    return {
        "ok": ok,
        "steps": [{"name": s.name, "user_messages": s.user_messages, "receipt": s.receipt} for s in steps],
        "queue": [{"team": chat.team, "user_name": chat.user_name} for chat in stack.sandbox.queue()],
        "relay": {"to_agent": story.to_agent, "to_user": story.to_user},
    }
