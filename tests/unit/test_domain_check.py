"""The domain's files, checked: every mistake by file, line and path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from haptik_actions.cli import main
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import check_domain

EXAMPLE = Path(__file__).parents[2] / "examples" / "rasa_project" / "domain"

SLOT = """
slots:
  haptik:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
    initial_value:
      team: support
"""
RECEIPT = """
  haptik_handoff:
    type: any
    influence_conversation: false
    mappings: [{type: custom}]
"""
ACTIONS = """
actions:
  - action_order_status
  - action_cancel_order: {send_domain: true}
"""
INITIAL = "slots.haptik.initial_value"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return folder


def found(domain: Path) -> list[tuple[str, int | None, str]]:
    return [(finding.file.name, finding.line, finding.path) for finding in check_domain(domain)]


def test_the_example_is_fine() -> None:
    assert check_domain(EXAMPLE) == []


def test_a_domain_without_the_slot_is_fine(tmp_path: Path) -> None:
    assert check_domain(write(tmp_path, domain="slots:\n  other: {type: text}\n", empty="", text="hello")) == []


MISTAKES = [
    ("      teem: vip\n", (9, f"{INITIAL}.teem"), "'team'"),
    ("      deadline: soon\n", (9, f"{INITIAL}.deadline"), "a number of seconds"),
    ("      teams:\n        - {when: {tier: gold}, team: vip}\n", (10, f"{INITIAL}.teams[0].when"), "conditions on"),
    (
        '      hours:\n        timezone: UTC\n        open:\n          mon: "9-18"\n',
        (12, f"{INITIAL}.hours.open.mon"),
        "09:00-18:00",
    ),
    (
        "      actions:\n        action_order_status: {retry: -1}\n",
        (10, f"{INITIAL}.actions.action_order_status.retry"),
        "",
    ),
    (
        "      actions:\n        action_order_stat: {retry: 1}\n",
        (10, f"{INITIAL}.actions.action_order_stat"),
        "'action_order_status'",
    ),
    ("      breaker: {name: orders, failure: 3}\n", (9, f"{INITIAL}.breaker.failure"), "'failures'"),
    ("      breaker: {failures: 3}\n", (9, f"{INITIAL}.breaker"), "a name"),
    ("      messages: {conected: x}\n", (9, f"{INITIAL}.messages.conected"), "'connected'"),
]


@pytest.mark.parametrize(("wrong", "place", "said"), MISTAKES)
def test_a_mistake_is_named_with_its_place(wrong: str, place: tuple[int, str], said: str, tmp_path: Path) -> None:
    (finding,) = check_domain(write(tmp_path, domain=SLOT + wrong + RECEIPT + ACTIONS))
    assert (finding.line, finding.path.removesuffix(".name")) == place
    assert said in finding.problem
    assert str(finding).startswith(f"{tmp_path / 'domain.yml'}:{finding.line}: {finding.path} ")


def test_actions_that_need_no_listing_may_have_options(tmp_path: Path) -> None:
    names = ("action_cancel_order", "action_default_fallback", "validate_my_form", "action_ask_my_form_day")
    options = "".join(f"        {name}: {{deadline: 3}}\n" for name in names)
    assert check_domain(write(tmp_path, domain=SLOT + "      actions:\n" + options + RECEIPT + ACTIONS)) == []


DECLARATIONS = [
    (SLOT + ACTIONS, [("domain.yml", 2, "slots.haptik_handoff")]),
    (SLOT.replace("any", "text") + RECEIPT, [("domain.yml", 4, "slots.haptik.type")]),
    (SLOT.replace("type: custom", "type: from_text") + RECEIPT, [("domain.yml", 6, "slots.haptik.mappings")]),
    (
        SLOT.replace("    influence_conversation: false\n", "") + RECEIPT,
        [("domain.yml", 3, "slots.haptik.influence_conversation")],
    ),
    (SLOT + RECEIPT.replace("any", "text"), [("domain.yml", 11, "slots.haptik_handoff.type")]),
    ("slots:\n  haptik: text" + RECEIPT, [("domain.yml", 2, "slots.haptik")]),
    (SLOT.replace("    initial_value:\n      team: support\n", "") + RECEIPT, [("domain.yml", 3, INITIAL)]),
]


@pytest.mark.parametrize(("text", "places"), DECLARATIONS)
def test_how_the_slots_have_to_be_declared(text: str, places: list[Any], tmp_path: Path) -> None:
    assert found(write(tmp_path, domain=text)) == places


def test_a_folder_is_one_domain(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path, a=SLOT, b=ACTIONS)
    write(tmp_path / "deep", receipt="slots:" + RECEIPT)
    assert check_domain(tmp_path) == []
    write(tmp_path, z=SLOT)
    assert found(tmp_path) == [("z.yml", 3, "slots.haptik")]


def test_what_is_no_domain_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        check_domain(tmp_path / "nothing")
    with pytest.raises(ConfigurationError, match=r"broken\.yml:2: this is not valid YAML"):
        check_domain(write(tmp_path, broken="a: 1\n b: 2\n"))


# The command


def check(*options: str, **environ: str) -> Any:
    return CliRunner().invoke(main, ["check", *options], env=environ)


def test_the_command_ends_with_1_where_something_is_wrong(tmp_path: Path) -> None:
    domain = write(tmp_path, domain=SLOT + "      teem: vip\n" + RECEIPT) / "domain.yml"
    result = check("--domain", str(domain))
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == f"{domain}:9: {INITIAL}.teem is unknown and ignored. Did you mean 'team'?\n"
    (row,) = json.loads(check("--json", HAPTIK_DOMAIN=str(domain)).stdout)
    assert row == {
        "file": str(domain),
        "line": 9,
        "path": f"{INITIAL}.teem",
        "problem": "is unknown and ignored. Did you mean 'team'?",
    }


def test_the_command_finds_the_domain_as_rasa_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HAPTIK_DOMAIN", raising=False)
    nothing = check()
    assert (nothing.exit_code, "--domain" in nothing.stderr) == (2, True)
    write(tmp_path, domain=SLOT + RECEIPT)
    result = check()
    assert (result.exit_code, result.stdout) == (0, "domain.yml is fine.\n")
    assert check("--json").stdout == "[]\n"
    missing = check("--domain", "nothing")
    assert (missing.exit_code, "no such file" in missing.stderr) == (2, True)
