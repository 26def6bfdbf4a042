"""Workers of Sanic's that died, for example of too little memory, or that are frozen, are started again.

Sanic's main process notes that they failed, and that is all: where there was one worker, connections are still taken,
and wait for an answer until Rasa gives up on them after five minutes.
"""

from __future__ import annotations

import atexit
import signal
import time
from typing import Any

from haptik_actions._frozen import PATIENCE_SECONDS, Keeper
from haptik_actions._log import get_logger
from haptik_actions.actions._marks import ANSWERED, BEAT, Marks
from haptik_actions.actions._patches import is_stopping, workers_of
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import load_settings

__all__ = ["Pauses", "Respawner", "frozen_seconds", "how_it_ended", "keeper_of"]

logger = get_logger(__name__)

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

    def __init__(self, manager: Any) -> None:
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
            # One that froze has run for a while: that it is started again and again costs nobody anything.
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
        # Whoever needs the settings for a hand-off says so.
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
