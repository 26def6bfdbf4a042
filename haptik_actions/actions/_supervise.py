"""Processes that serve, started again when they die or freeze.

A process that serves leaves marks, which tell that it has started, that it has answered a call, and that it lives. A
mark is an empty file, in a folder whose name workers find in their environment: they may be forked or spawned.

Workers of Sanic may die, for example of too little memory, or freeze. Sanic's main process only notes that they failed:
where there was one worker, connections are still taken, and wait for an answer until Rasa gives up on them after five
minutes. So the main process starts them again.

rasa-sdk's gRPC server, and its Sanic before version 3.7, have no main process: after one `os._exit` of a library, or
when the system runs out of memory, every user is left without an answer until somebody starts the server again. So a
second process watches it. One that is frozen is killed first.

    status = stay_up()
    if status is None:
        serve()             # in the process that serves
    else:
        sys.exit(status)    # in the one that has watched it
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any

from haptik_actions._frozen import PATIENCE_SECONDS, Keeper
from haptik_actions._log import get_logger
from haptik_actions.actions._patches import is_stopping, workers_of
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import load_settings

__all__ = ["ANSWERED", "BEAT", "STARTED", "Respawner", "frozen_seconds", "is_possible", "mark", "place_for", "stay_up"]

logger = get_logger(__name__)

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


_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class Pauses:
    """How long to wait before a process is started again: longer and longer while none of them answers a call."""

    def __init__(self) -> None:
        self._next = 0.0

    def after_death(self, *, answered: bool) -> float:
        """Return the seconds to wait after one has died; `answered` says whether it had answered a call."""
        pause = 0.0 if answered else self._next
        self._next = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, 2 * pause))
        return pause


class Respawner:
    """Starts workers of a `sanic.worker.manager.WorkerManager` again, those that die at once less and less often."""

    def __init__(self, manager: object) -> None:
        self._manager = manager
        self._marks = Marks()
        atexit.register(self._marks.remove)
        self._keeper = keeper_of(self._marks)
        self._pauses: dict[str, Pauses] = {}
        self._due: dict[str, tuple[int, float]] = {}

    def look(self) -> None:
        """Start what has died, and end what is frozen; to be called every now and then by the main process."""
        for process in workers_of(self._manager):
            if process.is_alive():
                self._keeper.look(process.pid, f"Worker {process.name}")
            else:
                self._respawn(process)

    def _respawn(self, process: Any) -> None:
        name, pid = process.name, process.pid
        if name not in self._due or self._due[name][0] != pid:
            is_frozen = self._keeper.has_killed(pid)
            # A process that froze has run for a while before, so it is started again without a longer pause.
            answered = is_frozen or self._marks.has(ANSWERED, pid)
            pause = self._pauses.setdefault(name, Pauses()).after_death(answered=answered)
            self._due[name] = pid, time.monotonic() + pause
            how = how_it_ended(process.exitcode, is_frozen=is_frozen)
            logger.error("Worker %s %s. It is started again after %g s.", name, how, pause)
        if time.monotonic() < self._due[name][1]:
            return
        process.restart()
        if is_stopping(self._manager):
            # The signal came meanwhile, and this one has not heard it.
            process.terminate()


def keeper_of(marks: Marks) -> Keeper:
    """Return what looks after the processes that this one starts again, with the settings' patience."""
    patience = frozen_seconds()
    return Keeper(
        lambda pid: marks.place(BEAT, pid),
        patience=PATIENCE_SECONDS if patience is None else patience,
        restarts=True,
    )


def frozen_seconds() -> int | None:
    """Return the setting of that name; None where there is none, or where the settings cannot be read."""
    try:
        return load_settings().frozen_seconds
    except ConfigurationError:
        # Settings that cannot be read are logged where a hand-off needs them.
        return None


def how_it_ended(code: int | None, *, is_frozen: bool = False) -> str:
    """Return in words how a process ended, from its exit code or the negative number of a signal."""
    if is_frozen:
        return "was killed because it was frozen"
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL); the system does that where memory runs out"
    if code is not None and code < 0:
        return f"died of signal {-code}"
    return f"ended with exit code {code}; what it logged before says why"


_PASSED_ON = (signal.SIGTERM, signal.SIGINT)
_LOOK_SECONDS = 0.2


def is_possible() -> bool:
    """Tell whether this system can split a process in two."""
    return hasattr(os, "fork")


def stay_up() -> int | None:
    """Split this process in two, and return None in the one that has to serve, at each of its starts.

    In the other, return the exit status of the last one once it ended by itself, was told to stop, or could not start.
    """
    marks, pauses = Marks(), Pauses()
    keeper = keeper_of(marks)
    while True:
        watch = _Watch(keeper)
        child = os.fork()
        if child == 0:
            watch.leave()
            return None
        status = watch.wait_for(child)
        is_frozen = keeper.has_killed(child)
        ends = watch.is_told_to_stop or status == 0 or not (is_frozen or marks.has(STARTED, child))
        if not ends:
            pause = pauses.after_death(answered=is_frozen or marks.has(ANSWERED, child))
            how = how_it_ended(status, is_frozen=is_frozen)
            logger.error("The server %s. It is started again after %g s.", how, pause)
            watch.pause(pause)
        watch.leave()
        if ends or watch.is_told_to_stop:
            marks.remove()
            return status if status >= 0 else 128 - status


class _Watch:
    """Passes on to the child what this process is told, and looks whether it lives."""

    is_told_to_stop = False

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._child = 0
        self._before: dict[int, Any] = {number: signal.signal(number, self._pass_on) for number in _PASSED_ON}

    def leave(self) -> None:
        """Take the signals as they were taken before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait_for(self, child: int) -> int:
        """Return how the child ended: its exit code, or the negative number of a signal."""
        self._child = child
        if self.is_told_to_stop:
            # The signal came before there was a child.
            self._pass_on(signal.SIGTERM, None)
        # Not one long wait: a signal that comes just before it would not end it.
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                self._child = 0
                return os.waitstatus_to_exitcode(status)
            self._keeper.look(child, "The server")
            time.sleep(_LOOK_SECONDS)

    def pause(self, seconds: float) -> None:
        """Wait so long, or until this process is told to stop."""
        ends = time.monotonic() + seconds
        while not self.is_told_to_stop and time.monotonic() < ends:
            time.sleep(_LOOK_SECONDS)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.is_told_to_stop = True
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, number)
