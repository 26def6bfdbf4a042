"""Rules of the lint set to another severity, or off; and those that stay errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.errors import ConfigurationError
from haptik_actions.faq import CODES, CsvSource, Finding, Findings, lint, load, sarif

ROWS = "node_name,question,answer\nhours,When?|when?,9\nHours,Where?,=1+1\n"


@pytest.fixture
def source(tmp_path: Path) -> CsvSource:
    path = tmp_path / "faq.csv"
    path.write_text(ROWS)
    return CsvSource(path)


def test_a_level_decides_what_is_listed_counted_and_refused(source: CsvSource) -> None:
    assert not lint(source).ok
    report, nodes = load(source, levels={"formula": "warning", "question_repeated": "off", "similar_name": "warning"})
    assert nodes is not None
    assert report.ok
    assert [(found.code, found.severity) for found in report.findings.listed()] == [
        ("formula", "warning"),
        ("similar_name", "warning"),
    ]
    assert (report.findings.count("error"), report.findings.count("warning")) == (0, 2)
    assert dict(report.findings.counts) == {"formula": 1, "similar_name": 1}


def test_a_warning_can_be_made_an_error(source: CsvSource) -> None:
    report, nodes = load(source, levels={"formula": "off", "similar_name": "error"})
    assert (report.ok, nodes) == (False, None)
    (run,) = sarif(report)["runs"]
    assert [(found["ruleId"], found["level"]) for found in run["results"]] == [
        ("faq/question_repeated", "warning"),
        ("faq/similar_name", "error"),
    ]
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in run["tool"]["driver"]["rules"]}
    assert levels["faq/similar_name"] == "error"


@pytest.mark.parametrize("code", [code for code, known in CODES.items() if known.fixed])
def test_what_an_upload_cannot_do_without_stays_an_error(code: str) -> None:
    findings = Findings(levels={code: "error"})
    findings.add(Finding(code=code, message="It is so."))
    assert findings.has_error
    with pytest.raises(ConfigurationError, match=f"{code} has to stay an error: "):
        Findings(levels={code: "off"})
    with pytest.raises(ConfigurationError, match=f"{code} has to stay an error: "):
        Findings(levels={code: "warning"})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["faq", *arguments], env={"HAPTIK_FAQ_DOMAIN": "shop"})


@pytest.mark.parametrize("name", ["lint", "plan", "apply", "watch"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("formular=off", "There is no rule 'formular'. Did you mean 'formula'?"),
        ("xyz=off", "There is no rule 'xyz'. docs/faq.md lists them all."),
        ("formula=fatal", "'fatal' is no level. Write one of error, warning, off."),
        ("formula", "'' is no level."),
        ("empty_cell=off", "empty_cell has to stay an error: the platform needs node_name"),
    ],
    ids=["near", "far", "level", "no-level", "fixed"],
)
def test_a_level_that_cannot_be_set_is_a_usage_error(source: CsvSource, name: str, given: str, said: str) -> None:
    result = run(name, source.name, "--severity", given)
    assert result.exit_code == 1
    assert "Invalid value for '--severity'" in result.stderr
    assert said in " ".join(result.stderr.split())


def test_lint_and_plan_take_levels(source: CsvSource, tmp_path: Path) -> None:
    levels = ("--severity", "formula=warning", "--severity", "similar_name=off")
    shown = run("lint", source.name, "--format", "json", *levels)
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["counts"] == {"formula": 1, "question_repeated": 1}
    assert {found["severity"] for found in json.loads(shown.stdout)["findings"]} == {"warning"}
    plan = ("plan", source.name, "--first", "--ledger", str(tmp_path / "ledger"))
    assert run(*plan).exit_code == 1
    assert run(*plan, *levels).exit_code == 2
