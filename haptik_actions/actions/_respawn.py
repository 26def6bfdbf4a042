"""Workers of Sanic's that died, for example of too little memory, are started again.

Sanic's main process notes that they failed, and that is all: where there was one worker, connections are still taken,
and wait for an answer until Rasa gives up on them after five minutes.
"""

from __future__ import annotations

import signal
import time
from typing import Any

__all__ = ["Respawner"]

from haptik_actions._log import get_logger

logger = get_logger(__name__)

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_LIVED_SECONDS = 60.0
"""One that lived for so long did not die of its start."""


class Respawner:
    """Starts workers of a `sanic.worker.manager.WorkerManager` again, those that die at once less and less often."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self._begun: dict[str, float] = {}
        self._pauses: dict[str, float] = {}

    def look(self) -> None:
        """Start what has died; to be called every now and then by the main process."""
        for process in list(self._manager.transient_processes):
            if self._manager._shutting_down:
                return
            if getattr(process, "restartable", True) and process.pid and not process.is_alive():
                self._respawn(process)

    def _respawn(self, process: Any) -> None:
        now, name = time.monotonic(), process.name
        begun = self._begun.get(name, float("-inf"))
        pause = self._pauses.get(name, 0.0)
        if now < begun + pause:
            return
        dies_young = now < begun + pause + _LIVED_SECONDS
        self._pauses[name] = min(_LONGEST_PAUSE, max(_SHORTEST_PAUSE, 2 * pause)) if dies_young else _SHORTEST_PAUSE
        self._begun[name] = now
        logger.error("Worker %s %s. It is started again.", name, _end(process.exitcode))
        process.restart()
        if self._manager._shutting_down:
            # The signal came meanwhile, and this one has not heard it.
            process.terminate()


def _end(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "was killed (SIGKILL); the system does that where memory runs out"
    if code is not None and code < 0:
        return f"died of signal {-code}"
    return f"ended with exit code {code}; what it logged before says why"
