"""docs/sandbox.md is true: its examples run, and it names every answer the sandbox gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from haptik_actions.sandbox import Sandbox
from tests.unit.test_sandbox_send_chat import ASSUMED, DOCUMENTED

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


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


def test_every_answer_stands_in_the_table_with_its_source() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    for message in sorted({row[3] for row in DOCUMENTED + ASSUMED}):
        shape = message.replace("1202", "<business_id>").replace("night", "<team_name>")
        row = next((row for row in rows if f"`{shape}`" in row), None)
        assert row is not None, f"no row for {shape}"
        assert row.rstrip(" |").endswith(("documented", "assumed"))
