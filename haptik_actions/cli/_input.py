"""What people give a command to read: a file, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from haptik_actions.errors import ConfigurationError

__all__ = ["name_of", "text_of"]


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
