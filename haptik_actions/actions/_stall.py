"""Blocking code in an asynchronous action, noticed and interrupted.

Such code (`time.sleep`, `requests`) holds up the worker's event loop: no timer rings meanwhile, and nobody is answered.
A thread sees that the loop is late and sends this process a signal. Python runs its handler in the main thread, where
servers have their loop, in the middle of the code that blocks. Past the deadline the handler raises there, as a
cancellation would have: also out of a wait for the network, a lock or another process. Code in C that does not let
Python look for signals cannot be interrupted.

SIGURG is used because nothing else does and because it does nothing by default, also in processes that this one starts.
"""

from __future__ import annotations

import asyncio
import signal
import sysconfig
import threading
import time
import weakref
from types import FrameType
from weakref import WeakKeyDictionary

from haptik_actions._log import get_logger
from haptik_actions.actions._call import CURRENT

__all__ = ["BLOCKERS", "watch"]

logger = get_logger(__name__)

BLOCKERS: dict[str, float] = {}
"""Actions that were interrupted in this process -> until when (`time.monotonic`) they have a thread of their own. Not
for ever: a client that belongs to the worker's loop may not work there, and what it calls may be well again by then."""

_BEAT_SECONDS = 0.25
_STALL_SECONDS = 0.5
_APART_SECONDS = 300.0
_SIGNAL = getattr(signal, "SIGURG", None)
_LIBRARIES = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})

_watched: WeakKeyDictionary[asyncio.AbstractEventLoop, _Heart] = WeakKeyDictionary()


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Watch the running loop from a thread until it is closed; once is enough."""
    if loop not in _watched and _can_interrupt():
        _watched[loop] = heart = _Heart()
        heart.beat(weakref.ref(loop))
        threading.Thread(
            target=_look, args=(weakref.ref(loop), heart), name="haptik-actions-stall", daemon=True
        ).start()


class _Heart:
    """Beats on the loop: what is late is the loop."""

    def __init__(self) -> None:
        self.beaten_at = time.monotonic()

    def beat(self, loop: weakref.ref[asyncio.AbstractEventLoop]) -> None:
        self.beaten_at = time.monotonic()
        here = loop()
        if here is not None:
            here.call_later(_BEAT_SECONDS, self.beat, loop)


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
        here = loop()
        if here is None or here.is_closed():
            return
        if here.is_running() and time.monotonic() - heart.beaten_at > _BEAT_SECONDS + _STALL_SECONDS:
            signal.pthread_kill(main, _SIGNAL)
        del here


def _interrupt(number: int, frame: FrameType | None) -> None:
    call = CURRENT.get()
    if call is None or call.is_over:
        return
    is_late = time.monotonic() >= call.ends
    call.sightings += 1
    # Seen once, it may be a machine that is busy with other things.
    if not call.interrupted and (call.sightings == 2 or (is_late and call.sightings == 1)):
        # Not logged here: the code that is interrupted may hold the log's own locks.
        call.task.get_loop().call_soon_threadsafe(_say, call.name, _place(frame))
    if is_late:
        call.interrupted = True
        call.note_lateness()
        BLOCKERS[call.name] = time.monotonic() + _APART_SECONDS
        raise asyncio.CancelledError


def _place(frame: FrameType | None) -> str:
    """The innermost line that is not a library's."""
    inner = here = frame
    while here is not None and here.f_code.co_filename.startswith((*_LIBRARIES, "<")):
        here = here.f_back
    found = here or inner
    return "an unknown place" if found is None else f"{found.f_code.co_filename}:{found.f_lineno}"


def _say(name: str, place: str) -> None:
    logger.error(
        "Action %s blocked the worker at %s, and every other conversation with it. Use an asynchronous client there, "
        "or set `thread: true` for the action in the domain's slot `haptik`.",
        *(name, place),
    )
