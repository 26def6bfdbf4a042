"""What a process that serves tells the one that starts it again: that it has started, that it has answered a call, and
that it lives.

A mark is an empty file, in a folder whose name workers find in their environment: they may be forked or spawned.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["Marks", "mark", "place_for"]

_FOLDER, _KEEPER = "HAPTIK_ACTIONS_MARKS", "HAPTIK_ACTIONS_KEEPER"
STARTED, ANSWERED, BEAT = "started", "answered", "beat"


class Marks:
    """The marks of the processes that this one starts from now on."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="haptik-actions-"))
        os.environ[_FOLDER], os.environ[_KEEPER] = str(self._folder), str(os.getpid())

    def has(self, what: str, pid: int | None) -> bool:
        """Tell whether the process has set the mark `what`."""
        return self.place(what, pid).exists()

    def place(self, what: str, pid: int | None) -> Path:
        """Return the file that is this mark of the process."""
        return self._folder / f"{pid}-{what}"

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


def place_for(what: str) -> Path | None:
    """Return the file that is this mark of this process; None where its parent is not who starts it again."""
    folder = os.environ.get(_FOLDER)
    if not folder or os.environ.get(_KEEPER) != str(os.getppid()):
        return None
    return Path(folder) / f"{os.getpid()}-{what}"
