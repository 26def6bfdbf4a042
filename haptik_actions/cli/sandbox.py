"""`haptik-actions sandbox`: the platform on a port of this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from haptik_actions.cli._console import run_until_signal

__all__ = ["command"]

_STATE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--state", type=_STATE, help="YAML file with partners, businesses, teams and users.")
def command(port: int, state: Path | None) -> None:
    """Run the Haptik platform on a port of this machine.

    For trying things and for tests: in memory, on 127.0.0.1 alone, until Ctrl-C. Prints its address, where the agents'
    page is.

    \b
    haptik-actions sandbox --port 8123
    haptik-actions sandbox --state my-teams.yml
    """
    run_until_signal(_serve(port, state))


async def _serve(port: int, state: Path | None) -> None:
    from haptik_actions.sandbox import Sandbox, serve

    sandbox = Sandbox() if state is None else Sandbox.from_file(state)
    async with serve(sandbox, port) as url:
        click.echo(f"Haptik sandbox: {url}/  (Ctrl-C ends it)")
        await asyncio.Event().wait()
