"""`haptik-actions hsl`: elements and forms from the command line."""

from __future__ import annotations

import click

from haptik_actions.cli import form_to_domain

__all__ = ["command"]


@click.group()
def command() -> None:
    """Work with HSL in files.

    \b
    haptik-actions hsl form-to-domain visit.json
    """


command.add_command(form_to_domain.command)
