"""What a command reads and prints, and how one that stays up ends."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from haptik_actions.errors import ConfigurationError

__all__ = ["echo_json", "let_every_text_be_printed", "name_of", "printable", "run_until_signal", "text_of"]


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
