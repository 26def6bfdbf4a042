"""The group that holds the commands, and the one place where an error becomes an exit status."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from haptik_actions.cli._console import printable
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError, HaptikError, RateLimited

__all__ = ["CommandGroup", "Group"]


class Group(click.Group):
    """A group of commands. Where one is misspelt it names the nearest; click does so since 8.4, and not for ours."""

    # Groups inside of it are of this kind, too.
    group_class = type

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command.

        Raises:
            click.UsageError: there is none of this name.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            hint = nearest(name, self.list_commands(ctx)) or " `--help` lists what there is."
            raise click.UsageError(f"No such command {printable(name)!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


class CommandGroup(Group):
    """Imports the file of the command that runs, and ends every `HaptikError` as one line on stderr and a status.

    `files` are the names of the commands, which are the modules beside this one; each holds a `command`.
    """

    def __init__(self, *args: Any, files: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._files = files

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the alphabet."""
        return sorted(self._files)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of the command and return it, or None where there is no such command."""
        if cmd_name not in self._files:
            return None
        command = import_module(f"{__package__}.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            click.ClickException: what click turns into the line and the status; raised for any `HaptikError`.
        """
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            raise _NothingSent(_line(error)) from error
        except HaptikError as error:
            raise click.ClickException(_line(error)) from error


class _NothingSent(click.ClickException):
    """A setting or an argument has to change first: the status of click's own usage errors."""

    exit_code = 2


def _line(error: HaptikError) -> str:
    # Only our own words may break the line (the demo quotes a log); the platform's may hold anything.
    words = printable(str(error), keep="\n" if isinstance(error, ConfigurationError) else "").strip()
    remedy = _remedy(error)
    if not remedy:
        return words
    return f"{words if words.endswith(('.', '!', '?')) else words + '.'} {remedy}"


def _remedy(error: HaptikError) -> str:
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return f"Try again in {math.ceil(error.retry_after)} s."
    return error.remedy
