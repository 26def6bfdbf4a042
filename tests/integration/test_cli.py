"""The command line as people and scripts use it: help, exit statuses, `handoff send`, and how each command ends."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.sandbox import Fault
from haptik_actions.testing import SandboxServer

CLI = [sys.executable, "-m", "haptik_actions.cli"]
DOCUMENT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")

HANDOFF = ["handoff", "send", "--user-name", "asha", "--business-id", "1201", "--team", "orders"]


@pytest.fixture
def environ(haptik_sandbox_server: SandboxServer) -> dict[str, str]:
    """What a shell has to export for the sandbox, with nothing of the developer's own terminal."""
    return {
        "HAPTIK_BASE_URL": haptik_sandbox_server.url,
        "HAPTIK_CLIENT_ID": "demo-client",
        "HAPTIK_TOKEN": "demo-token",
    }


def run(*arguments: str, environ: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(main, arguments, prog_name="haptik-actions", env=environ)
    assert "Traceback" not in result.stderr
    assert "demo-token" not in result.output
    return result


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            assert below is not None
            yield from leaves(below, f"{path} {name}")


COMMANDS = dict(leaves(main, "haptik-actions"))
BELOW = [path for path in COMMANDS if path != "haptik-actions"]


def examples(path: str) -> list[str]:
    shown = run(*path.split()[1:], "--help").stdout
    return [line.strip() for line in shown.splitlines() if line.strip().startswith(path) and "Usage" not in line]


def lay_out_files() -> None:
    """The files that examples name; that they exist is asked when a command line is parsed."""
    Path("my-teams.yml").write_text("partners: []")
    Path("domain").mkdir()
    for name in ("visit.json", "copy.csv"):
        Path(name).touch()


def arguments_of(line: str) -> list[str]:
    """The words of a command line, without what its shell does with input and output."""
    return shlex.split(re.split(r" [|<>] ", line)[0])


# Help


@pytest.mark.parametrize("arguments", [["--help"], ["handoff", "send", "--help"], ["transcript", "get", "--help"]])
def test_help_brings_in_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import json, sys
from haptik_actions.cli import main
main({arguments!r}, standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(out.splitlines()[-1]))
    heavy = {"httpx", "aiohttp", "redis", "rich", "starlette", "uvicorn", "rasa_sdk", "ruamel.yaml"}
    assert loaded & heavy == set()
    assert "click" in loaded


@pytest.mark.parametrize("path", BELOW)
def test_every_help_has_an_example_that_fits_and_can_be_parsed(path: str) -> None:
    lay_out_files()
    assert examples(path)
    for example in examples(path):
        assert len(example) <= 78
        words = arguments_of(example)[len(path.split()) :]
        if not isinstance(COMMANDS[path], click.Group):
            assert COMMANDS[path].make_context(path, words)


@pytest.mark.parametrize("path", ["haptik-actions handoff send", "haptik-actions transcript get"])
def test_the_examples_of_the_help_run_against_the_sandbox(path: str, environ: dict[str, str]) -> None:
    settings = {**environ, "HAPTIK_BUSINESS_ID": "1201", "HAPTIK_TEAM": "orders"}
    ending = [words for words in map(shlex.split, examples(path)) if not {"--follow", "$PXUT"} & set(words)]
    assert ending
    for words in ending:
        result = run(*words[1:], environ=settings)
        assert result.exit_code == 0, result.stderr
        assert result.stdout


@pytest.mark.parametrize("path", [path for path in BELOW if not isinstance(COMMANDS[path], click.Group)])
def test_every_option_is_documented(path: str) -> None:
    name = path.removeprefix("haptik-actions ")
    section = re.split(rf"^## {name}$", DOCUMENT, flags=re.MULTILINE)[1].split("\n## ")[0]
    for parameter in COMMANDS[path].params:
        assert f"`{parameter.opts[0]}`" in section, parameter.opts


@pytest.mark.parametrize("line", re.findall(r"^haptik-actions .*$", DOCUMENT, re.MULTILINE))
def test_the_commands_of_the_document_can_be_parsed(line: str) -> None:
    lay_out_files()
    words = arguments_of(line)
    path = next(path for path in sorted(COMMANDS, key=len, reverse=True) if f"{line} ".startswith(f"{path} "))
    assert COMMANDS[path].make_context(path, words[len(path.split()) :])


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([*CLI, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("haptik-actions, version ")


# handoff send


def test_a_confirmed_hand_off_is_one_line(haptik_sandbox_server: SandboxServer, environ: dict[str, str]) -> None:
    result = run(*HANDOFF, "--countdown", "5", environ=environ)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Haptik confirmed: the chat of asha on business 1201 goes to team orders with a countdown of 5 s.\n"
    )
    (chat,) = haptik_sandbox_server.sandbox.queue()
    assert (chat.user_name, chat.business_id, chat.team, chat.countdown) == ("asha", 1201, "orders", 5)


def test_json_is_one_object(environ: dict[str, str]) -> None:
    result = run(*HANDOFF, "--json", environ=environ)
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == {
        "success": True,
        "user_name": "asha",
        "business_id": 1201,
        "team_name": "orders",
        "countdown": None,
    }


@pytest.mark.parametrize("name", ["endpoints.yml", "elsewhere.yml"])
def test_what_is_left_out_comes_from_the_settings(
    name: str, haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    Path(name).write_text(
        f"haptik: {{base_url: '{haptik_sandbox_server.url}', client_id: demo-client, token: '${{SECRET}}',"
        " business_id: 1201, team: support}"
    )
    settings = {"HAPTIK_ENDPOINTS": name, "SECRET": environ["HAPTIK_TOKEN"]}
    result = run("handoff", "send", "--user-name", "ben", environ=settings)
    assert result.exit_code == 0, result.stderr
    (chat,) = haptik_sandbox_server.sandbox.queue()
    assert (chat.user_name, chat.business_id, chat.team) == ("ben", 1201, "support")


OUTCOMES: list[tuple[str, list[str], dict[str, str], int, str]] = [
    # what, options after `handoff send --user-name asha --business-id 1201 --team orders`, environment, status, stderr
    ("an unknown option", ["--agent", "priya"], {}, 2, "No such option"),
    ("a business that is no number", ["--business-id", "shop"], {}, 2, "is not a valid integer"),
    ("an empty user", ["--user-name", ""], {}, 2, "user_name must be text and not empty."),
    ("an empty team", ["--team", " "], {}, 2, "team_name must be text and not empty."),
    ("a short countdown", ["--countdown", "4"], {}, 2, "countdown is 4 and must be from 5 to 10 seconds"),
    ("no base URL", [], {"HAPTIK_BASE_URL": ""}, 2, "HAPTIK_BASE_URL is not set."),
    ("plain http elsewhere", [], {"HAPTIK_BASE_URL": "http://haptik.example"}, 2, "plain http"),
    ("no token", [], {"HAPTIK_TOKEN": ""}, 2, "HAPTIK_TOKEN is not set."),
    ("no client id", [], {"HAPTIK_CLIENT_ID": ""}, 2, "HAPTIK_CLIENT_ID is not set."),
    ("no certificates", [], {"SSL_CERT_FILE": "/no/such/file"}, 2, "SSL_CERT_FILE names /no/such/file, which cannot"),
    (
        "a proxy for SOCKS",
        [],
        {"HAPTIK_BASE_URL": "https://haptik.invalid", "HTTPS_PROXY": "socks5://proxy.invalid", "NO_PROXY": ""},
        2,
        "The proxy of HTTPS_PROXY is one for SOCKS",
    ),
    ("a wrong setting", [], {"HAPTIK_BUSINESS_ID": "shop"}, 2, "HAPTIK_BUSINESS_ID must be a number"),
    ("an unknown team", ["--team", "ordres"], {}, 1, "invalid team_name provided. Copy the name from the Teams page"),
    ("an inactive team", ["--team", "night"], {}, 1, 'team "night" is inactive. Activate the team'),
    ("an unknown user", ["--user-name", "zoe"], {}, 1, "invalid user_name"),
    ("a user who has not written", ["--user-name", "esha"], {}, 1, "user has not sent a message"),
    ("an unknown business", ["--business-id", "9"], {}, 1, "invalid business_id provided"),
    ("a wrong token", [], {"HAPTIK_TOKEN": "secret-of-mine"}, 1, "invalid token provided. Copy the token"),
]


@pytest.mark.parametrize(
    ("options", "settings", "status", "said"), [row[1:] for row in OUTCOMES], ids=[row[0] for row in OUTCOMES]
)
def test_what_goes_wrong_is_said_once_on_stderr(
    options: list[str], settings: dict[str, str], status: int, said: str, environ: dict[str, str]
) -> None:
    result = run(*HANDOFF, *options, environ={**environ, **settings})
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in result.stderr
    assert "secret-of-mine" not in result.stderr
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("Error: ")
    assert len(lines) == 1 or lines[0].startswith("Usage: haptik-actions handoff send")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chekc"], "No such command 'chekc'. Did you mean 'check'?"),
        (["messages", "sett"], "No such command 'sett'. Did you mean 'set'?"),
        (["studio", "user", "ad"], "No such command 'ad'. Did you mean 'add'?"),
        (["handoff", "sned"], "No such command 'sned'. Did you mean 'send'?"),
        (["xyzzy"], "No such command 'xyzzy'. `--help` lists what there is."),
    ],
)
def test_a_misspelt_command_names_the_nearest(words: list[str], said: str) -> None:
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {said}")


def test_a_misspelt_command_of_a_pipeline_is_no_change() -> None:
    result = CliRunner().invoke(main, ["faq", "lnit"])
    assert result.exit_code == 1
    assert "Did you mean 'lint'?" in result.stderr


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("--user-name", "Missing option '--user-name'"),
        ("--business-id", "--business-id is not given, and HAPTIK_BUSINESS_ID is not set."),
        ("--team", "--team is not given, and HAPTIK_TEAM is not set."),
    ],
)
def test_what_is_neither_given_nor_set_is_a_usage_error(left_out: str, said: str, environ: dict[str, str]) -> None:
    at = HANDOFF.index(left_out)
    result = run(*HANDOFF[:at], *HANDOFF[at + 2 :], environ=environ)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_platform_that_is_down_is_status_1(haptik_sandbox_server: SandboxServer, environ: dict[str, str]) -> None:
    haptik_sandbox_server.sandbox.outage = True
    result = run(*HANDOFF, environ=environ)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "answered 503" in result.stderr
    assert "Try again later" in result.stderr


FAULTS: list[tuple[Fault, str]] = [
    (Fault.rate_limited(30), "answered 429: too many requests. Try again in 30 s."),
    (Fault.status(500), "answered 500"),
    (Fault.status(400, "no\x1b[31m\nmore"), r"no\x1b[31m\nmore"),
    (Fault.malformed(), "Check that HAPTIK_BASE_URL is the platform itself"),
    (Fault.unsuccessful(), "answered 200"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS, ids=lambda value: getattr(value, "kind", ""))
def test_a_fault_of_the_platform_is_status_1_and_one_line(
    fault: Fault, said: str, haptik_sandbox_server: SandboxServer, environ: dict[str, str]
) -> None:
    haptik_sandbox_server.sandbox.fail(fault)
    result = run(*HANDOFF, environ=environ)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


def test_a_platform_that_is_not_there_is_status_1(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = run(*HANDOFF, environ={**environ, "HAPTIK_BASE_URL": f"http://127.0.0.1:{port}"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "Check HAPTIK_BASE_URL" in result.stderr


def test_a_refusal_as_a_process_of_its_own(environ: dict[str, str]) -> None:
    words = [*CLI, *HANDOFF, "--team", "ordres"]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **environ})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("path", [path for path, group in COMMANDS.items() if isinstance(group, click.Group)])
def test_no_line_of_a_list_of_commands_is_cut_off(path: str) -> None:
    shown = CliRunner().invoke(main, [*path.split()[1:], "--help"], terminal_width=80).stdout
    assert [line for line in shown.partition("Commands:")[2].splitlines() if line.endswith("...")] == []


# sandbox and demo


@pytest.mark.parametrize("arguments", [["sandbox"], ["demo", "--once"]])
def test_a_missing_extra_is_named(arguments: list[str]) -> None:
    code = f"""
import sys
sys.modules["starlette"] = None
from haptik_actions.cli import main
main({arguments!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'Error: The sandbox needs the package starlette: pip install "haptik-actions[sandbox]"\n'


def test_a_port_that_is_taken(haptik_sandbox_server: SandboxServer) -> None:
    port = haptik_sandbox_server.url.rpartition(":")[2]
    result = run("sandbox", "--port", port)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Port {port} on 127.0.0.1 cannot be had" in result.stderr
    assert "Use another port" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "70000"], "70000 is not in the range 0<=x<=65535"),
        (["--port", "http"], "'http' is not a valid integer range"),
        (["--state", "missing.yml"], "File 'missing.yml' does not exist"),
        (["--state", "."], "File '.' is a directory"),
        (["--state", "mine.yml"], "mine.yml: top level: unknown key 'team'. Did you mean 'teams'?"),
        (["--host", "0.0.0.0"], "No such option"),
    ],
)
def test_what_the_sandbox_cannot_start_with(options: list[str], said: str) -> None:
    Path("mine.yml").write_text("team: [{name: support}]")
    result = run("sandbox", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_stays_up_until_a_signal(end: signal.Signals) -> None:
    state = (
        "{partners: [{client_id: me, token: t}], businesses: [{id: 7, name: Shop}], teams: [{name: night}], users: []}"
    )
    Path("mine.yml").write_text(state)
    words = [*CLI, "sandbox", "--state", "mine.yml"]
    sandbox = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert sandbox.stdout is not None
        line = sandbox.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line
        sandbox.send_signal(end)
        out, err = sandbox.communicate(timeout=60)
    finally:
        sandbox.kill()
    assert (sandbox.returncode, out, err) == (0, "", "")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(found[1]))) != 0
