"""Findings as SARIF, for code hosts."""

from __future__ import annotations

from typing import Any

from haptik_actions._sarif import Result, Rule, log
from haptik_actions.faq._findings import CODES, Finding
from haptik_actions.faq._lint import LintReport

__all__ = ["sarif"]


def sarif(report: LintReport) -> dict[str, Any]:
    """Return the log of one run in SARIF 2.1.0: a rule per code that was found, a result per finding that was kept."""
    findings = report.findings
    rules = [
        Rule(
            id=f"faq/{code}",
            meaning=CODES[code].meaning,
            remedy=CODES[code].remedy,
            level=findings.severity_of(code),
        )
        for code in sorted(findings.counts)
    ]
    results = map(_result, findings.listed())
    return log("haptik-actions faq lint", rules, results, exit_code=0 if report.ok else 1)


def _result(finding: Finding) -> Result:
    where = f"Row {finding.row}, {finding.column}: " if finding.column and finding.row else ""
    return Result(
        rule=f"faq/{finding.code}",
        level=finding.severity,
        message=f"{where}{finding.message} {finding.remedy}",
        file=finding.file,
        line=finding.line,
        properties={"row": finding.row, "column": finding.column},
    )
