"""What a process that serves tells the one that starts it again: that it has started, and that it has answered a call.

A mark is an empty file, in a folder whose name workers find in their environment: they may be forked or spawned.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["Marks", "mark"]

_FOLDER = "HAPTIK_ACTIONS_MARKS"
STARTED, ANSWERED = "started", "answered"


class Marks:
    """The marks of the processes that this one starts from now on."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="haptik-actions-"))
        os.environ[_FOLDER] = str(self._folder)

    def has(self, what: str, pid: int | None) -> bool:
        """Tell whether the process has set the mark `what`."""
        return (self._folder / f"{pid}-{what}").exists()

    def remove(self) -> None:
        """Remove them all."""
        shutil.rmtree(self._folder, ignore_errors=True)


@functools.cache
def mark(what: str) -> None:
    """Set a mark for this process, where somebody watches it; once is enough."""
    folder = os.environ.get(_FOLDER)
    if folder:
        # Without a free file descriptor or a place to write there is none, and the next start has a pause.
        with contextlib.suppress(OSError):
            (Path(folder) / f"{os.getpid()}-{what}").touch()
