"""A real action server process, with the example's actions, on a free loopback port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.patience import SECONDS
from tests.support.ports import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "rasa_project"


class ActionServer:
    """Starts on enter and is gone on exit; `log` is all that it printed."""

    def __init__(self, folder: Path, actions: Path = EXAMPLE, **environ: str) -> None:
        self._log, self._actions, self._environ = folder / "action_server.log", actions, environ
        self._port = free_port()

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> ActionServer:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HAPTIK_") and k != "REDIS_URL"}
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rasa_sdk", "--actions", "actions", "--port", str(self._port)],
                cwd=self._actions,
                env={**clean, **self._environ, "SANIC_HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        for _ in range(1200):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5):
                    return self
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"the action server did not start:\n{self.log}")

    def __exit__(self, *_: object) -> None:
        for request in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, request)
                self._process.wait(timeout=10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def post(self, call: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """What Rasa would get: the status and the JSON object."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/webhook",
            data=json.dumps(call).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
