"""How the commands of `faq` show what they find, plan and do.

Results go to stdout: in colour and folded in a terminal, one thing per line elsewhere. Progress goes to stderr: a bar
in a terminal, a line per step elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from itertools import groupby
from types import TracebackType
from typing import TYPE_CHECKING

import click

from haptik_actions.cli._console import printable

if TYPE_CHECKING:
    from rich.console import Console

    from haptik_actions.client import FaqTask
    from haptik_actions.faq import Difference, Finding, LintReport, Plan, Run, Update

__all__ = ["ApplyProgress", "Printer"]

_STEPS = {"uploading": "uploading", "polling": "the platform is loading"}
_DONE_OF = re.compile(r"(?<!\d)(\d{1,12})\s*(?:/|of)\s*(\d{1,12})")


class ApplyProgress:
    """Give it to `Applier(on_progress=)` and keep it open meanwhile. `wait` is the bound on waiting, in seconds."""

    def __init__(self, wait: float) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, highlight=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn(f"of at most {wait:g} s", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._is_terminal = console.is_terminal
        self._task = self._progress.add_task("", total=None, visible=False)
        self._last = ""

    def __enter__(self) -> ApplyProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, run: Run, task: FaqTask | None) -> None:
        """Show how far it is."""
        step = _STEPS.get(run.state)
        if step is None:
            return
        words = f"Run {run.id}: {step} {run.nodes:,} nodes"
        if words != self._last:
            self._say(f"{words}, task {printable(run.task_id)}" if run.task_id else words)
        self._last = words
        # The documentation knows no share that is done; where the platform's words have one all the same, it is shown.
        done = _DONE_OF.search(task.message) if task else None
        total, completed = (int(done[2]), int(done[1])) if done else (None, None)
        self._progress.update(self._task, description=step, visible=True, total=total, completed=completed)

    def _say(self, words: str) -> None:
        # Above the bar: whoever reads the terminal afterwards needs the task's id.
        if self._is_terminal:
            self._progress.console.print(words, markup=False, soft_wrap=True)
        else:
            click.echo(words, err=True)


_MOST_ROWS = 20
_MOST_NODES = 20
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}
_UNSEEN = (
    "The ledger knows what was applied from here. What was changed on the platform itself since then it cannot see: "
    "any upload overwrites an edit made there, and a node added there becomes inactive."
)


class Printer:
    """Prints to stdout, or to stderr with `err`."""

    def __init__(self, *, err: bool = False) -> None:
        from rich.console import Console

        self._console: Console = Console(stderr=err, highlight=False, markup=False, emoji=False)
        self.is_terminal = self._console.is_terminal

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """Print a paragraph of texts, each as it is or with a style; what does not fit goes on below `indent`."""
        from rich.padding import Padding
        from rich.text import Text

        text = Text.assemble(*(part if isinstance(part, str) else (part[0], part[1]) for part in parts))
        if self.is_terminal:
            self._console.print(Padding(text, (0, 0, 0, indent), expand=False))
        else:
            # A line that a pipe reads is not broken at the width of no screen.
            self._console.print(" " * indent + text.plain, soft_wrap=True)

    def blank(self) -> None:
        """Print an empty line."""
        self._console.print()

    def report(self, report: LintReport) -> None:
        """Print what the lint found."""
        findings = report.findings.listed()
        if self.is_terminal:
            self._by_code(report, findings)
        else:
            for finding in findings:
                self.line(finding_line(finding))
        self._verdict(report)

    def plan(self, plan: Plan) -> None:
        """Print what an apply would do."""
        against = (
            f"against run {plan.before.id} of {time_of(plan.before.changed)}" if plan.before else "without a ledger"
        )
        source, domain = printable(plan.source), printable(plan.domain)
        self.line(("Plan ", "bold"), (plan.id, "bold"), f": {domain} from {source}, {_nodes(plan.nodes)}, {against}")
        self._difference(plan.difference)
        for note in plan.notes:
            self.line(("note: ", "yellow"), printable(note))
        self.line((_UNSEEN, "dim"))
        if not plan.has_work:
            self.line(("Nothing to do.", "green"))

    def refusals(self, plan: Plan) -> None:
        """Print why an apply would be refused."""
        for refusal in plan.refusals:
            self.line(("refused: ", "bold red"), printable(refusal))

    def plan_with_work(self, plan: Plan) -> None:
        """Print what an apply would do, where that is anything."""
        if plan.has_work:
            self.plan(plan)

    def runs(self, runs: Iterable[Run]) -> None:
        """Print a ledger's runs."""
        for run in runs:
            style = {"done": "green", "failed": "bold red"}.get(run.state, "yellow")
            counts = f"+{run.created} ~{run.updated} -{run.deactivated}"
            self.line(
                f"{time_of(run.began)}  {run.id}  ",
                (f"{run.state:<9}", style),
                f"  {_nodes(run.nodes)}  {counts}  {printable(run.source)}",
                *([f"  task {run.task_id}"] if run.task_id else []),
            )
            if run.message and run.state != "done":
                self.line(printable(run.message), indent=2)

    def _by_code(self, report: LintReport, findings: Sequence[Finding]) -> None:
        from haptik_actions.faq import CODES

        order = list(_STYLES)
        ranked = sorted(findings, key=lambda finding: (order.index(finding.severity), finding.code))
        for code, group in groupby(ranked, key=lambda finding: finding.code):
            known, count = CODES[code], report.findings.counts[code]
            severity = report.findings.severity_of(code)
            self.line((severity, _STYLES[severity]), " ", (code, "bold"), f"  {known.meaning}")
            for finding in list(group)[:_MOST_ROWS]:
                self.line(_place(finding), finding_words(finding), indent=2)
            if count > _MOST_ROWS:
                self.line((f"… and {count - _MOST_ROWS:,} more", "dim"), indent=2)
            if severity != "note":
                self.line(("→ ", "green"), known.remedy, indent=2)
            self.blank()

    def _verdict(self, report: LintReport) -> None:
        errors, warnings = (report.findings.count(severity) for severity in ("error", "warning"))
        counts = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
        left_out = sum(report.findings.counts.values()) - len(report.findings.listed())
        if left_out:
            self.line((f"{left_out:,} more findings are counted and not listed.", "dim"))
        style = "green" if report.ok else "bold red"
        self.line((f"{counts} in {_count(report.rows, 'row')} of {printable(report.source)}", style))

    def _difference(self, difference: Difference) -> None:
        self._names("+", "create", "green", difference.created, difference.creates)
        self.line(("~ ", "yellow"), f"{difference.updated:,} to update")
        for update in difference.updates[:_MOST_NODES]:
            self._update(update)
        self._rest(difference.updated)
        self._names("-", "deactivate", "red", difference.deactivated, difference.deactivates)
        self.line(("= ", "dim"), f"{difference.unchanged:,} unchanged")

    def _names(self, sign: str, what: str, style: str, count: int, names: Sequence[str]) -> None:
        self.line((f"{sign} ", style), f"{count:,} to {what}")
        for name in names[:_MOST_NODES]:
            self.line((f"{sign} ", style), printable(name), indent=4)
        self._rest(count)

    def _rest(self, count: int) -> None:
        if count > _MOST_NODES:
            self.line((f"… and {count - _MOST_NODES:,} more (--json lists them)", "dim"), indent=4)

    def _update(self, update: Update) -> None:
        self.line(("~ ", "yellow"), printable(update.name), indent=4)
        for change in update.changes:
            for sign, style, parts in (("-", "red", change.removed), ("+", "green", change.added)):
                for part in parts:
                    self.line(f"{change.column} ", (f"{sign} {printable(part)}", style), indent=8)


def finding_line(finding: Finding) -> str:
    """Return a finding as one line that an editor can jump from: `file:line: severity code: …`."""
    place = f"{printable(finding.file)}:{finding.line or ''}".rstrip(":")
    return f"{place}: {finding.severity} {finding.code}: {_place(finding)}{finding_words(finding)} {finding.remedy}"


def finding_words(finding: Finding) -> str:
    """Return the message without what would steer a terminal."""
    return printable(finding.message)


def time_of(at: float) -> str:
    """Return a time as people and programs read it."""
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _place(finding: Finding) -> str:
    row = f"row {finding.row}" if finding.row else ""
    place = ", ".join(filter(None, (row, finding.column)))
    return f"{place}: " if place else ""


def _nodes(count: int) -> str:
    return _count(count, "node")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
