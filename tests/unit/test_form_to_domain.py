"""`haptik-actions hsl form-to-domain`: what it prints is what the end-to-end bot is trained with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from haptik_actions.cli import main
from tests.unit.forms_bot import field, form_of

BOT = Path(__file__).parents[1] / "e2e" / "forms_bot"
COMMAND = ("hsl", "form-to-domain")


def run(*options: str, given: str | bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [*COMMAND, *options], input=given)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("options", "file"),
    [
        (("--not-intent", "ask_weather"), "domain/visit_form.yml"),
        (("--start-intent", "book_visit", "--submit-action", "action_book_visit"), "data/visit_form.yml"),
    ],
    ids=["domain", "rules"],
)
def test_what_the_bot_on_real_rasa_is_trained_with(options: tuple[str, ...], file: str) -> None:
    assert run(str(BOT / "visit.json"), *options) == (0, (BOT / file).read_text(encoding="utf-8"), "")


def test_every_slot_is_asked_for_and_kept_out_of_the_policies() -> None:
    form = form_of(field("Where to?", "picker", options=["A", "B"]), field("When", "date"))
    status, printed, _ = run("-", "--name", "trip_form", "--confirm", given=json.dumps(form))
    domain: dict[str, Any] = YAML(typ="safe").load(printed)
    assert status == 0
    assert domain["forms"] == {
        "trip_form": {"required_slots": ["trip_form_where_to", "trip_form_when", "trip_form_confirmed"]}
    }
    assert domain["actions"] == [
        "validate_trip_form",
        "action_ask_trip_form_where_to",
        "action_ask_trip_form_when",
        "action_ask_trip_form_confirmed",
    ]
    assert set(domain["slots"]) == {*domain["forms"]["trip_form"]["required_slots"], "trip_form_state"}
    assert all(slot["influence_conversation"] is False for slot in domain["slots"].values())


@pytest.mark.parametrize(
    ("given", "options", "problem"),
    [
        ("{", (), "is not JSON"),
        ("[]", (), "holds no FORM but list"),
        ('{"type": "TEXT", "text": "Hi"}', (), "is not a FORM"),
        (json.dumps(form_of(field("A", "text"))), ("--name", "Visit Form"), "no name of a form"),
        (json.dumps(form_of(field("A", "text"))), ("--start-intent", "x"), "go together"),
    ],
    ids=["no json", "list", "text", "name", "half"],
)
def test_mistakes_are_told_and_nothing_is_printed(given: str, options: tuple[str, ...], problem: str) -> None:
    status, printed, said = run("-", *options, given=given)
    assert (status, printed) == (2, "")
    assert problem in said


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_a_byte_order_mark_and_line_ends_of_windows_are_read(source: str, tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + json.dumps(form_of(field("A", "text")), indent=1).replace("\n", "\r\n").encode()
    (tmp_path / "f.json").write_bytes(content)
    where, given = ("-", content) if source == "stdin" else (str(tmp_path / "f.json"), None)
    status, printed, said = run(where, "--name", "f", given=given)
    assert (status, said) == (0, "")
    assert "f_a" in printed


@pytest.mark.parametrize("source", ["file", "stdin"])
def test_what_is_no_utf8_is_said(source: str, tmp_path: Path) -> None:
    content = '{"type": "FORM", "title": "Größe"}'.encode("latin-1")
    (tmp_path / "f.json").write_bytes(content)
    where, given = ("-", content) if source == "stdin" else (str(tmp_path / "f.json"), None)
    status, printed, said = run(where, "--name", "f", given=given)
    assert (status, printed) == (2, "")
    assert "is not UTF-8" in said
    assert "Save it as UTF-8." in said
