"""What the documents say exists, and what exists is in the documents."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import haptik_actions
from haptik_actions import credentials, errors
from haptik_actions.cli import main
from haptik_actions.config import ENVIRONMENT, Settings
from haptik_actions.escalation import HandOffOptions, Receipt
from haptik_actions.faq import CODES
from haptik_actions.messages import packaged_copy

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLIENT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
FAQ = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]


def test_the_first_example_stands_within_thirty_lines() -> None:
    lines = README.splitlines()[:30]
    assert "```python" in lines
    assert "make demo" in lines


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z][\w-]*)", README)) - {"and", "sets"}))
def test_every_make_command_of_the_readme_is_a_target(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_a_heading_name_one_that_exists(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:\s]*\.md)?#([^)]+)\)", document.read_text(encoding="utf-8")):
        text = (document.parent / target if target else document).read_text(encoding="utf-8")
        assert anchor in {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}, (
            f"{target}#{anchor}"
        )


def _anchor(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_in_documents_compiles(document: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL):
        compile(block, str(document), "exec")


def test_names_that_documents_import_exist() -> None:
    for document in DOCUMENTS:
        for module, names in re.findall(r"from (haptik_actions[\w.]*) import ([\w, ]+)", document.read_text()):
            for name in names.split(","):
                assert hasattr(__import__(module, fromlist=[name.strip()]), name.strip()), f"{document.name}: {name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_curl_sends_to_the_sandbox_is_said_to_be_json(document: Path) -> None:
    text = document.read_text(encoding="utf-8").replace("\\\n", " ")
    for command in re.findall(r"curl [^\n]*/_sandbox/[^\n]*", text):
        assert " -d " not in command or "Content-Type: application/json" in command


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION
    assert f"`{ENVIRONMENT[name]}`" in CONFIGURATION


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(HandOffOptions)])
def test_every_key_of_the_slot_is_documented(name: str) -> None:
    assert f"| `{name}` |" in CONFIGURATION


@pytest.mark.parametrize("name", [*packaged_copy(), *(field.name for field in dataclasses.fields(Receipt))])
def test_every_message_key_and_receipt_field_is_documented(name: str) -> None:
    assert f"`{name}`" in CONFIGURATION


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "HaptikError"])
def test_every_error_is_documented(name: str) -> None:
    assert f"`{name}`" in CLIENT


@pytest.mark.parametrize("code", list(CODES))
def test_every_finding_of_faq_nodes_is_documented_as_it_is(code: str) -> None:
    known = CODES[code]
    cells = (f"`{code}`", known.severity, known.meaning, known.remedy)
    assert f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |" in FAQ


def test_the_table_of_findings_names_no_other_and_those_that_stay_errors_are_listed() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (error|warning|note) \|", FAQ, re.MULTILINE)
    assert rows == [(code, known.severity) for code, known in CODES.items()]
    _, _, after = FAQ.partition("These stay errors")
    listed, _, _ = after.partition("`invalid_hsl`")
    assert set(re.findall(r"`(\w+)`", listed)) == {code for code, known in CODES.items() if known.fixed}


@pytest.mark.parametrize("name", credentials.__all__)
def test_every_provider_is_documented(name: str) -> None:
    documented = f"`{name}" in CLIENT
    assert documented or name in ("Credentials", "CredentialsProvider", "CredentialsSelector")


def test_every_command_is_documented_and_has_an_example() -> None:
    everything = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    for name, command in main.to_info_dict(main.make_context("haptik-actions", ["--help"], resilient_parsing=True))[
        "commands"
    ].items():
        assert f"haptik-actions {name}" in everything or f"make {name}" in everything
        assert f"haptik-actions {name}" in command["help"]


def test_the_changelog_knows_this_version() -> None:
    assert haptik_actions.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_the_walk_of_a_failing_action_names_what_the_code_has_and_fits_one_screen() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = text.partition("## One failing action\n")[2].partition("\n## ")[0]
    package = Path(haptik_actions.__file__).parent
    known = {node for file in package.rglob("*.py") for node in _names_defined_in(file)}
    named = set(re.findall(r"`([^`]+)`", walk)) - {"ActionOrderStatus.run", "unavailable"}
    assert len(named) > 20
    missing = [name for name in named if name not in known and not ("/" in name and (package / name).is_file())]
    assert missing == []
    assert len(walk.splitlines()) < 40


def _names_defined_in(file: Path) -> Iterator[str]:
    """Yield each function and class of a file, nested ones too, and `Class.member` for what classes have."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        if isinstance(node, ast.ClassDef):
            for member in ast.walk(node):
                if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield f"{node.name}.{member.name}"
