"""Blocking code in an asynchronous action, noticed and interrupted.

Such code (`time.sleep`, `requests`) holds up the worker's event loop: no timer rings meanwhile, and nobody is answered.
A thread, and another process where a server runs, see that the loop is late and send this process a signal. Python runs
its handler in the main thread, where servers have their loop, in the middle of the code that blocks. Past the deadline
the handler raises there, as a cancellation would have: also out of a wait for the network, a lock or another process,
and out of a regular expression. Code in C that does not let Python look for signals cannot be interrupted.

SIGURG is used because nothing else does and because it does nothing by default, also in processes that this one starts.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
import weakref
from types import FrameType
from weakref import WeakKeyDictionary

from haptik_actions._frozen import is_library, show_places, start_watcher
from haptik_actions._log import get_logger
from haptik_actions._pulse import Pulse
from haptik_actions.actions._guarded_call import CURRENT, GuardedCall
from haptik_actions.actions._supervise import BEAT, place_for

__all__ = ["BLOCKERS", "note_answer", "note_call", "show_pulse", "watch"]

logger = get_logger(__name__)

BLOCKERS: dict[str, float] = {}
"""Actions that were interrupted in this process -> until when (`time.monotonic`) they have a thread of their own. Not
for ever: a client that belongs to the worker's loop may not work there, and what it calls may be well again by then."""

_BEAT_SECONDS = 0.25
_STALL_SECONDS = 0.5
_TOLD_SECONDS = 1.0
"""A loop that is late by less may stand on a machine that is busy with other things."""
_APART_SECONDS = 300.0
_SIGNAL = getattr(signal, "SIGURG", None)
_WAITS = "Use an asynchronous client there, or set `thread: true` for the action in the domain's slot `haptik`."
_KEEPS_THE_LOCK = (
    "What runs there lets no thread run beside it, as a regular expression can that goes wrong: bound what it reads. "
    "A thread would not help."
)

_watched: WeakKeyDictionary[asyncio.AbstractEventLoop, _Heart] = WeakKeyDictionary()
_pulse: Pulse | None = None


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Watch the running loop from a thread until it is closed; once is enough."""
    if loop not in _watched and _can_interrupt():
        _watched[loop] = heart = _Heart()
        heart.beat(weakref.ref(loop))
        threading.Thread(
            target=_look, args=(weakref.ref(loop), heart), name="haptik-actions-stall", daemon=True
        ).start()


def show_pulse(patience: float | None) -> None:
    """Let another process see whether the running loop comes round, where `watch` does: its thread cannot always run.

    It is the process that starts this one again. Where there is none, one is started, which interrupts what blocks. It
    kills this process when it was frozen for `patience` seconds, and never where that is None or 0.
    """
    global _pulse
    heart = _watched.get(asyncio.get_running_loop())
    if heart is None or _pulse is not None:
        return
    try:
        path = place_for(BEAT) or start_watcher(patience or 0)
        _pulse = heart.pulse = Pulse(path)
        show_places(path)
    except OSError as error:
        logger.warning("No other process sees whether this one is frozen: %s.", error)


def note_call() -> None:
    """Say that a call has come: the worker serves, and gets on with its work however late its timers are."""
    if _pulse is not None:
        _pulse.serve()


def note_answer() -> None:
    """Say that a call was answered."""
    if _pulse is not None:
        _pulse.beat()


class _Heart:
    """Beats on the loop: what is late is the loop. The thread that watches tells it when it could run."""

    pulse: Pulse | None = None

    def __init__(self) -> None:
        self.looked_at = time.monotonic()
        self.note()

    def beat(self, loop: weakref.ref[asyncio.AbstractEventLoop]) -> None:
        self.note()
        here = loop()
        if here is not None:
            here.call_later(_BEAT_SECONDS, self.beat, loop)

    def note(self) -> None:
        """Remember when that was, and what had been used of a processor by then: by this thread, and by all."""
        self.beaten_at, self._own, self._all = time.monotonic(), time.thread_time(), time.process_time()
        self._kept = 0.0
        if self.pulse is not None:
            self.pulse.beat()

    def look(self) -> None:
        """Note in the thread that watches that it runs, and for how long it could not."""
        self._kept, self.looked_at = self._kept + self._kept_now(), time.monotonic()
        if self.pulse is not None:
            self.pulse.look()

    def _kept_now(self) -> float:
        kept = time.monotonic() - self.looked_at - _BEAT_SECONDS
        # A loop that is late by less may stand on a busy machine.
        return kept if kept > _STALL_SECONDS else 0.0

    @property
    def late_seconds(self) -> float:
        return time.monotonic() - self.beaten_at - _BEAT_SECONDS

    @property
    def is_locked(self) -> bool:
        """Tell whether no other thread could run for most of the time: some code kept Python's lock."""
        return self._kept + self._kept_now() > self.late_seconds / 2

    @property
    def is_another_threads_doing(self) -> bool:
        """Tell, in the loop's thread, whether it was another thread that kept the lock."""
        own = time.thread_time() - self._own
        return self.is_locked and time.process_time() - self._all - own > own


def _can_interrupt() -> bool:
    """Tell whether the running loop is in the main thread, and take the signal if nobody else has."""
    if _SIGNAL is None or threading.current_thread() is not threading.main_thread():
        return False
    taken = signal.getsignal(_SIGNAL)
    if taken in (signal.SIG_DFL, signal.SIG_IGN):
        signal.signal(_SIGNAL, _interrupt)
    elif taken is not _interrupt:
        logger.warning("SIGURG is used elsewhere: an asynchronous action that blocks cannot be interrupted.")
        return False
    return True


def _look(loop: weakref.ref[asyncio.AbstractEventLoop], heart: _Heart) -> None:
    main = threading.main_thread().ident
    assert main is not None
    assert _SIGNAL is not None
    while True:
        time.sleep(_BEAT_SECONDS)
        heart.look()
        here = loop()
        if here is None or here.is_closed():
            if heart.pulse is not None:
                heart.pulse.end()
            return
        if not here.is_running():
            # A server that is stopping runs its loop for short moments only.
            heart.note()
        elif heart.late_seconds > _STALL_SECONDS:
            signal.pthread_kill(main, _SIGNAL)
        del here


def _interrupt(number: int, frame: FrameType | None) -> None:
    call = CURRENT.get()
    if call is None or call.is_over:
        return
    heart = _watched.get(call.task.get_loop())
    if heart is None or heart.late_seconds <= _STALL_SECONDS or heart.is_another_threads_doing:
        return
    is_late = time.monotonic() >= call.ends
    late = heart.late_seconds
    if not call.is_told and (is_late or late > _TOLD_SECONDS):
        call.is_told = True
        # Not logged here: the code that is interrupted may hold the log's own locks.
        call.task.get_loop().call_soon_threadsafe(_say, call, _place(frame), late, heart.is_locked)
    if is_late:
        call.interrupted = True
        call.note_lateness()
        # A thread would help the others only where this code lets other threads run.
        if not heart.is_locked:
            BLOCKERS[call.name] = time.monotonic() + _APART_SECONDS
        raise asyncio.CancelledError
    if _pulse is not None:
        _pulse.hear()


def _place(frame: FrameType | None) -> str | None:
    """The innermost line that is not a library's; None where there is none."""
    here = frame
    while here is not None and is_library(here.f_code.co_filename):
        here = here.f_back
    return None if here is None else f"{here.f_code.co_filename}:{here.f_lineno}"


def _say(call: GuardedCall, place: str | None, late: float, is_locked: bool) -> None:
    """Say it once the loop runs again, and as bad as it was: an action that was interrupted has failed."""
    if place is None:
        # The action's own code is not on the stack. It may be another thread's work, or the library's.
        logger.warning("The worker was held up for %.1f s while action %s was under way.", late, call.name)
        return
    logger.log(
        logging.ERROR if call.interrupted else logging.WARNING,
        "Action %s blocked the worker at %s, and every other conversation with it%s. %s",
        *(call.name, place, ", until it was interrupted at its deadline" if call.interrupted else ""),
        _KEEPS_THE_LOCK if is_locked else _WAITS,
    )
