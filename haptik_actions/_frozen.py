"""Processes that are frozen, seen from another one: they are interrupted, and killed where that does not help.

Where their threads are is written by a signal handler in C, which needs no lock of Python's.

`start_watcher` runs this module as a program of its own, for a server which is a single process and which nothing of
ours has started. It imports neither rasa-sdk nor anything else that is large, and ends with the server.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from haptik_actions._log import get_logger
from haptik_actions._pulse import Watched

__all__ = ["PATIENCE_SECONDS", "Keeper", "is_library", "main", "places_of", "show_places", "start_watcher"]

logger = get_logger(__name__)

PATIENCE_SECONDS = 10
"""For so long a process may be frozen, where `frozen_seconds` of the settings says nothing else."""

_NUMBER: int | None = signal.SIGRTMAX - 4 if hasattr(signal, "SIGRTMAX") else None
"""Real-time signals are free for programs. Who uses this one already keeps it."""
_STACKS, _READY = ".stacks", ".ready"
_LONGEST_WAIT = 1.0
_MOST = 5
_FRAME = re.compile(r'^  File "(.+)", line (\d+)', re.MULTILINE)
_LIBRARIES = (
    *{sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")},
    str(Path(__file__).parent),
)
_LOOK_SECONDS = 0.25
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from haptik_actions._frozen import main; main()"
_FORMAT = "%(asctime)s %(levelname)-8s %(name)s  - %(message)s"


class Keeper:
    """Looks after processes that show their pulse: `place` says in which file.

    One that is frozen for `patience` seconds is killed; with 0 it is left, and the log says so. `restarts` says that
    whoever keeps it starts another one then.
    """

    def __init__(self, place: Callable[[int], Path], *, patience: float, restarts: bool) -> None:
        self._place, self._patience, self._restarts = place, patience, restarts
        self._watched: dict[int, Watched] = {}
        self._frozen: set[int] = set()

    def look(self, pid: int, name: str) -> None:
        """Look at one process, which logs call `name`; to be called every quarter of a second or more often."""
        watched = self._watched.get(pid) or self._meet(pid)
        if watched is None or self.has_killed(pid):
            return
        watched.look()
        if not watched.is_frozen(self._patience or PATIENCE_SECONDS):
            self._frozen.discard(pid)
        elif pid not in self._frozen:
            self._frozen.add(pid)
            self._end(pid, name)

    def has_killed(self, pid: int | None) -> bool:
        """Tell whether the process was killed because it was frozen."""
        return self._patience > 0 and pid in self._frozen

    def _meet(self, pid: int) -> Watched | None:
        # It has none before it serves, and none at all where another handler has the signal.
        with contextlib.suppress(OSError, ValueError):
            self._watched[pid] = Watched(pid, self._place(pid))
        return self._watched.get(pid)

    def _end(self, pid: int, name: str) -> None:
        places = places_of(pid, self._place(pid))
        at = f" Its threads are at {', '.join(places)}." if places else ""
        logger.error(
            "%s is frozen: some code lets nothing else run in it, as a regular expression can that goes wrong, and "
            "cannot be interrupted.%s %s",
            *(name, at, self._what_follows()),
        )
        if self._patience > 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _what_follows(self) -> str:
        if self._patience <= 0:
            return "It is left as it is (HAPTIK_FROZEN_SECONDS), and answers nobody until that code ends."
        if self._restarts:
            return "It is killed and started again."
        return "It is killed; what has started it has to start it again."


def is_library(file: str) -> bool:
    """Tell whether a file of Python code is the standard library's, an installed package's, or this library's own.

    So is code that was made in memory, which has a name instead of a path.
    """
    return file.startswith(_LIBRARIES) or not Path(file).is_absolute()


def show_places(path: Path) -> None:
    """Let another process make this one write where its threads are; `path` is the file with its pulse.

    Where another handler has the signal, or the system does not know it, nothing happens.

    Raises:
        OSError: the file cannot be made.
    """
    if _NUMBER is not None and signal.getsignal(_NUMBER) in (signal.SIG_DFL, None):
        file = path.with_suffix(_STACKS).open("wb")
        faulthandler.register(_NUMBER, file=file, all_threads=True)
        path.with_suffix(_READY).touch()


def places_of(pid: int, path: Path) -> list[str]:
    """Return `file:line` for each thread of a process that runs code which is no library's; five of them at most."""
    if _NUMBER is None or not path.with_suffix(_READY).exists():
        return []
    with contextlib.suppress(OSError):
        os.kill(pid, _NUMBER)
        return _places(_written(path.with_suffix(_STACKS)))
    return []


def _written(path: Path) -> str:
    gives_up = time.monotonic() + _LONGEST_WAIT
    before = -1
    # It is written piece by piece, and there is no end mark.
    while (size := path.stat().st_size) == 0 or size != before:
        if time.monotonic() > gives_up:
            break
        before = size
        time.sleep(0.1)
    return path.read_text(encoding="utf-8", errors="replace")


def _places(stacks: str) -> list[str]:
    places: dict[str, None] = {}
    for stack in re.split(r"\n\s*\n", stacks):
        own = next((found for found in _FRAME.findall(stack) if not is_library(found[0])), None)
        if own is not None:
            places[":".join(own)] = None
    return list(places)[:_MOST]


def start_watcher(patience: float) -> Path:
    """Start the process beside this one, and return where it looks for this one's pulse.

    `patience` is in seconds; with 0 this process is interrupted and never killed.

    Raises:
        OSError: there is no place for a file, or no process can be started.
    """
    path = Path(tempfile.mkdtemp(prefix="haptik-actions-")) / "beat"
    root = Path(__file__).parent.parent
    subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, str(root), str(os.getpid()), str(path), str(patience)],
        stdin=subprocess.DEVNULL,
    )
    return path


def main() -> None:
    """Look after the process that has started this one, until that ends."""
    pid, path, patience = int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
    # They are meant for the server, which may take its time to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(format=_FORMAT)
    keeper = Keeper(lambda _: path, patience=patience, restarts=False)
    while os.getppid() == pid:
        keeper.look(pid, f"The server (process {pid})")
        time.sleep(_LOOK_SECONDS)
    with contextlib.suppress(OSError):
        for file in path.parent.iterdir():
            file.unlink()
        path.parent.rmdir()
