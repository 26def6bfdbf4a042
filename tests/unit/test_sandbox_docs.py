"""docs/sandbox.md is true: its examples run, and it names every answer the sandbox gives."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from haptik_actions.sandbox import Fault, Sandbox
from tests.unit import test_sandbox_bot_api as bot_api
from tests.unit import test_sandbox_faq as faq
from tests.unit import test_sandbox_history as history
from tests.unit import test_sandbox_send_chat as send_chat

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def rows_below(path: str) -> list[str]:
    section = TEXT.partition(f"`{path}`\n")[2].partition("\n#")[0]
    return [line for line in section.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_examples_run(code: str) -> None:
    exec(compile(code, "docs/sandbox.md", "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_state_example_is_a_state(text: str) -> None:
    assert Sandbox.from_mapping(YAML(typ="safe", pure=True).load(text)).chats()


@pytest.mark.parametrize("text", blocks("json"))
def test_the_json_examples_are_json(text: str) -> None:
    assert json.loads(text)


def test_there_is_an_example_of_each_kind() -> None:
    assert [bool(blocks(language)) for language in ("python", "yaml", "json")] == [True, True, True]


ANSWERS = {
    send_chat.PATH: {row[3] for row in send_chat.DOCUMENTED + send_chat.ASSUMED},
    history.V1: {row[3] for row in history.V1_DOCUMENTED + history.V1_ASSUMED},
    history.V2: {row[4] for row in history.V2_DOCUMENTED + history.V2_ASSUMED},
    faq.CREATE: {row[4] for row in faq.DOCUMENTED + faq.ASSUMED},
    bot_api.FILE: {row[3] for row in bot_api.FILES_DOCUMENTED + bot_api.FILES_ASSUMED},
    **{path: {row[3] for row in bot_api.DOCUMENTED + bot_api.ASSUMED if row[0] == path} for path in bot_api.BODIES},
}
METHODS = {path: "GET" if path in (history.V1, history.V2) else "POST" for path in ANSWERS}


@pytest.mark.parametrize(
    ("path", "message"), [(path, message) for path, messages in ANSWERS.items() for message in sorted(messages)]
)
def test_every_answer_stands_in_its_table_with_its_source(path: str, message: str) -> None:
    shape = message.replace("1202", "<business_id>").replace("night", "<team_name>")
    # A status may stand before it: `401, ...`.
    rows = rows_below(f"{METHODS[path]} {path}")
    row = next((row for row in rows if re.search(rf"(`|, ){re.escape(shape)}`", row)), None)
    assert row is not None, f"no row for {shape}"
    assert row.rstrip(" |").endswith(("documented", "assumed"))


def test_every_row_of_every_table_of_answers_has_a_source() -> None:
    sections = TEXT.partition("## What is documented and what is assumed")[2]
    rows = [line for line in sections.splitlines() if line.startswith("| ") and not line.startswith("| When ")]
    assert len(rows) > 80
    assert [row for row in rows if not row.rstrip(" |").endswith(("| documented", "| assumed"))] == []


def test_every_constructor_and_every_field_of_a_fault_is_named() -> None:
    makers = [name for name, value in vars(Fault).items() if isinstance(value, classmethod)]
    assert len(makers) == 11
    assert [name for name in makers if f"`Fault.{name}(" not in TEXT] == []
    assert [field.name for field in fields(Fault) if field.name not in TEXT] == []


@pytest.mark.parametrize("name", [name for name in dir(Sandbox) if not name.startswith("_")])
def test_every_public_name_of_the_sandbox_is_named(name: str) -> None:
    assert re.search(rf"[sS]andbox\.{name}\b", TEXT)
