"""A server that is one process, with another one beside it that starts it again when it dies.

Sanic has a main process of its own for that; rasa-sdk's gRPC server, and its Sanic before version 3.7, have none: one
`os._exit` of a library, or the system's want of memory, and everybody is silent until somebody starts it again. One
that is frozen is killed first.

    status = stay_up()
    if status is None:
        serve()             # in the process that serves
    else:
        sys.exit(status)    # in the one that has watched it
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from types import FrameType
from typing import Any

from haptik_actions._frozen import Keeper
from haptik_actions._log import get_logger
from haptik_actions.actions._marks import ANSWERED, STARTED, Marks
from haptik_actions.actions._respawn import Pauses, how_it_ended, keeper_of

__all__ = ["is_possible", "stay_up"]

logger = get_logger(__name__)

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
