"""The processes of a whole installation: example bot on real Rasa, action server, Haptik sandbox, orders service.

Every process listens on a free port of 127.0.0.1, writes to a log file and is ended with its children.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "rasa_project"
START_SECONDS = 180.0
STOP_SECONDS = 15.0


class Process:
    """A program that can be killed and started again. `log` is its log file; `health` answers 200 when it is up."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, health: str) -> None:
        self.log = log
        self._command, self._cwd, self._env, self._health = command, cwd, env, health
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `wait` waits until it is up."""
        with self.log.open("ab") as output:
            # A session of its own, so that the whole group can be ended: rasa-sdk spawns a worker.
            self._running = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._env,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait(self) -> None:
        assert self._running is not None
        _wait_for(self._health, self._running, self.log)

    def kill(self) -> None:
        """End it in the middle of whatever it does (SIGKILL)."""
        assert self._running is not None
        end_group(self._running, signal.SIGKILL)

    def end(self) -> None:
        assert self._running is not None
        end_group(self._running)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that answers: its base URL and what it has logged. `process` is given for Rasa's servers."""

    url: str
    log: Path
    process: Process | None = None

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Base URLs of what the bot talks to."""

    sandbox: str
    orders: str


def rasa_python() -> str | None:
    """The interpreter with Rasa that the environment variable RASA_PYTHON names, or None where it is not set.

    Raises `FileNotFoundError` when there is no such program.
    """
    named = os.environ.get("RASA_PYTHON", "")
    if not named:
        return None
    found = shutil.which(named)
    if found is None:
        raise FileNotFoundError(f"RASA_PYTHON names {named}, which is not a program")
    # Not resolved: the interpreter of a virtual environment is a link, and knows its packages by its own place.
    return os.path.abspath(found)


def train(python: str, folder: Path, *more: Path) -> Path:
    """Copy the example into `folder`, check and train it there, and return the copy.

    The files of the folders `more` are added to the copy. Raises `AssertionError` with Rasa's output when the data is
    not valid (a warning counts) or the training fails.
    """
    project = folder / "bot"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("models", ".rasa", "__pycache__"))
    for addition in more:
        shutil.copytree(addition, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (
        ["data", "validate", "--domain", "domain", "--fail-on-warnings"],
        ["train", "--domain", "domain", "--fixed-model-name", "bot"],
    ):
        done = subprocess.run(
            [python, "-m", "rasa", *command], cwd=project, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"rasa {' '.join(command)} failed:\n{done.stdout}\n{done.stderr}"
    return project


@contextlib.contextmanager
def services(python: str, folder: Path, *options: str) -> Iterator[Services]:
    """Run the example's `services.py`."""
    sandbox_port, orders_port = free_port(), free_port()
    command = [python, "services.py", "--sandbox-port", str(sandbox_port), "--orders-port", str(orders_port)]
    command += options
    url = f"http://127.0.0.1:{sandbox_port}"
    with running("services", command, cwd=EXAMPLE, env=environment(), folder=folder, health=f"{url}/_sandbox/queue"):
        yield Services(sandbox=url, orders=f"http://127.0.0.1:{orders_port}")


@contextlib.contextmanager
def action_server(
    python: str,
    project: Path,
    folder: Path,
    around: Services,
    command: Sequence[str] = ("rasa_sdk",),
    *,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run the bot's action server, the module `command`, with the rasa-sdk of the interpreter `python`.

    `settings` are further variables of its environment.
    """
    port = free_port()
    words = [python, "-m", *command, "--actions", "actions", "--port", str(port)]
    ours = {
        "SANIC_HOST": "127.0.0.1",
        "ORDERS_URL": around.orders,
        "HAPTIK_BASE_URL": around.sandbox,
        "HAPTIK_CLIENT_ID": "demo-client",
        "HAPTIK_TOKEN": "demo-token",
    }
    env = environment(**{**ours, **(settings or {})})
    url = f"http://127.0.0.1:{port}"
    with running("actions", words, cwd=project, env=env, folder=folder, health=f"{url}/health") as log:
        yield Server(url=url, log=log)


@contextlib.contextmanager
def rasa_server(
    python: str,
    project: Path,
    folder: Path,
    actions_url: str,
    more_endpoints: str = "",
    *,
    settings: Mapping[str, str] | None = None,
    module: str = "rasa",
    credentials: Path | None = None,
) -> Iterator[Server]:
    """Run Rasa with the trained bot and its HTTP API, calling the actions at `actions_url`.

    `more_endpoints` is YAML to add to its `endpoints.yml`, `settings` are variables to add to its environment. `module`
    is run in place of `rasa`, `credentials` read in place of the bot's own.
    """
    port = free_port()
    endpoints = folder / "endpoints.yml"
    endpoints.write_text(f"action_endpoint:\n  url: {actions_url}/webhook\n{more_endpoints}", encoding="utf-8")
    command = [python, "-m", module, "run", "--enable-api", "--interface", "127.0.0.1", "--port", str(port)]
    command += ["--endpoints", str(endpoints)]
    command += [] if credentials is None else ["--credentials", str(credentials)]
    url = f"http://127.0.0.1:{port}"
    env = environment(**(settings or {}))
    with _process(Process(command, cwd=project, env=env, log=folder / "rasa.log", health=f"{url}/status")) as process:
        yield Server(url=url, log=process.log, process=process)


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], folder: Path, health: str
) -> Iterator[Path]:
    """Run `command` until the block ends and yield its log file; waits until `health` answers 200."""
    log = folder / f"{name}.log"
    with _process(Process(command, cwd=cwd, env=env, log=log, health=health)):
        yield log


@contextlib.contextmanager
def _process(process: Process) -> Iterator[Process]:
    process.start()
    try:
        process.wait()
        yield process
    finally:
        process.end()


def environment(**extra: str) -> dict[str, str]:
    """The environment of this process without settings of ours, plus `extra`; the repository can be imported."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HAPTIK_", "REDIS_"))}
    ours = {"PYTHONPATH": str(REPOSITORY), "RASA_TELEMETRY_ENABLED": "false", "PYTHONUNBUFFERED": "1"}
    # The example's `credentials.yml` names it.
    ours["HAPTIK_WEBHOOK_SECRET"] = "a secret"
    return {**inherited, **ours, **extra}


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    state = "does not answer" if process.poll() is None else f"ended with status {process.returncode}"
    raise RuntimeError(f"{url} {state}; its log:\n{log.read_text(encoding='utf-8', errors='replace')}")


def end_group(process: subprocess.Popen[bytes], *signals: signal.Signals) -> None:
    """End a process that was started in a session of its own, with its children: by SIGTERM and SIGKILL if not said."""
    for number in signals or (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS if number is signal.SIGTERM else None)
