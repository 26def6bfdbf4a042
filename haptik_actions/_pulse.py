"""Signs of life of a process that serves, in memory that another process reads.

Code that keeps Python's lock (a regular expression that goes wrong, a call into C) stops every thread of its process:
nothing in there can notice. What notices is another process: Sanic's main one, the one of `haptik-actions run`, or a
small one of our own (`haptik_actions/_frozen.py`). This module needs nothing but the standard library, for that one.

The memory is a small file that both map, found by its name: workers may be forked or spawned.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import subprocess
import time
from pathlib import Path

__all__ = ["Pulse", "Watched"]

_LOOP, _HEARD, _THREAD, _OVER = range(4)
_SIZE = 4 * 8
_LATE_SECONDS = 1.5
"""A loop that has not come round for so long is interrupted. One that merely has much to do is not as late."""
_SERVING_BEATS = 20
"""A worker serves when its loop has come round so often, or with its first call. Before that it may load a model."""
_LONGEST_STEP = 0.5
"""The most that one look counts: the watching process may have been stopped, with the whole container for example."""
_SIGNALS_APART_SECONDS = 0.25
_WAITS_LONGER = 6
_NO_LIFE = ("T", "t", "Z", "X")
"""Stopped, stopped by a debugger, or dead and not yet asked for."""
_SIGNAL = getattr(signal, "SIGURG", None)


class Pulse:
    """What a process that serves shows of its life, in a new file at `path`.

    Raises:
        OSError: the file cannot be made or mapped.
    """

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_SIZE))
        with path.open("r+b") as file:
            self._words = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast("Q")

    def beat(self) -> None:
        """Say that the event loop has come round, or that a call was answered."""
        self._words[_LOOP] += 1

    def serve(self) -> None:
        """Say that a call has come, which the loop has read."""
        self._words[_LOOP] += _SERVING_BEATS

    def hear(self) -> None:
        """Say that the signal has arrived, and that what blocks the loop has a deadline that is still to come."""
        self._words[_HEARD] += 1

    def look(self) -> None:
        """Say that another thread than the loop's can run."""
        self._words[_THREAD] += 1

    def end(self) -> None:
        """Say that from now on nothing is to be expected: the loop is closed."""
        self._words[_OVER] = 1


class Watched:
    """A process that is looked at from outside, every quarter of a second or more often.

    One whose loop is late gets SIGURG. Its handler (`haptik_actions/actions/_stall.py`) interrupts what blocks the loop
    at the deadline. Time in which the process is stopped (SIGSTOP, a debugger) does not count, nor time in which nobody
    looked.

    Raises:
        OSError, ValueError: the process has not made its file at `path` yet.
    """

    def __init__(self, pid: int, path: Path) -> None:
        with path.open("rb") as file:
            self._words = memoryview(mmap.mmap(file.fileno(), _SIZE, access=mmap.ACCESS_READ)).cast("Q")
        self.pid = pid
        self._seen = self._words.tolist()
        self._looked_at = self._signalled_at = time.monotonic()
        self._late = self._silent = self._held = 0.0
        self._worked_before: float | None = None

    def look(self) -> None:
        """Count how late it is, and send the signal where that is too much."""
        now = time.monotonic()
        step, self._looked_at = min(now - self._looked_at, _LONGEST_STEP), now
        before, self._seen = self._seen, self._words.tolist()
        changed = [was != now for was, now in zip(before, self._seen, strict=True)]
        if changed[_LOOP] or self._seen[_OVER]:
            self._late = self._silent = self._held = 0.0
            return
        state, worked = _state_of(self.pid)
        if state in _NO_LIFE:
            return
        if not self._silent:
            self._worked_before = worked
        self._late += step
        self._silent = 0.0 if changed[_HEARD] else self._silent + step
        self._held = 0.0 if changed[_THREAD] else self._held + step
        if self._late >= _LATE_SECONDS and now - self._signalled_at >= _SIGNALS_APART_SECONDS:
            self._signalled_at = now
            self._interrupt()

    def is_frozen(self, patience: float) -> bool:
        """Tell whether the signal does not help, and one of these holds (`patience` is in seconds):

        - For so long no thread could run, and at least half as much time of a processor was used: some code keeps
          Python's lock. A worker on a busy machine, or one that waits for its memory, does not look like this.
        - The loop has not come round for six times as long, for whatever reason.

        Both have to hold for a worker that does not serve yet.
        """
        is_locked = min(self._silent, self._held) >= patience and self._has_worked(patience / 2)
        is_silent = self._silent >= _WAITS_LONGER * patience
        if self._seen[_LOOP] < _SERVING_BEATS:
            return is_locked and is_silent
        return is_locked or is_silent

    def _has_worked(self, seconds: float) -> bool:
        worked = _state_of(self.pid)[1]
        return worked is None or self._worked_before is None or worked - self._worked_before >= seconds

    def _interrupt(self) -> None:
        if _SIGNAL is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, _SIGNAL)


def _state_of(pid: int) -> tuple[str, float | None]:
    """Return the letter of a process' state, and the seconds of a processor that it has used."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return _state_by_ps(pid), None


def _state_by_ps(pid: int) -> str:
    # Systems without /proc.
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, timeout=1)
        return shown.stdout.strip()[:1]
    return ""
