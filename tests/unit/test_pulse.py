"""Who is frozen, seen from outside: not who is slow, who waits for a deadline, or who is stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from haptik_actions._pulse import Pulse, Watched

PATIENCE = 0.4
LOOKS_SECONDS = 0.02
BUSY, IDLE = "while True: pass", "import time; time.sleep(3600)"


@contextlib.contextmanager
def process(code: str) -> Iterator[int]:
    """A process that says when it runs; SIGURG does nothing to it."""
    started = subprocess.Popen([sys.executable, "-c", f"print(flush=True)\n{code}"], stdout=subprocess.PIPE)
    assert started.stdout is not None
    with started, contextlib.closing(started.stdout):
        started.stdout.readline()
        yield started.pid
        started.kill()


def looked_at(watched: Watched, happens: Callable[[], object], seconds: float) -> bool:
    """Look for so long, or until it is frozen; tell whether it is."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        happens()
        watched.look()
        if watched.is_frozen(PATIENCE):
            return True
        time.sleep(LOOKS_SECONDS)
    return False


def nothing() -> None:
    """Nothing is shown."""


@pytest.fixture
def pulse(tmp_path: Path) -> Pulse:
    shown = Pulse(tmp_path / "beat")
    shown.serve()
    return shown


@pytest.mark.parametrize(("shows", "code"), [("beat", BUSY), ("serve", BUSY), ("hear", BUSY), ("hear", IDLE)])
def test_who_shows_life_is_not_frozen(shows: str, code: str, pulse: Pulse, tmp_path: Path) -> None:
    with process(code) as pid:
        assert not looked_at(Watched(pid, tmp_path / "beat"), getattr(pulse, shows), 10 * PATIENCE)


def test_who_keeps_the_lock_is_frozen_soon(pulse: Pulse, tmp_path: Path) -> None:
    with process(BUSY) as pid:
        began = time.monotonic()
        assert looked_at(Watched(pid, tmp_path / "beat"), nothing, 60)
        assert time.monotonic() - began >= PATIENCE


@pytest.mark.parametrize(
    ("shows", "code"), [("look", BUSY), (None, IDLE)], ids=["others can run", "it uses no processor"]
)
def test_others_are_waited_for_six_times_as_long(shows: str | None, code: str, pulse: Pulse, tmp_path: Path) -> None:
    with process(code) as pid:
        began = time.monotonic()
        assert looked_at(Watched(pid, tmp_path / "beat"), getattr(pulse, shows) if shows else nothing, 60)
        assert time.monotonic() - began >= 6 * PATIENCE


def test_who_does_not_serve_yet_may_block_while_others_can_run(tmp_path: Path) -> None:
    pulse = Pulse(tmp_path / "beat")
    with process(BUSY) as pid:
        watched = Watched(pid, tmp_path / "beat")
        assert not looked_at(watched, pulse.look, 10 * PATIENCE)
        assert looked_at(watched, nothing, 60)


def test_who_is_stopped_or_has_ended_is_not_frozen(pulse: Pulse, tmp_path: Path) -> None:
    with process(BUSY) as pid:
        watched = Watched(pid, tmp_path / "beat")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)
        assert not looked_at(watched, nothing, 10 * PATIENCE)
        os.kill(pid, signal.SIGCONT)
        pulse.end()
        assert not looked_at(watched, nothing, 10 * PATIENCE)


def test_time_in_which_nobody_looked_does_not_count(pulse: Pulse, tmp_path: Path) -> None:
    with process(BUSY) as pid:
        watched = Watched(pid, tmp_path / "beat")
        time.sleep(8 * PATIENCE)
        watched.look()
        assert not watched.is_frozen(2 * PATIENCE)


def test_a_loop_that_is_late_gets_the_signal(pulse: Pulse, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    code = f"import signal, time; signal.signal(signal.SIGURG, lambda *_: open({str(heard)!r}, 'w')); time.sleep(3600)"
    with process(code) as pid:
        watched = Watched(pid, tmp_path / "beat")
        looked_at(watched, pulse.beat, 2)
        assert not heard.exists()
        ends = time.monotonic() + 60
        while not heard.exists():
            assert time.monotonic() < ends
            watched.look()
            time.sleep(LOOKS_SECONDS)


def test_one_that_has_not_made_its_file_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="beat"):
        Watched(os.getpid(), tmp_path / "beat")
