"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a change.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", sections 3.13 - 3.30.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from haptik_actions._version import __version__
from haptik_actions.faq._findings import CODES, Finding, Severity
from haptik_actions.faq._lint import LintReport

__all__ = ["sarif"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: LintReport) -> dict[str, Any]:
    """Return the log of one run: a rule per code that was found, a result per finding that was kept."""
    codes = sorted(report.findings.counts)
    results = [_result(finding, codes) for finding in report.findings.listed()]
    driver = {
        "name": "haptik-actions faq lint",
        "semanticVersion": __version__,
        "rules": [_rule(code, report.findings.severity_of(code)) for code in codes],
    }
    invocation = {"executionSuccessful": True, "exitCode": 0 if report.ok else 1}
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, severity: Severity) -> dict[str, Any]:
    known = CODES[code]
    return {
        "id": f"faq/{code}",
        "name": "".join(word.capitalize() for word in code.split("_")),
        "shortDescription": {"text": known.meaning},
        "help": {"text": known.remedy},
        "defaultConfiguration": {"level": severity},
    }


def _result(finding: Finding, codes: list[str]) -> dict[str, Any]:
    where = f"Row {finding.row}, {finding.column}: " if finding.column and finding.row else ""
    result: dict[str, Any] = {
        "ruleId": f"faq/{finding.code}",
        "ruleIndex": codes.index(finding.code),
        "level": finding.severity,
        "message": {"text": f"{where}{finding.message} {finding.remedy}"},
        "properties": {"row": finding.row, "column": finding.column},
    }
    if finding.file:
        # Code hosts show no result without a line; the first stands for the file as a whole.
        region = {"startLine": finding.line or 1}
        location = {"artifactLocation": {"uri": _uri(finding.file)}, "region": region}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _uri(file: str) -> str:
    path = PurePath(file)
    # A relative address, so that the code host finds the file below the checkout's root.
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
