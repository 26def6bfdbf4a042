"""A small process that looks after a server which is a single one, and which nothing of ours has started.

`start` runs this module as a program of its own. It imports neither rasa-sdk nor anything else that is large, and ends
with the server.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from haptik_actions._frozen import Keeper

__all__ = ["main", "start"]

_LOOK_SECONDS = 0.25
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from haptik_actions._watcher import main; main()"
_FORMAT = "%(asctime)s %(levelname)-8s %(name)s  - %(message)s"


def start(patience: float) -> Path:
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
