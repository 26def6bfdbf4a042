"""The command line: `haptik-actions COMMAND`. One file per command, imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from haptik_actions._version import __version__

__all__ = ["main"]

_COMMANDS = {"demo": "demo", "sandbox": "sandbox"}


class _LazyGroup(click.Group):
    """Knows its commands by name and imports the file of the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"{__name__}.{_COMMANDS[cmd_name]}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="haptik-actions")
def main() -> None:
    """Move chats of a Rasa bot to human agents on Haptik when an integration fails."""
