"""`haptik-actions faq` as a pipeline and as a person uses it: statuses, outputs, and what a failed row leads to."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.faq import FORMATS
from haptik_actions.testing import SandboxServer
from tests.support.sarif import SCHEMA

CLI = [sys.executable, "-m", "haptik_actions.cli"]
CORPUS = Path(__file__).parents[1] / "fixtures" / "faq"
GOOD = "node_name,question,answer\nhours,When?,9 to 18\nreturns,Returns?,Yes<m>30 days\ncard,Card?,Yes\n"


@pytest.fixture
def haptik_sandbox_state() -> dict[str, Any]:
    return {
        "partners": [{"client_id": "demo-client", "token": "demo-token"}],
        "domains": [{"name": "shop", "nodes": [{"node_name": "old", "user_says": ["old"], "bot_says": ["old"]}]}],
    }


@pytest.fixture
def environ(haptik_sandbox_server: SandboxServer) -> dict[str, str]:
    return {**haptik_sandbox_server.environment, "HAPTIK_FAQ_DOMAIN": "shop"}


@pytest.fixture
def faq(tmp_path: Path, environ: dict[str, str]) -> Callable[..., Result]:
    """Runs a command with a ledger in a folder; `source` is what faq.csv holds from now on."""

    def run(*arguments: str, source: str | None = None, **settings: str) -> Result:
        if source is not None:
            (tmp_path / "faq.csv").write_text(source)
        needs_ledger = arguments[0] in ("plan", "apply", "history", "watch") and "--ledger" not in arguments
        words = ["faq", *arguments, *(["--ledger", "ledger"] if needs_ledger else [])]
        result = CliRunner().invoke(main, words, prog_name="haptik-actions", env={**environ, **settings})
        assert "Traceback" not in result.stderr
        assert "demo-token" not in result.output
        return result

    return run


def active(server: SandboxServer) -> set[str]:
    return {node.node_name for node in server.sandbox.faq_nodes("shop") if node.active}


Faq = Callable[..., Result]


# Status


@pytest.mark.parametrize(
    ("name", "options", "status"),
    [
        ("good.csv", [], 0),
        ("good.csv", ["--strict"], 0),
        ("mojibake.csv", [], 0),
        ("mojibake.csv", ["--strict"], 1),
        ("empty-cells.csv", [], 1),
        ("nowhere.csv", [], 1),
        ("good.csv", ["--delimiter", "dot"], 1),
        ("good.csv", ["--agent"], 1),
    ],
)
def test_lint_ends_with_0_or_1(faq: Faq, name: str, options: list[str], status: int) -> None:
    assert faq("lint", str(CORPUS / name), *options).exit_code == status


def test_a_pipeline_reads_nothing_changes_and_refused(faq: Faq, haptik_sandbox_server: SandboxServer) -> None:
    assert faq("plan", "faq.csv", source=GOOD).exit_code == 1, "no ledger, no --first"
    assert faq("plan", "faq.csv", "--first").exit_code == 2
    assert active(haptik_sandbox_server) == {"old"}
    assert faq("apply", "faq.csv").exit_code == 1
    assert faq("apply", "faq.csv", "--first").exit_code == 0
    assert active(haptik_sandbox_server) == {"hours", "returns", "card"}
    assert faq("plan", "faq.csv").exit_code == 0
    assert faq("apply", "faq.csv").exit_code == 0
    fewer = GOOD.replace("card,Card?,Yes\n", "gift,Gift?,Yes\n")
    assert faq("plan", "faq.csv", source=fewer).exit_code == 1
    assert faq("plan", "faq.csv", "--allow-deactivations", "50%").exit_code == 2
    assert faq("apply", "faq.csv", "--allow-deactivate", "card").exit_code == 0
    assert active(haptik_sandbox_server) == {"hours", "returns", "gift"}
    assert faq("apply", "faq.csv", source=GOOD + ",,nobody\n").exit_code == 1
    haptik_sandbox_server.sandbox.assert_called("create_faq_nodes", times=2)


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["plan", "faq.csv"], {"HAPTIK_FAQ_DOMAIN": ""}, "Missing option '--domain'"),
        (["apply", "faq.csv", "--first"], {"HAPTIK_BASE_URL": ""}, "HAPTIK_BASE_URL is not set."),
        (["apply"], {}, "Give one of SOURCE, --restore and --resume ID."),
        (["apply", "faq.csv", "--restore"], {}, "Give one of SOURCE, --restore and --resume ID."),
        (["apply", "--restore"], {}, "nothing to restore"),
        (["apply", "--resume", "abc"], {}, "No run or task 'abc' is in the ledger."),
        (["plan", "faq.csv", "--allow-deactivations", "few"], {}, "'few' is no ceiling."),
        (["apply", "faq.csv", "--first", "--plan", "123"], {}, "not 123"),
        (["apply", "faq.csv", "--first"], {"HAPTIK_FAQ_DOMAIN": "kitchen"}, "Copy the name of the domain"),
        (["apply", "faq.csv", "--first"], {"HAPTIK_TOKEN": "wrong"}, "Copy the token"),
        (["status", "no-such-task"], {}, "invalid task_id"),
    ],
)
def test_what_is_refused_ends_with_1_and_says_what_helps(
    faq: Faq, arguments: list[str], settings: dict[str, str], said: str
) -> None:
    result = faq(*arguments, source=GOOD, **settings)
    assert result.exit_code == 1
    assert said in result.stderr


def test_a_ledger_has_to_have_a_place(faq: Faq, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(GOOD)
    result = CliRunner().invoke(main, ["faq", "plan", "faq.csv"], env=environ)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Set REDIS_URL, or name a folder that stays with --ledger." in result.stderr


def test_a_ledger_in_redis(
    faq: Faq, environ: dict[str, str], tmp_path: Path, valkey_url: str, redis_client: Any
) -> None:
    (tmp_path / "faq.csv").write_text(GOOD)
    settings = {**environ, "REDIS_URL": valkey_url}
    for arguments, status in ((["apply", "faq.csv", "--first"], 0), (["plan", "faq.csv"], 0), (["history"], 0)):
        result = CliRunner().invoke(main, ["faq", *arguments], env=settings)
        assert result.exit_code == status, result.stderr
    assert "done       3 nodes  +3 ~0 -0  faq.csv" in result.stdout


# A task that fails


def test_a_failed_row_is_named_in_the_source_and_the_last_good_set_put_back(
    faq: Faq, haptik_sandbox_server: SandboxServer
) -> None:
    faq("apply", "faq.csv", "--first", source=GOOD)
    # Not every rule of the platform is documented, so the lint cannot know them all.
    haptik_sandbox_server.sandbox.refuse_node("late", "Exception: node 'late' is reserved")
    changed = GOOD.replace("returns,", "\nlate,Later?,19\nreturns,")
    result = faq("apply", "faq.csv", source=changed)
    assert result.exit_code == 1
    assert "The platform's words: \"Exception: node 'late' is reserved\"." in result.stderr
    assert "row 2 of the upload, node 'late'. That is row 4 of faq.csv." in result.stderr
    assert "faq apply --restore" in result.stderr
    assert active(haptik_sandbox_server) == {"hours"}
    assert faq("apply", "--restore").exit_code == 0
    assert active(haptik_sandbox_server) == {"hours", "returns", "card"}
    failed = faq("history").stdout.splitlines()[1:3]
    assert "failed" in failed[0]
    assert failed[1] == "  Exception: node 'late' is reserved"


def test_status_speaks_the_platforms_words(faq: Faq, haptik_sandbox_server: SandboxServer) -> None:
    faq("apply", "faq.csv", "--first", source=GOOD)
    (run,) = json.loads(faq("history", "--json").stdout)
    assert (run["state"], run["created"], run["source"]) == ("done", 3, "faq.csv")
    done = faq("status", run["task_id"])
    assert (done.exit_code, done.stdout) == (
        0,
        f"{run['task_id']}  succeeded  all nodes has been created successfully\n",
    )
    assert json.loads(faq("status", run["task_id"], "--json").stdout)["state"] == "succeeded"


# What is printed


def test_in_a_pipe_a_finding_is_a_line_without_colour(faq: Faq) -> None:
    result = faq("lint", str(CORPUS / "question-claimed.csv"))
    finding, verdict = result.stdout.splitlines()
    assert finding == (
        f"{CORPUS / 'question-claimed.csv'}:3: error question_claimed: row 3, question: 'opening hours' is also in "
        "row 2 (node 'hours'). Keep the question with one of them."
    )
    assert verdict.startswith("1 error, 0 warnings in 2 rows of ")
    assert "\x1b" not in result.stdout


def test_a_cell_cannot_steer_the_terminal(faq: Faq) -> None:
    source = "node_name,question,answer\n\x1b[2Jhours\x9b,When?|when?,9\n\x1b[2Jhours\x9b,Where?,9\n"
    for arguments in (["lint", "faq.csv"], ["lint", "faq.csv", "--format", "json"]):
        shown = faq(*arguments, source=source).stdout
        assert "\x1b" not in shown
        assert "\x9b" not in shown


def test_json_has_every_field_and_counts_what_was_left_out(faq: Faq) -> None:
    report = json.loads(faq("lint", str(CORPUS / "duplicate-name.csv"), "--format", "json").stdout)
    (finding,) = report.pop("findings")
    assert report == {
        "source": str(CORPUS / "duplicate-name.csv"),
        "ok": False,
        "rows": 3,
        "counts": {"duplicate_name": 1},
    }
    assert (finding["severity"], finding["row"], finding["line"], finding["column"]) == ("error", 4, 4, "node_name")


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir() if "attributes" not in path.name))
def test_sarif_is_as_the_specification_says(faq: Faq, name: str) -> None:
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    result = faq("lint", str(CORPUS / name), "--format", "sarif")
    log = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    for found in run["results"]:
        assert run["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]


def test_a_plan_as_json_is_what_apply_takes(faq: Faq) -> None:
    known = json.loads(faq("plan", "faq.csv", "--first", "--json", source=GOOD).stdout)
    assert known["difference"]["creates"] == ["hours", "returns", "card"]
    result = faq("apply", "faq.csv", "--first", "--json", "--plan", known["id"])
    outcome = json.loads(result.stdout)
    assert (outcome["uploaded"], outcome["run"]["state"], outcome["plan"]["id"]) == (True, "done", known["id"])


def in_terminal(columns: int, *arguments: str, environ: dict[str, str]) -> str:
    """What a person sees who runs it in a terminal of that width."""
    master, slave = pty.openpty()
    settings = {**os.environ, **environ, "COLUMNS": str(columns), "TERM": "xterm-256color"}
    with subprocess.Popen([*CLI, "faq", *arguments], stdout=slave, stderr=slave, env=settings) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        process.wait(60)
    os.close(master)
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_in_a_terminal_findings_are_grouped_and_fit(columns: int, environ: dict[str, str]) -> None:
    shown = in_terminal(columns, "lint", str(CORPUS / "odd-delimiters.csv"), environ=environ)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert shown != plain
    assert plain.count("odd_delimiter") == 1
    assert max(map(len, plain.splitlines())) <= columns
    assert "row 3, answer: '</m>' stands in it." in plain


def test_in_a_terminal_a_bar_is_shown_while_the_platform_loads(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "faq.csv").write_text(GOOD)
    shown = in_terminal(80, "apply", "faq.csv", "--first", "--ledger", "ledger", environ=environ)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "━" in plain
    assert re.search(r"Run \w+: the platform is loading 3 nodes, task [\w-]{36}", " ".join(plain.split()))
    assert "of at most 600 s" in plain
    assert "Applied: shop holds the 3 nodes of faq.csv" in plain


# Watching


def test_watch_applies_at_once_and_after_a_change_and_says_what_is_refused(
    environ: dict[str, str], tmp_path: Path, haptik_sandbox_server: SandboxServer
) -> None:
    pytest.importorskip("watchfiles")
    source = tmp_path / "faq.csv"
    source.write_text(GOOD)
    command = [*CLI, "faq", "watch", "faq.csv", "--ledger", "ledger", "--first", "--settle", "0.2"]
    process = subprocess.Popen(
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        said = _until(process.stdout, "Applied: shop holds the 3 nodes")
        # By rename, as editors and exports do it.
        (tmp_path / "new.csv").write_text(GOOD + "late,When?,19\n")
        (tmp_path / "new.csv").replace(source)
        said = _until(process.stdout, "1 error, 0 warnings in 4 rows")
        assert "question_claimed" in said
        source.write_text(GOOD + "late,Later?,19\n")
        _until(process.stdout, "Applied: shop holds the 4 nodes")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.communicate()
    assert active(haptik_sandbox_server) == {"hours", "returns", "card", "late"}
    haptik_sandbox_server.sandbox.assert_called("create_faq_nodes", times=2)


def _until(lines: Any, words: str) -> str:
    said = ""
    while words not in said:
        ready, _, _ = select.select([lines], [], [], 20)
        assert ready, f"nothing more after: {said}"
        line = os.read(lines.fileno(), 65536).decode()
        assert line, f"ended without {words!r}: {said}"
        said += line
    return said


def test_an_apply_that_is_interrupted_says_what_comes_next_and_frees_the_lock(
    environ: dict[str, str], tmp_path: Path, haptik_sandbox_server: SandboxServer, faq: Faq
) -> None:
    rows = "".join(f"n{number},q{number}?,a\n" for number in range(100))
    (tmp_path / "faq.csv").write_text("node_name,question,answer\n" + rows)
    command = [*CLI, "faq", "apply", "faq.csv", "--ledger", "ledger", "--first"]
    process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        _until(process.stderr, "the platform is loading")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert b"the next apply takes it up" in said
    haptik_sandbox_server.sandbox.advance(10)
    again = faq("apply", "faq.csv")
    assert (again.exit_code, again.stdout.startswith("Nothing to do")) == (0, True)
    haptik_sandbox_server.sandbox.assert_called("create_faq_nodes", times=1)


@pytest.mark.parametrize("name", ["lint", "plan", "apply", "watch"])
def test_every_format_can_be_named(name: str) -> None:
    group = main.get_command(click.Context(main), "faq")
    assert isinstance(group, click.Group)
    (option,) = [found for found in group.commands[name].params if "--from" in found.opts]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == FORMATS
