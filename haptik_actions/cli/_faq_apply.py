"""`haptik-actions faq apply` and `faq watch`: what changes the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click

from haptik_actions.cli._connect import load_settings, open_client
from haptik_actions.cli._console import echo_json, printable, run_until_signal
from haptik_actions.cli._faq_options import (
    REFUSED,
    allowance_of,
    allowance_options,
    domain_options,
    ledger_of,
    source_of,
    source_options,
)
from haptik_actions.errors import FaqTaskFailed, HaptikError

if TYPE_CHECKING:
    from haptik_actions.faq import Applier, Outcome, Source

__all__ = ["apply_command", "watch_command"]

_UPLOAD_SECONDS = 120.0

wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=1, max=86_400),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long a task is waited for.",
)


@click.command()
@click.argument("source", required=False)
@source_options
@domain_options
@allowance_options
@click.option("--plan", "expect", metavar="ID", help="Only if this is still the plan that `faq plan` showed.")
@wait_option
@click.option("--restore", is_flag=True, help="Instead of SOURCE: upload the last good set again.")
@click.option("--resume", metavar="ID", help="Instead of SOURCE: take up a run that was cut off, by its id or task.")
@click.option("--json", "as_json", is_flag=True, help="Print an object instead of lines.")
@click.pass_context
def apply_command(
    ctx: click.Context, /, source: str | None, restore: bool, resume: str | None, as_json: bool, **how: Any
) -> None:
    """Make the platform hold SOURCE: lint, plan, upload, wait. One process at a time may apply to a domain.

    A run that was cut off before is brought to its end first. Address and credentials come from the settings:
    HAPTIK_BASE_URL, HAPTIK_CLIENT_ID, HAPTIK_TOKEN.

    Exit status: 0 the platform holds SOURCE (or did already); 1 refused or failed.

    \b
    haptik-actions faq apply faq.csv --domain shop_faq
    haptik-actions faq apply faq.csv --domain shop_faq --plan 3f9a01c2d4e5
    haptik-actions faq apply faq.csv --domain shop_faq --allow-deactivate old
    haptik-actions faq apply --restore --domain shop_faq
    haptik-actions faq apply --resume 5d41402a --domain shop_faq
    """
    if [bool(source), restore, bool(resume)].count(True) != 1:
        raise click.UsageError("Give one of SOURCE, --restore and --resume ID.")
    if restore:
        outcome = _run(how, lambda applier: applier.restore())
    elif resume:
        outcome = _run(how, lambda applier: applier.resume(resume))
    else:
        outcome = _apply_source(ctx, str(source), how, quiet=as_json)
    _print_outcome(outcome, as_json)


@click.command()
@click.argument("source")
@source_options
@domain_options
@allowance_options
@wait_option
@click.option(
    "--settle",
    type=click.FloatRange(min=0.1, max=3600),
    default=2,
    show_default=True,
    metavar="SECONDS",
    help="How long SOURCE has to be left alone first.",
)
def watch_command(source: str, settle: float, **how: Any) -> None:
    """Apply SOURCE now and whenever it has changed, until Ctrl-C. What is refused is said, and waited for.

    \b
    haptik-actions faq watch faq.csv --domain shop_faq
    haptik-actions faq watch knowledge/ --domain shop_faq --settle 30
    """
    # Mistakes that no change of the source can heal end the command before it begins to wait.
    ledger_of(how["domain"], how["ledger"])
    open_client(load_settings())
    run_until_signal(_watch(source, settle, how))


async def _watch(source: str, settle: float, how: dict[str, Any]) -> None:
    from haptik_actions.faq import watch

    async for _ in watch(source, settle=settle):
        await _apply_and_say(source, how)


async def _apply_and_say(source: str, how: dict[str, Any]) -> None:
    from haptik_actions.cli._faq_view import Printer
    from haptik_actions.faq import load

    try:
        report, nodes = await asyncio.to_thread(load, source_of(source, how), levels=how["levels"])
        if nodes is None:
            Printer(err=True).report(report)
            return
        outcome = await _with_applier(
            how,
            lambda applier: applier.apply(
                nodes, source=source, allowance=allowance_of(how), on_plan=Printer().plan_with_work
            ),
        )
    except HaptikError as error:
        click.echo(f"Not applied: {printable(str(error))} {error.remedy}".rstrip(), err=True)
    else:
        _print_outcome(outcome, as_json=False)


def _apply_source(ctx: click.Context, source: str, how: dict[str, Any], *, quiet: bool) -> Outcome:
    from haptik_actions.cli._faq_view import Printer
    from haptik_actions.faq import load

    origin = source_of(source, how)
    report, nodes = load(origin, levels=how["levels"])
    if nodes is None:
        Printer(err=True).report(report)
        ctx.exit(REFUSED)
    on_plan = Printer(err=quiet).plan_with_work
    try:
        return _run(
            how,
            lambda applier: applier.apply(
                nodes, source=source, allowance=allowance_of(how), expect=how["expect"], on_plan=on_plan
            ),
        )
    except FaqTaskFailed as error:
        raise FaqTaskFailed(f"{error}{_place_in(origin, error.node)}", error.node) from error


def _run(how: dict[str, Any], work: Callable[[Applier], Coroutine[Any, Any, Outcome]]) -> Outcome:
    outcome = run_until_signal(_with_applier(how, work))
    if outcome is None:
        raise click.ClickException(
            "Ended by a signal. `haptik-actions faq history` shows how far it was; the next apply takes it up, and so "
            "does --resume."
        )
    return outcome


async def _with_applier(how: dict[str, Any], work: Callable[[Applier], Coroutine[Any, Any, Outcome]]) -> Outcome:
    from haptik_actions.cli._faq_view import ApplyProgress
    from haptik_actions.faq import Applier

    async with AsyncExitStack() as stack:
        ledger = ledger_of(how["domain"], how["ledger"])
        stack.push_async_callback(ledger.aclose)
        client = await stack.enter_async_context(open_client(load_settings(), timeout=_UPLOAD_SECONDS))
        progress = stack.enter_context(ApplyProgress(how["wait"]))
        return await work(Applier(ledger, client, wait=how["wait"], on_progress=progress))


def _print_outcome(outcome: Outcome, as_json: bool) -> None:
    run = outcome.run
    if as_json:
        echo_json(outcome)
        return
    what = f"{printable(run.domain)} holds the {run.nodes:,} nodes of {printable(run.source)}"
    if outcome.uploaded:
        click.echo(f"Applied: {what} (run {run.id}, task {printable(run.task_id)}).")
    else:
        click.echo(f"Nothing to do: {what} since run {run.id}.")


def _place_in(source: Source, node: str) -> str:
    if node:
        for row, cells in source.rows(lambda finding: None):
            if cells[0].strip() == node:
                return f" That is row {row} of {printable(source.locate()[0])}."
    return ""
