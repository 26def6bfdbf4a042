"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a change.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", sections 3.13 - 3.30.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal
from urllib.parse import quote

from haptik_actions._version import __version__

__all__ = ["Level", "Result", "Rule", "log"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A kind of finding: `id` with its area before it (`faq/empty_question`), what it means, what to do about it."""

    id: str
    meaning: str
    remedy: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One finding: the id of its rule, and where it is; `file` is None where it is in none."""

    rule: str
    level: Level
    message: str
    file: str | None
    line: int | None = None
    properties: dict[str, Any] = field(default_factory=dict)


def log(tool: str, rules: Sequence[Rule], results: Iterable[Result], *, exit_code: int) -> dict[str, Any]:
    """Return the log of one run of `tool`."""
    ids = [rule.id for rule in rules]
    driver = {"name": tool, "semanticVersion": __version__, "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "exitCode": exit_code}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, ids) for result in results],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.rpartition("/")[2].split("_")),
        "shortDescription": {"text": rule.meaning},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": rule.level},
    }


def _result(found: Result, ids: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": found.rule,
        "ruleIndex": ids.index(found.rule),
        "level": found.level,
        "message": {"text": found.message},
        "properties": found.properties,
    }
    if found.file:
        # Code hosts show no result without a line; the first stands for the file as a whole.
        region = {"startLine": found.line or 1}
        location = {"artifactLocation": {"uri": _uri(found.file)}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _uri(file: str) -> str:
    path = PurePath(file)
    # A relative address, so that the code host finds the file below the checkout's root.
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
