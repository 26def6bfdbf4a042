"""What is printed: JSON, and the words of others without what would steer a terminal."""

from __future__ import annotations

import io
import re
import sys
from typing import Any

import click
import msgspec

__all__ = ["echo_json", "let_every_text_be_printed", "printable"]

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
