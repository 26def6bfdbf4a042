"""What all commands have in common: what they read and print, and how one that stays up ends.

Here is the group that holds them, and the one place where an error becomes an exit status.
"""

from __future__ import annotations

import asyncio
import io
import math
import re
import signal
import sys
from collections.abc import Coroutine, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError, HaptikError, RateLimited

__all__ = [
    "CommandGroup",
    "Group",
    "echo_json",
    "let_every_text_be_printed",
    "name_of",
    "printable",
    "run_until_signal",
    "text_of",
]


def name_of(file: Path) -> str:
    """The file as it is shown: `-` is standard input."""
    return "<stdin>" if str(file) == "-" else str(file)


def text_of(file: Path) -> str:
    """What `file` holds; `-` is standard input. UTF-8 in any locale, with or without a byte-order mark.

    Raises:
        ConfigurationError: it cannot be read, or is not UTF-8; names the file.
    """
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name_of(file)} is not UTF-8 ({error.reason}). Save it as UTF-8.") from error


# C0 and C1 controls, the separators that other programs take for a line's end, and lone surrogates, which no encoding
# can write. A user of the bot writes these texts: an escape sequence in one would reach the terminal of the reader.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LEFT_BY_JSON = re.compile("[\x7f-\x9f\u2028\u2029]")


def printable(text: str, *, keep: str = "") -> str:
    r"""Return `text` with control characters as escapes (`\n`, `\x1b`), those in `keep` excepted."""
    return _CONTROL.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def echo_json(value: Any, *, indent: int = 0) -> None:
    """Print `value` as JSON in UTF-8, whatever the locale: in one line, or over several with `indent` spaces."""
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=indent or -1).decode()
    # JSON escapes C0 itself; the others can only stand in its strings, where `\u009b` is the same character.
    click.echo(_LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded).encode())


def let_every_text_be_printed() -> None:
    """Make stdout show what its encoding lacks as an escape, where Python would raise `UnicodeEncodeError`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


T = TypeVar("T")


def run_until_signal(main: Coroutine[Any, Any, T]) -> T | None:
    """Run `main` and return its result, or None where a signal ended it. A second signal does not cut the clean-up."""

    async def supervise() -> T | None:
        task = asyncio.ensure_future(main)
        signalled = False

        def stop() -> None:
            nonlocal signalled
            if not signalled:
                signalled = True
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            if signalled:
                return None
            raise

    return asyncio.run(supervise())


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
