"""`transcript get` against the sandbox: in a pipe, in a terminal, and following."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import IO, Any

import pytest
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.testing import SandboxServer

GET = ["transcript", "get", "--conversation-no", "7"]
ASHA = ["--user-name", "asha", "--business-id", "1201"]


@pytest.fixture
def environ(haptik_sandbox_server: SandboxServer) -> dict[str, str]:
    return {
        "HAPTIK_BASE_URL": haptik_sandbox_server.url,
        "HAPTIK_CLIENT_ID": "demo-client",
        "HAPTIK_TOKEN": "demo-token",
    }


def run(*options: str, environ: dict[str, str]) -> Result:
    result = CliRunner().invoke(main, [*GET, *options], prog_name="haptik-actions", env=environ)
    assert "Traceback" not in result.stderr
    assert "demo-token" not in result.output
    return result


def agent_says(server: SandboxServer, text: str) -> None:
    server.sandbox.say("asha", 1201, text, sender="agent", agent_name="Priya Raghunathan")


# Into a pipe or a file


def test_a_message_is_a_line_with_time_who_and_text(
    haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    agent_says(haptik_sandbox_server, "Hello Asha,\nI am looking into it.")
    result = run(*ASHA, environ=environ)
    assert (result.exit_code, result.stderr) == (0, "")
    said = haptik_sandbox_server.sandbox.messages("asha", 1201, 7)
    rows = [line.split("  ", 1) for line in result.stdout.splitlines()]
    assert [at for at, _ in rows] == [f"{message.at:%Y-%m-%dT%H:%M:%SZ}" for message in said]
    assert [re.split(r" {2,}", row) for _, row in rows] == [
        ["user", "Hi, where is my order?"],
        ["bot", "Which order do you mean?"],
        ["user", "Order 1942"],
        ["bot", "It left the warehouse yesterday and should reach you on Thursday."],
        ["user", "It was promised for today. I need it for a birthday."],
        ["Priya Raghunathan (agent)", r"Hello Asha,\nI am looking into it."],
    ]


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_both_versions_show_the_same(
    version: str, haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    agent_says(haptik_sandbox_server, "Hello Asha.")
    result = run(*ASHA, "--version", version, "--limit", "2", environ=environ)
    assert result.exit_code == 0, result.stderr
    assert [re.split(r" {2,}", line)[1:] for line in result.stdout.splitlines()] == [
        ["user", "It was promised for today. I need it for a birthday."],
        ["Priya Raghunathan (agent)", "Hello Asha."],
    ]


def test_the_business_comes_from_the_settings(environ: dict[str, str]) -> None:
    result = run("--user-name", "asha", environ={**environ, "HAPTIK_BUSINESS_ID": "1201"})
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 5


def test_json_is_the_list_of_the_rows_as_they_came(
    haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    agent_says(haptik_sandbox_server, "कल मिलेगा 🎂")
    result = run(*ASHA, "--json", environ=environ)
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert len(rows) == 6
    assert set(rows[-1]) == {"text", "sender", "message_id", "timestamp"}
    assert (rows[-1]["text"], rows[-1]["sender"]) == ("कल मिलेगा 🎂", "Priya Raghunathan")
    assert "कल मिलेगा 🎂" in result.stdout


def test_text_is_the_platforms_own(environ: dict[str, str]) -> None:
    result = run(*ASHA, "--text", "--limit", "2", environ=environ)
    assert result.exit_code == 0
    assert result.stdout == (
        "bot: It left the warehouse yesterday and should reach you on Thursday.\n"
        "user: It was promised for today. I need it for a birthday.\n"
    )


HOSTILE = "\x1b]0;owned\x07 \x1b[2J\x9b31m a\rb \u2028 c \x7f"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nothing_that_a_user_writes_steers_the_terminal(
    options: list[str], haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    haptik_sandbox_server.sandbox.say("asha", 1201, HOSTILE)
    result = run(*ASHA, *options, environ=environ)
    assert result.exit_code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", result.stdout)
    if options:
        assert json.loads(result.stdout)[-1]["text"] == HOSTILE
    else:
        assert r"\x1b[2J\x9b31m a\rb \u2028 c \x7f" in result.stdout


@pytest.mark.parametrize(
    ("options", "encoding", "shown"),
    [([], "latin-1", "  tschüß \\U0001f382\n"), (["--json"], "utf-8", '"text": "tschüß 🎂"')],
)
def test_what_the_encoding_lacks_is_escaped_and_json_is_always_utf_8(
    options: list[str], encoding: str, shown: str, haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    haptik_sandbox_server.sandbox.say("asha", 1201, "tschüß 🎂")
    words = [sys.executable, "-m", "haptik_actions.cli", *GET, *ASHA, *options]
    settings = {**os.environ, **environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(words, capture_output=True, encoding=encoding, env=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert shown in done.stdout


USAGE: list[tuple[list[str], str]] = [
    ([], "--user-name is not given, and neither is --pxut"),
    (["--business-id", "1201"], "--user-name is not given"),
    (["--user-name", "asha"], "--business-id is not given, and HAPTIK_BUSINESS_ID is not set."),
    ([*ASHA, "--pxut", "p"], "--pxut names the user alone"),
    (["--business-id", "1201", "--pxut", "p"], "--pxut names the user alone"),
    (["--pxut", "p", "--version", "1.0"], "user_name is missing"),
    (["--pxut", ""], "pxut must be text and not empty."),
    ([*ASHA, "--version", "3.0"], "'3.0' is not one of '1.0', '2.0'"),
    ([*ASHA, "--limit", "0"], "0 is not in the range x>=1"),
    ([*ASHA, "--interval", "0"], "0 is not in the range 1<=x<=3600"),
    ([*ASHA, "--text", "--json"], "--text goes with neither --json nor --follow"),
    ([*ASHA, "--text", "--follow"], "--text goes with neither --json nor --follow"),
    ([*ASHA, "--conversation-no", "seven"], "'seven' is not a valid integer"),
]


@pytest.mark.parametrize(("options", "said"), USAGE)
def test_what_cannot_be_asked_is_status_2_and_not_sent(
    options: list[str], said: str, haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    result = run(*options, environ=environ)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr.replace("\n", " ")
    assert haptik_sandbox_server.sandbox.journal == []


REFUSED: list[tuple[list[str], dict[str, str], str]] = [
    (["--user-name", "zoe", "--business-id", "1201"], {}, "Either the user has not sent a message yet"),
    (["--user-name", "zoe", "--business-id", "1201", "--version", "1.0"], {}, "invalid user_name"),
    (["--pxut", "secret-of-mine"], {}, "Unable to decode pxut-client_id pair"),
    (ASHA, {"HAPTIK_TOKEN": "secret-of-mine"}, "Copy the token from the Business Manager"),
    ([*ASHA, "--text"], {"HAPTIK_TOKEN": "secret-of-mine"}, "Copy the token from the Business Manager"),
    ([*ASHA, "--follow"], {"HAPTIK_TOKEN": "secret-of-mine"}, "Copy the token from the Business Manager"),
]


@pytest.mark.parametrize(("options", "settings", "said"), REFUSED)
def test_a_refusal_is_one_line_and_status_1(
    options: list[str], settings: dict[str, str], said: str, environ: dict[str, str]
) -> None:
    result = run(*options, environ={**environ, **settings})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert "secret-of-mine" not in result.stderr


def test_a_conversation_without_messages_is_said(environ: dict[str, str]) -> None:
    result = run("--user-name", "deepak", "--business-id", "1201", "--conversation-no", "12", environ=environ)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "The conversation holds no messages.\n")


ODD_ROWS = [
    {"text": None, "sender": "agent\x1b[2J", "message_id": "1", "timestamp": "noon\n"},
    {"text": "", "sender": "user", "message_id": 2, "timestamp": "01/31/26 12:00:00 AM UTC", "mood": "good"},
]


@pytest.fixture
def odd_platform() -> Iterator[str]:
    """A platform whose rows are not quite as documented."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"chat_json": ODD_ROWS}).encode())

        def log_message(self, *words: Any) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_rows_that_are_not_as_documented_are_shown_all_the_same(odd_platform: str, environ: dict[str, str]) -> None:
    settings = {**environ, "HAPTIK_BASE_URL": odd_platform}
    lines = run(*ASHA, environ=settings).stdout.splitlines()
    assert [line.split() for line in lines] == [
        [r"noon\n", r"agent\x1b[2J", "(agent)"],
        ["2026-01-31T00:00:00Z", "user"],
    ]
    assert json.loads(run(*ASHA, "--json", environ=settings).stdout) == ODD_ROWS
    shown = in_terminal(*ASHA, environ=settings, columns=80)
    assert [line.split() for line in shown[2:]] == [
        [r"noon\n", r"agent\x1b[2J"],
        ["(agent)"],
        ["2026-01-31"],
        ["00:00:00", "user"],
    ]


# In a terminal


def in_terminal(*options: str, environ: dict[str, str], columns: int) -> list[str]:
    """The lines that a terminal of that width gets, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    words = [sys.executable, "-m", "haptik_actions.cli", *GET, *options]
    settings = {**os.environ, **environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        settings.pop(name, None)
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=settings) as process:
        os.close(theirs)
        shown = b"".join(_until_hung_up(ours))
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0
    return re.sub("\x1b\\[[0-9;]*m", "", shown.decode()).splitlines()


def _until_hung_up(terminal: int) -> Iterator[bytes]:
    try:
        while part := os.read(terminal, 65536):
            yield part
    except OSError:
        # How Linux reports that the last writer has gone.
        pass
    finally:
        os.close(terminal)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_a_table_that_fits(
    columns: int, haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    agent_says(haptik_sandbox_server, "Hello Asha, I have asked the warehouse. " * 4 + "\n- Priya\x1b[31m")
    lines = in_terminal(*ASHA, environ=environ, columns=columns)
    assert max(map(len, lines)) <= columns
    assert re.split(r" {2,}", lines[0].strip()) == ["time (UTC)", "who", "text"]
    assert set(lines[1]) == {"─"}
    text_at = lines[0].index("text")
    last = haptik_sandbox_server.sandbox.messages("asha", 1201, 7)[-1]
    start = next(
        number for number, line in enumerate(lines) if line.startswith(f"{last.at:%H:%M:%S} ") and "Priya" in line
    )
    words = [line[text_at:].strip() for line in lines[start:]]
    assert " ".join(words) == "Hello Asha, I have asked the warehouse. " * 4 + r"- Priya\x1b[31m"
    assert words[-1] == r"- Priya\x1b[31m"
    assert " ".join(line[12:text_at].strip() for line in lines[start:]).strip() == "Priya Raghunathan (agent)"
    assert f"{last.at:%Y-%m-%d}" in [line.strip() for line in lines]


def test_text_in_a_terminal_keeps_its_lines_and_nothing_that_steers(
    haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    haptik_sandbox_server.sandbox.say("asha", 1201, HOSTILE)
    lines = in_terminal(*ASHA, "--text", "--limit", "2", environ=environ, columns=80)
    assert lines[0] == "user: It was promised for today. I need it for a birthday."
    assert lines[1].startswith(r"user: \x1b]0;owned\x07 \x1b[2J\x9b31m")


# --follow


class Following:
    """`transcript get --follow` as a process of its own, for a minute at most."""

    def __init__(self, *options: str, environ: dict[str, str]) -> None:
        words = [sys.executable, "-m", "haptik_actions.cli", *GET, *ASHA, "--follow", "--interval", "1", *options]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environ}
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out: IO[str] = self.process.stdout
        self.err: IO[str] = self.process.stderr
        # A line that never comes ends the test, not the whole run.
        self.watchdog = threading.Timer(60, self.process.kill)
        self.watchdog.start()

    def end(self, number: signal.Signals) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def follow(environ: dict[str, str]) -> Iterator[Callable[..., Following]]:
    started: list[Following] = []

    def start(*options: str) -> Following:
        started.append(Following(*options, environ=environ))
        return started[-1]

    yield start
    for following in started:
        following.watchdog.cancel()
        following.process.kill()
        following.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_following_shows_each_new_message_once_and_ends_with_0(
    number: signal.Signals, haptik_sandbox_server: SandboxServer, follow: Callable[..., Following]
) -> None:
    following = follow("--limit", "2")
    assert following.out.readline().endswith("should reach you on Thursday.\n")
    assert following.out.readline().endswith("I need it for a birthday.\n")
    agent_says(haptik_sandbox_server, "Hello Asha.")
    agent_says(haptik_sandbox_server, "I am looking into it.")
    agent_says(haptik_sandbox_server, "It is on its way.")
    assert following.out.readline().endswith("Priya Raghunathan (agent)  Hello Asha.\n")
    assert following.out.readline().endswith("I am looking into it.\n")
    assert following.out.readline().endswith("It is on its way.\n")
    haptik_sandbox_server.sandbox.say("asha", 1201, "Thank you!")
    assert following.out.readline().endswith("user  Thank you!\n")
    assert following.end(number) == (0, "", "")


def test_following_as_json_is_a_line_per_message(
    haptik_sandbox_server: SandboxServer, follow: Callable[..., Following]
) -> None:
    following = follow("--json", "--limit", "1")
    first = json.loads(following.out.readline())
    haptik_sandbox_server.sandbox.say("asha", 1201, "Two\nlines")
    second = json.loads(following.out.readline())
    assert [first["text"], second["text"]] == ["It was promised for today. I need it for a birthday.", "Two\nlines"]
    assert first["message_id"] < second["message_id"]
    assert following.end(signal.SIGINT) == (0, "", "")


def test_following_survives_an_outage_and_says_so_once(
    haptik_sandbox_server: SandboxServer, follow: Callable[..., Following]
) -> None:
    following = follow("--limit", "1")
    assert following.out.readline()
    haptik_sandbox_server.sandbox.outage = True
    notice = following.err.readline()
    assert notice.startswith("Still following: ")
    assert "answered 503" in notice
    # The client makes three tries a call, so that five are at least two calls.
    while sum(entry.status == 503 for entry in haptik_sandbox_server.sandbox.journal) < 5:
        time.sleep(0.05)
    haptik_sandbox_server.sandbox.say("asha", 1201, "Is anybody there?")
    haptik_sandbox_server.sandbox.outage = False
    assert following.out.readline().endswith("Is anybody there?\n")
    assert following.end(signal.SIGINT) == (0, "", "")
