"""The site: its pages are written from the code without a gap, and what was built is looked at link by link."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docsite import broken_links, write_site
from docsite._api import api_names, api_page
from docsite._lists import reindented
from docsite._sections import API, SECTIONS
from docsite._texts import error_page
from haptik_actions import errors
from haptik_actions._yaml import load_bounded
from haptik_actions.cli import main
from haptik_actions.escalation import check_domain

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
HOW_TO = ROOT / "docs" / "how-to"
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
UNCHECKED = {"console", "text", "nginx", "dockerfile", "markdown"}
"""What a program prints, and files of other programs."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("site")
    return folder, write_site(folder)


def test_nothing_public_is_undocumented_and_each_page_has_its_place(site: tuple[Path, list[str]]) -> None:
    assert site[1] == []


def test_the_contents_for_programs_name_each_page(site: tuple[Path, list[str]]) -> None:
    contents = (site[0] / "pages" / "llms.txt").read_text(encoding="utf-8")
    for _, pages in SECTIONS:
        for name, _ in pages:
            assert f"({name.removesuffix('.md')}.html)" in contents
    assert len((site[0] / "pages" / "llms-full.txt").read_text(encoding="utf-8")) > 300_000


def test_the_generators_file_is_toml_whose_pages_exist(site: tuple[Path, list[str]]) -> None:
    navigation = tomllib.loads((site[0] / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    pages = set(_leaves(navigation))
    assert len(pages) > 70
    assert [page for page in pages if not (site[0] / "pages" / page).is_file()] == []


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _leaves(member)


@pytest.mark.parametrize("module", [module for module, _ in API])
def test_the_page_of_a_module_has_each_of_its_public_names(module: str) -> None:
    text, problems = api_page(module, "Title")
    assert problems == []
    for name in api_names(module):
        assert f"\n## {name}\n" in text


def test_the_page_of_errors_leads_from_a_text_to_what_helps() -> None:
    text, problems = error_page()
    assert problems == []
    for name in errors.__all__:
        assert name == "HaptikError" or f"## {name}\n" in text
    _, _, section = text.partition("## UnknownTeam\n")
    assert errors.UnknownTeam.remedy in section
    assert "`invalid team_name provided`" in section


def test_what_leads_nowhere_in_a_built_site_is_found(tmp_path: Path) -> None:
    assert broken_links(tmp_path) == [f"{tmp_path}: no page was built"]
    (tmp_path / "there.html").write_text('<h2 id="known">Known</h2>', encoding="utf-8")
    (tmp_path / "index.html").write_text(
        '<a href="there.html#known">1</a><a href="there.html#unknown">2</a><a href="gone.html">3</a>'
        '<a href="https://example.org">4</a><img src="gone.png"><script src="https://example.org/a.js"></script>',
        encoding="utf-8",
    )
    assert broken_links(tmp_path) == [
        "index.html loads https://example.org/a.js from elsewhere",
        "index.html links to gone.html, which is not there",
        "index.html links to gone.png, which is not there",
        "index.html links to there.html#unknown, and that page has no such heading",
    ]


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("- one\n  goes on\n- two\n", "- one\n    goes on\n- two\n"),
        ("1. one\n   - a\n     goes on\n   - b\n2. two\n", "1. one\n    - a\n        goes on\n    - b\n2. two\n"),
        (
            "1. one:\n\n   ```sh\n   a\n     - b\n   ```\n\nEnd.\n",
            "1. one:\n\n    ```sh\n    a\n      - b\n    ```\n\nEnd.\n",
        ),
        ("Words:\n- one\n", "Words:\n\n- one\n"),
        ("```\n- one\n  two\n```\n", "```\n- one\n  two\n```\n"),
        ("    code\n", "    code\n"),
    ],
)
def test_lists_are_indented_by_four(page: str, wanted: str) -> None:
    assert reindented(page) == wanted


def blocks(document: Path) -> list[tuple[str, str]]:
    """Return language and text of each block of code of a page, without the indentation of a list."""
    found = BLOCK.findall(document.read_text(encoding="utf-8"))
    return [(language, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)) for indent, language, text in found]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_block_of_code_can_be_read_by_what_it_is_for(document: Path) -> None:
    for language, text in blocks(document):
        if language in ("sh", "bash"):
            subprocess.run(["bash", "-n", "-c", text], check=True)
        elif language == "yaml":
            load_bounded(text)
        elif language == "json":
            json.loads(text)
        elif language == "toml":
            tomllib.loads(text)
        elif language in ("python", "py"):
            compile(text, str(document), "exec")
        else:
            assert language in UNCHECKED, f"nothing looks at blocks of {language!r}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_on_a_page_exist_with_their_options(document: Path) -> None:
    info = main.to_info_dict(main.make_context("haptik-actions", ["--help"], resilient_parsing=True))
    for words in _command_lines(document):
        command: Any = info
        while "commands" in command and words and not words[0].startswith("-"):
            assert words[0] in command["commands"], f"haptik-actions {' '.join(words)}"
            command = command["commands"][words.pop(0)]
        known = {spelling for option in command["params"] for spelling in (*option["opts"], *option["secondary_opts"])}
        options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
        assert [option for option in options if option not in known | RASA_SDKS] == [], f"{words} of {document.name}"


RASA_SDKS = {"--port", "--actions", "--actions-module", "--grpc", "--help"}
"""What `run` passes on."""


def _command_lines(document: Path) -> Iterator[list[str]]:
    for language, text in blocks(document):
        for line in text.replace("\\\n", " ").splitlines() if language in ("sh", "bash") else ():
            found = re.search(r"(?:^|[ ;&(])haptik-actions (?P<words>[^;|&)]*)", line.partition(" #")[0])
            if found:
                plain = re.sub(r"""[<>].*|"[^"]*"|'[^']*'|["'].*""", "", found["words"])
                yield [word for word in plain.split() if "…" not in word]


@pytest.mark.parametrize("page", ["several-bots.md", "business-hours.md"])
def test_the_domains_of_the_how_to_pages_have_no_mistake(page: str, tmp_path: Path) -> None:
    for index, (_, text) in enumerate(block for block in blocks(HOW_TO / page) if block[0] == "yaml"):
        domain = tmp_path / f"domain{index}.yml"
        slot = "  haptik_handoff:\n    type: any\n    influence_conversation: false\n    mappings: [{type: custom}]\n"
        actions = "actions: [action_order_status]\n"
        domain.write_text(f'version: "3.1"\n{actions}{text}{slot}', encoding="utf-8")
        assert [str(finding) for finding in check_domain(domain)] == []


def test_the_tests_of_the_how_to_page_pass(tmp_path: Path) -> None:
    for index, (_, text) in enumerate(block for block in blocks(HOW_TO / "testing-a-bot.md") if block[0] == "python"):
        (tmp_path / f"test_page_{index}.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


FAILS = """
import asyncio
from haptik_actions import escalate_on_error
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

class Fails(Action):
    def name(self):
        return "action_fails"

    @escalate_on_error(team="orders")
    async def run(self, dispatcher, tracker, domain):
        raise ConnectionError

async def main():
    dispatcher = CollectingDispatcher()
    await Fails().run(dispatcher, Tracker.from_dict({"sender_id": "a"}), {})
    assert len(dispatcher.messages) == 1

asyncio.run(main())
"""


@pytest.mark.parametrize("page", ["secrets.md", "several-bots.md", "monitoring.md"])
def test_guarded_actions_answer_with_what_the_how_to_pages_configure(page: str, tmp_path: Path) -> None:
    for _, text in (block for block in blocks(HOW_TO / page) if block[0] == "python"):
        done = subprocess.run(
            [sys.executable, "-c", text + FAILS],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        )
        assert done.returncode == 0, done.stderr


def test_issue_forms_and_hooks_are_whole() -> None:
    for form in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")):
        content = load_bounded(form.read_text(encoding="utf-8"))
        assert {"name", "description", "body"} <= content.keys()
        assert len({part["id"] for part in content["body"]}) == len(content["body"])
        assert all(part["attributes"]["label"] for part in content["body"])
    hooks = load_bounded((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    for hook in hooks:
        for word in hook["entry"].split():
            assert not word.startswith("tests/") or (ROOT / word).is_file()
