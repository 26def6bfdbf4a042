"""`haptik-actions hsl lint`, `render` and `preview` as people and pipelines use them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from haptik_actions.cli import main
from haptik_actions.hsl import Actionable, Button, Card, Carousel, Text
from haptik_actions.render import ALIASES, CHANNELS, render
from tests.support.browser import browser_page
from tests.support.sarif import SCHEMA

LONG = "Show me everything that there is to know about my order"
LOSES = Carousel([Card(title="Order", actionables=[Actionable.reply(LONG)])])
KEEPS = Text("Pick", [Actionable.reply("Yes"), Actionable.reply("No")])
SITE = Button("Where?", [Actionable.link("Website", "example.org")])


def hsl(*arguments: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["hsl", *arguments], prog_name="haptik-actions", input=given)
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, value: Any) -> str:
    Path(name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return name


# lint


def test_what_loses_nothing_passes() -> None:
    result = hsl("lint", write("a.json", KEEPS.to_hsl()))

    count = len(CHANNELS.keys() - ALIASES.keys())
    assert (result.exit_code, result.stdout) == (0, f"1 element on {count} channels: 0 losses\n")


def test_a_loss_names_file_place_and_channels_and_fails() -> None:
    result = hsl("lint", write("a.json", [KEEPS.to_hsl(), LOSES.to_hsl()]), "--channels", "facebook,instagram,rest")

    assert result.exit_code == 1
    first, remedy, summary = result.stdout.splitlines()
    assert first.startswith("a.json[1]: data.items[0].actionables[0].actionable_text: truncated: ")
    assert first.endswith("(at most 20 code points)  [facebook, instagram]")
    assert remedy == "truncated: Words are cut there. Shorten them to what fits."
    assert summary == "2 elements on 3 channels: 2 losses"


def test_losses_can_be_said_without_failing() -> None:
    arguments = ["lint", write("a.json", LOSES.to_hsl()), "--channels", "facebook", "--fail-on", "invalid"]
    assert hsl(*arguments).exit_code == 0
    assert hsl(*arguments, write("b.json", {"type": "BUTTON"})).exit_code == 1


def test_what_is_kept_in_another_form_is_said_on_request() -> None:
    name = write("a.json", SITE.to_hsl())

    assert hsl("lint", name, "--channels", "text").stdout == "1 element on 1 channel: 0 losses\n"
    result = hsl("lint", name, "--channels", "text", "--all")
    assert "a.json: data.items[0]: replaced: url by a line of text  [text]" in result.stdout
    assert result.exit_code == 0


def test_every_mistake_of_every_file_is_found_in_one_run() -> None:
    unsafe = {
        "type": "BUTTON",
        "text": "a",
        "data": {"items": [{"actionable_text": "b", "payload": {"url": "data:,x"}}]},
    }
    lines = "\n".join([json.dumps(KEEPS.to_hsl()), '"  "', '"Hello"'])
    result = hsl("lint", write("a.json", unsafe), write("b.jsonl", lines), "--channels", "facebook")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "a.json: data.items[0].payload.url: invalid: 'data:,x' is not an http or https address",
        "b.jsonl:2: text: invalid: a bubble that says nothing",
        "invalid: A value that is no element. Correct what stands at the path.",
        "4 elements on 1 channel: 0 losses, 2 invalid",
    ]


def test_the_report_for_programs() -> None:
    names = [write("a.json", LOSES.to_hsl()), write("b.json", {"type": "TEXT"})]
    result = hsl("lint", *names, "--channels", "facebook", "--channels", "rest", "--format", "json")

    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["channels"], report["losses"], report["invalid"]) == (["facebook", "rest"], 1, 1)
    assert [(element["place"], element["type"]) for element in report["elements"]] == [
        ("a.json", "CAROUSEL"),
        ("b.json", None),
    ]
    (loss,) = report["elements"][0]["findings"]
    assert (loss["code"], loss["channels"], loss["loss"]) == ("truncated", ["facebook"], True)


def test_the_report_for_code_hosts() -> None:
    lines = "\n".join([json.dumps(KEEPS.to_hsl()), json.dumps(LOSES.to_hsl()), '{"type": "BUTTON"}'])
    result = hsl("lint", write("a.jsonl", lines), "--channels", "facebook,text", "--all", "--format", "sarif")

    assert result.exit_code == 1
    log = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert {"hsl/invalid", "hsl/truncated"} < {*rules}
    found = {each["ruleId"]: each for each in run["results"]}
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in run["results"])
    assert [found[f"hsl/{code}"]["level"] for code in ("invalid", "truncated", "numbered")] == [
        "error",
        "warning",
        "note",
    ]
    (place,) = found["hsl/truncated"]["locations"]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "a.jsonl"}, "region": {"startLine": 2}}
    assert (
        "(at most 20 code points) [facebook]. Shorten them to what fits." in found["hsl/truncated"]["message"]["text"]
    )


@pytest.mark.parametrize("command", ["lint", "preview"])
def test_a_channel_that_does_not_exist_is_refused(command: str) -> None:
    result = hsl(command, write("a.json", "{}"), "--channels", "facebook,watsapp")

    assert result.exit_code == 2
    assert "'watsapp' is no channel. There are: " in result.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "a.json is no JSON: "),
        ('{"type": ', "a.json is no JSON: "),
        ('{"type": "TEXT"}\n{"type"', "nor line by line (line 2: "),
        ("[" * 100_000, "a.json is no JSON: "),
    ],
)
@pytest.mark.parametrize("command", [["lint"], ["render", "--channel", "rest"], ["preview"]])
def test_a_file_that_is_no_json_is_named(command: list[str], content: str, words: str) -> None:
    result = hsl(*command, write("a.json", content))

    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


def test_a_file_that_cannot_be_read_is_named() -> None:
    Path("latin.json").write_bytes('"Grüße"'.encode("latin-1"))

    assert "missing.json cannot be read: No such file or directory." in hsl("lint", "missing.json").stderr
    assert "latin.json is not UTF-8" in hsl("lint", "latin.json").stderr


def test_a_mark_of_the_byte_order_does_not_matter() -> None:
    Path("a.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(KEEPS.to_hsl()).encode())
    assert hsl("lint", "a.json").exit_code == 0


def test_escape_sequences_do_not_reach_the_terminal() -> None:
    result = hsl("lint", write("a.json", {"type": "TEXT", "text": "a", "isNew": "\x1b[2J"}))
    assert "\x1b" not in result.stdout
    assert "isNew: invalid" in result.stdout


# render


def test_the_payload_is_what_is_sent() -> None:
    result = hsl("render", "--channel", "facebook", write("a.json", [SITE.to_hsl(), "Hello"]))

    assert result.exit_code == 0
    assert json.loads(result.stdout) == [*render(SITE, "facebook").messages, {"text": "Hello"}]
    assert "data.items[0].payload.url: coerced: https://example.org" in result.stderr


def test_standard_input_is_a_file() -> None:
    result = hsl("render", "--channel", "rest", "-", given='"Hello"')
    assert json.loads(result.stdout) == [{"text": "Hello"}]
    assert hsl("render", "--channel", "rest", "-", given="{").stderr.startswith("Error: <stdin> is no JSON")


def test_strict_refuses_a_loss() -> None:
    result = hsl("render", "--strict", "--channel", "facebook", write("a.json", LOSES.to_hsl()))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "truncated data.items[0].actionables[0].actionable_text" in result.stderr


def test_an_element_that_is_none_is_named_with_its_path() -> None:
    result = hsl("render", "--channel", "rest", write("a.json", ["Hi", {"type": "BUTTON", "text": "a"}]))

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: a.json[1]: data.items: a BUTTON without buttons")


# preview


def test_the_page_is_written_and_its_name_printed() -> None:
    result = hsl("preview", write("a.json", SITE.to_hsl()))

    assert (result.exit_code, result.stdout) == (0, "preview.html\n")
    page = Path("preview.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<article ") == len(CHANNELS.keys() - ALIASES.keys())


def test_the_page_is_printed_or_written_elsewhere() -> None:
    name = write("a.json", SITE.to_hsl())

    assert hsl("preview", name, "-o", "-", "--channels", "slack").stdout.startswith("<!doctype html>")
    assert hsl("preview", name, "-o", "b.html").stdout == "b.html\n"
    refused = hsl("preview", name, "-o", "nowhere/b.html")
    assert refused.exit_code == 1
    assert "nowhere/b.html cannot be written" in refused.stderr


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_the_page_fits_its_window_and_loads_nothing(width: int, scheme: str, tmp_path: Path) -> None:
    long = Text("x" * 300, [Actionable.reply("y" * 60)])
    hsl("preview", write("a.json", [KEEPS.to_hsl(), LOSES.to_hsl(), SITE.to_hsl(), long.to_hsl()]))
    asked: list[str] = []
    async with browser_page(viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.goto((tmp_path / "preview.html").as_uri())
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.locator(".hsl-preview").count() == 4 * len(CHANNELS.keys() - ALIASES.keys())
        boxes = "[...document.querySelectorAll('.hp-bubble, .hp-chip, .hp-key')]"
        assert await page.evaluate(f"{boxes}.every(box => box.scrollWidth <= box.clientWidth + 1)")
    assert asked == [(tmp_path / "preview.html").as_uri()]


def test_it_runs_in_a_shell_that_has_no_utf_8() -> None:
    name = write("a.json", '"Grüße 👋"')
    command = [sys.executable, "-m", "haptik_actions.cli", "hsl", "render", "--channel", "text", name]
    done = subprocess.run(command, capture_output=True, check=True, env={"PATH": "/usr/bin", "LC_ALL": "C"})
    assert json.loads(done.stdout.decode("utf-8")) == [{"text": "Grüße 👋"}]
