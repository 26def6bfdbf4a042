"""`haptik-actions sandbox`: the platform on a port of this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from haptik_actions.cli._signals import run_until_signal
from haptik_actions.errors import HaptikError

__all__ = ["command"]


@click.command()
@click.option("--port", default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--state", type=click.Path(path_type=Path), help="YAML file with partners, businesses, teams and users.")
def command(port: int, state: Path | None) -> None:
    """Run a sandbox of the Haptik platform on 127.0.0.1 until Ctrl-C.

    \b
    haptik-actions sandbox --port 8123
    haptik-actions sandbox --state my-teams.yml
    """
    try:
        run_until_signal(_serve(port, state))
    except HaptikError as error:
        raise click.ClickException(str(error)) from error


async def _serve(port: int, state: Path | None) -> None:
    from haptik_actions.sandbox import Sandbox, serve

    sandbox = Sandbox() if state is None else Sandbox.from_file(state)
    async with serve(sandbox, port) as url:
        click.echo(f"Haptik sandbox: {url}/  (Ctrl-C ends it)")
        await asyncio.Event().wait()
