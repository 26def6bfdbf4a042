"""Settings, commands, message keys and metrics as pages, taken from the code that reads them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import haptik_actions
from haptik_actions.cli import main
from haptik_actions.config import ENVIRONMENT, WHERE_FROM
from haptik_actions.escalation._metrics import METRICS
from haptik_actions.messages import packaged_copy, packaged_translations

__all__ = ["command_page", "message_page", "metric_page", "settings_page"]

CONFIGURATION = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
COMMANDS = CONFIGURATION.with_name("cli.md")
PACKAGE = Path(haptik_actions.__file__).parent

Page = tuple[str, list[str]]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def settings_page() -> Page:
    """Return the page of settings. Each has to say where its value comes from."""
    problems = [f"config.{name}: WHERE_FROM does not name it" for name in ENVIRONMENT if name not in WHERE_FROM]
    said = _rows_of_configuration()
    problems += [
        f"docs/configuration.md: `{name}` is missing"
        for name in (*ENVIRONMENT.values(), *_read_elsewhere())
        if name not in said
    ]
    rows = [
        (f"`{variable}`", f"`{name}`", said.get(variable, ""), WHERE_FROM.get(name, ""))
        for name, variable in ENVIRONMENT.items()
    ]
    rows += [(f"`{name}`", "", said.get(name, ""), "") for name in _read_elsewhere()]
    head = "# All settings\n\nMade from the code. [Configuration](../configuration.md) explains them.\n\n"
    return head + _table(
        ("environment", "`endpoints.yml`", "what it is", "where its value comes from"), rows
    ) + "\n", problems


def _read_elsewhere() -> list[str]:
    """Return the variables that the package reads beside the settings of `Settings`."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        found |= set(re.findall(r"""environ(?:\.get\(|\[)["'](HAPTIK_\w+)""", file.read_text(encoding="utf-8")))
        found |= set(
            re.findall(r"""^_?[A-Z_]+ = ["'](HAPTIK_[A-Z_]+)["']$""", file.read_text(encoding="utf-8"), re.MULTILINE)
        )
    return sorted(found - set(ENVIRONMENT.values()))


def _rows_of_configuration() -> dict[str, str]:
    """Return what docs/configuration.md says of each `name`: a cell of the row that begins with it."""
    said: dict[str, str] = {}
    for line in CONFIGURATION.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        if line.startswith("|") and len(cells) > 1:
            for name in re.findall(r"`(\w+)`", cells[0]):
                said.setdefault(
                    name, (cells[2] if len(cells) == 3 and name.isupper() else cells[1]).replace("\\|", "|")
                )
        else:
            for name in re.findall(r"`(HAPTIK_\w+)`", line):
                said.setdefault(name, "see [Configuration](../configuration.md)")
    return {
        name: re.sub(r"\]\((?!https?:|\.\.|#)", "](../", text.replace("](#", "](../configuration.md#"))
        for name, text in said.items()
    }


def command_page() -> Page:
    """Return the page of commands. Each command and each option has to say what it does."""
    problems: list[str] = []
    info = main.to_info_dict(main.make_context("haptik-actions", ["--help"], resilient_parsing=True))
    parts = ["# All commands\n\nMade from the code. [The command line](../cli.md) has examples and what they print."]
    for words, command in _commands(info, ("haptik-actions",)):
        parts.append(_command(" ".join(words), command, problems))
    return "\n\n".join(parts) + "\n", problems


def _commands(info: Mapping[str, Any], words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    for name, command in sorted(info["commands"].items()):
        if "commands" in command:
            yield from _commands(command, (*words, name))
        elif not command["hidden"]:
            yield (*words, name), command


def _command(name: str, command: Mapping[str, Any], problems: list[str]) -> str:
    if not command["help"]:
        problems.append(f"{name}: says nothing of itself")
    parts = [f"## {name.removeprefix('haptik-actions ')}", _help(command["help"] or "")]
    rows = []
    for option in command["params"]:
        if option["name"] == "_click_default_help" or "--help" in option["opts"]:
            continue
        said = option.get("help") or _said_on_the_page(name, option)
        if not said:
            problems.append(f"{name} {option['opts'][0]}: neither its help nor docs/cli.md says what it is")
        rows.append((_spelled(option), said, option.get("envvar") or ""))
    if rows:
        parts.append(
            _table(("option", "what it is", "environment"), [(a, b, f"`{c}`" if c else "") for a, b, c in rows])
        )
    return "\n\n".join(parts)


def _said_on_the_page(name: str, option: Mapping[str, Any]) -> str:
    """Return what docs/cli.md says of an option, in the row of the command's table that begins with it."""
    page = COMMANDS.read_text(encoding="utf-8")
    _, _, behind = page.partition(f"\n## {name.removeprefix('haptik-actions ')}\n")
    names = {option["name"], *option["opts"], *option["secondary_opts"]}
    for line in (behind.partition("\n## ")[0] or page).splitlines():
        cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
        if line.startswith("|") and names & set(re.findall(r"`([\w-]+)`", cells[0])):
            return cells[1].strip().replace("\\|", "|")
    return ""


def _spelled(option: Mapping[str, Any]) -> str:
    if option["param_type_name"] == "argument":
        return f"`{option['name'].upper()}`"
    return ", ".join(f"`{spelling}`" for spelling in [*option["opts"], *option["secondary_opts"]])


def _help(text: str) -> str:
    """Return a command's help: the paragraphs behind a `\\b` are code."""
    parts = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text).replace("\f", "")):
        marked = paragraph.lstrip().startswith("\b")
        body = paragraph.replace("\b\n", "").replace("\b", "")
        parts.append(
            f"```sh\n{inspect.cleandoc(body)}\n```" if marked else body.replace("<", "&lt;").replace("*", "\\*")
        )
    return "\n\n".join(parts)


def message_page() -> Page:
    """Return the page of message keys with the packaged copy. docs/configuration.md has to say when each is said."""
    said = _rows_of_configuration()
    copy = packaged_copy()
    problems = [f"docs/configuration.md: `{key}` is missing" for key in copy if key not in said]
    others = {locale: _texts(locale) for locale in sorted(packaged_translations())}
    problems += [f"{locale}: {key} is missing" for locale, texts in others.items() for key in copy if key not in texts]
    parts = ["# All message keys\n\nMade from the code. [The message store](../messages.md) says how they are changed."]
    for key, text in sorted(copy.items()):
        rows = [("en", str(text)), *((locale, texts.get(key, "")) for locale, texts in others.items())]
        shown = [(locale, _code(words)) for locale, words in rows]
        parts.append(f"## {key}\n\n{said.get(key, '')}\n\n{_table(('language', 'text'), shown)}")
    return "\n\n".join(parts) + "\n", problems


def _code(words: str) -> str:
    return f"`{words}`" if "\n" not in words and "`" not in words else words.replace("<", "&lt;").replace("`", "'")


def _texts(locale: str) -> dict[str, str]:
    file = PACKAGE / "messages" / "translations" / f"{locale}.json"
    return {str(key): str(text) for key, text in json.loads(file.read_text(encoding="utf-8")).items()}


def metric_page() -> Page:
    """Return the page of Prometheus metrics."""
    problems = [f"metrics.{name}: says nothing of itself" for name, (meaning, _) in METRICS.items() if not meaning]
    rows = [
        (
            f"`{name}`",
            "counter" if name.endswith("_total") else "gauge",
            meaning,
            ", ".join(f"`{label}`" for label in labels),
        )
        for name, (meaning, labels) in METRICS.items()
    ]
    head = (
        "# All metrics\n\nMade from the code. [Monitoring](../how-to/monitoring.md) says how to turn them on. "
        "A label is a name out of the bot's domain and code, never of a user.\n\n"
    )
    return head + _table(("metric", "kind", "what it counts", "labels"), rows) + "\n", problems
