"""`haptik-actions faq`: FAQ nodes in step with a knowledge base."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haptik_actions.cli._connect import load_settings, open_client
from haptik_actions.cli._console import echo_json, printable
from haptik_actions.cli._faq_apply import apply_command, watch_command
from haptik_actions.cli._faq_options import (
    CHANGES,
    NOTHING,
    REFUSED,
    RefusingGroup,
    allowance_of,
    allowance_options,
    domain_options,
    ledger_of,
    source_of,
    source_options,
)

if TYPE_CHECKING:
    from haptik_actions.faq import Ledger, LintReport

__all__ = ["command"]

T = TypeVar("T")


@click.group(cls=RefusingGroup)
def command() -> None:
    """Keep the FAQ nodes of a bot in step with a knowledge base.

    A source is a CSV, XLSX, JSON lines or YAML file, a folder of Markdown, or a Rasa project.

    Exit status: 0 nothing to do or done; 2 there are changes (plan, status); 1 refused or failed, whatever the reason.

    \b
    haptik-actions faq lint faq.csv
    haptik-actions faq plan faq.csv --domain shop_faq
    haptik-actions faq apply faq.csv --domain shop_faq
    """


command.add_command(apply_command, "apply")
command.add_command(watch_command, "watch")


@command.command()
@click.argument("source")
@source_options
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="Of what is printed.",
)
@click.option("--strict", is_flag=True, help="Refuse warnings as well.")
@click.pass_context
def lint(ctx: click.Context, /, source: str, shape: str, strict: bool, **how: Any) -> None:
    """Check every row of SOURCE; nothing is sent.

    It finds what the platform would refuse, and what users should not read.

    Exit status: 0 it can be applied; 1 there is an error, or with --strict a warning.

    \b
    haptik-actions faq lint faq.csv
    haptik-actions faq lint faq.csv --format sarif
    haptik-actions faq lint knowledge/ --strict
    """
    from haptik_actions.faq import lint as check

    report = check(source_of(source, how), levels=how["levels"])
    _print_report(report, shape)
    refused = not report.ok or (strict and report.findings.count("warning"))
    ctx.exit(REFUSED if refused else NOTHING)


@command.command()
@click.argument("source")
@source_options
@domain_options
@allowance_options
@click.option("--json", "as_json", is_flag=True, help="Print an object, with up to 1,000 nodes of each kind.")
@click.pass_context
def plan(ctx: click.Context, /, source: str, domain: str, ledger: str | None, as_json: bool, **how: Any) -> None:
    """Show what applying SOURCE would do: create, update, deactivate. Nothing is sent.

    Exit status: 0 nothing to do; 2 there are changes; 1 an apply would be refused.

    \b
    haptik-actions faq plan faq.csv --domain shop_faq
    haptik-actions faq plan faq.csv --domain shop_faq --json
    haptik-actions faq plan faq.csv --domain shop_faq --allow-deactivations 25%
    """
    from haptik_actions.cli._faq_view import Printer
    from haptik_actions.faq import load
    from haptik_actions.faq import plan as compare

    report, nodes = load(source_of(source, how), levels=how["levels"])
    if nodes is None:
        Printer(err=as_json).report(report)
        ctx.exit(REFUSED)
    allowance = allowance_of(how)
    planned = _with_ledger(domain, ledger, lambda known: compare(known, nodes, source=source, allowance=allowance))
    if as_json:
        echo_json(planned)
    else:
        Printer().plan(planned)
        Printer().refusals(planned)
    ctx.exit(REFUSED if planned.refusals else CHANGES if planned.has_work else NOTHING)


@command.command()
@click.argument("task")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of the line.")
@click.pass_context
def status(ctx: click.Context, /, task: str, as_json: bool) -> None:
    """Ask the platform how far the task TASK is. `history` and `apply` name the ids.

    Exit status: 0 it has succeeded; 2 it is in progress; 1 it has failed, or is not known.

    \b
    haptik-actions faq status fe139ce5-f4c3-4383-bacb-64a546cb0b6c
    """
    settings = load_settings()

    async def ask() -> Any:
        async with open_client(settings) as client:
            return await client.faq_task(task)

    known = asyncio.run(ask())
    if as_json:
        echo_json(known)
    else:
        click.echo(f"{printable(known.task_id)}  {known.state}  {printable(known.message)}")
    ctx.exit({"succeeded": NOTHING, "in_progress": CHANGES, "failed": REFUSED}[known.state])


@command.command()
@domain_options
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="No more than N runs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def history(domain: str, ledger: str | None, limit: int, as_json: bool) -> None:
    """List the runs of a domain, the newest first.

    Where one failed, the platform's words follow.

    \b
    haptik-actions faq history --domain shop_faq
    haptik-actions faq history --domain shop_faq --json
    """
    from haptik_actions.cli._faq_view import Printer

    runs = _with_ledger(domain, ledger, lambda known: known.runs(limit))
    if as_json:
        echo_json(runs)
    elif runs:
        Printer().runs(runs)
    else:
        click.echo(f"Nothing was applied to {printable(domain)} yet, as far as this ledger knows.")


def _with_ledger(domain: str, folder: str | None, work: Callable[[Ledger], Awaitable[T]]) -> T:
    """Return what `work` makes of the ledger, which is closed afterwards."""
    ledger = ledger_of(domain, folder)

    async def run() -> T:
        try:
            return await work(ledger)
        finally:
            await ledger.aclose()

    return asyncio.run(run())


def _print_report(report: LintReport, shape: str) -> None:
    from haptik_actions.cli._faq_view import Printer
    from haptik_actions.faq import sarif

    if shape == "sarif":
        echo_json(sarif(report), indent=2)
    elif shape == "json":
        echo_json(_as_object(report), indent=2)
    else:
        Printer().report(report)


def _as_object(report: LintReport) -> dict[str, Any]:
    listed = report.findings.listed()
    return {
        "source": report.source,
        "ok": report.ok,
        "rows": report.rows,
        "counts": dict(report.findings.counts),
        "findings": [
            {
                "severity": finding.severity,
                "code": finding.code,
                "file": finding.file,
                "row": finding.row,
                "line": finding.line,
                "column": finding.column,
                "message": finding.message,
                "remedy": finding.remedy,
            }
            for finding in listed
        ],
    }
