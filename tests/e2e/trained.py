"""Bots for the tests: each is trained once, in whichever process of pytest-xdist it is asked for first."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from pathlib import Path

import pytest

from .stack import train


class Trained:
    """Hands out copies of trained bots; `python` is the interpreter with Rasa."""

    def __init__(self, python: str, factory: pytest.TempPathFactory, *, is_worker: bool) -> None:
        base = factory.getbasetemp()
        # The folder of a run, which a worker of pytest-xdist has a part of.
        self._python, self._shared = python, (base.parent if is_worker else base) / "trained_bots"

    def __call__(self, folder: Path, *more: Path) -> Path:
        """Copy the example with the files of the folders `more`, trained, into `folder`; return the copy.

        Raises as `stack.train`.
        """
        name = hashlib.sha256("\n".join(map(str, more)).encode()).hexdigest()[:16]
        self._shared.mkdir(exist_ok=True)
        place = self._shared / name
        with (self._shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (place / "bot").exists():
                self._train(place, more)
        return Path(shutil.copytree(place / "bot", folder / "bot"))

    def _train(self, place: Path, more: tuple[Path, ...]) -> None:
        # Under its name only when it is whole: the next who asks must not take what a failure has left.
        begun = place.with_suffix(".begun")
        shutil.rmtree(begun, ignore_errors=True)
        train(self._python, begun, *more)
        begun.rename(place)
