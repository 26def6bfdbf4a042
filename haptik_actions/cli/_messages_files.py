"""`messages export`, `import` and `seed`: the copy as files."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haptik_actions.cli._console import printable
from haptik_actions.cli._messages_store import author_option, locale_option, say_findings, why_option, with_catalogue

if TYPE_CHECKING:
    from haptik_actions.messages import Applied, Catalogue, ImportPlan, Seeded

__all__ = ["export", "import_file", "seed"]

_FORMATS = click.Choice(["csv", "yaml"])
_NAMED = 10
_SUFFIXES = {".csv": "csv", ".yml": "yaml", ".yaml": "yaml"}


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--format", "named", type=_FORMATS, help="Left out: by the file's name, else yaml.")
@click.option("--locale", metavar="TAG", help="Only this language.")
def export(file: Path | None, named: str | None, locale: str | None) -> None:
    """Write all messages to FILE or to standard output.

    Those that nobody edited are among them, with their defaults.

    \b
    haptik-actions messages export copy.csv
    haptik-actions messages export --format yaml --locale de
    """
    format = named or _SUFFIXES.get(file.suffix.lower() if file else "", "yaml")
    content = with_catalogue(lambda catalogue: catalogue.export(format, locale))
    if file is None:
        click.echo(content, nl=False)
        return
    try:
        file.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}.") from error
    click.echo(f"{file} is written.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "named", type=_FORMATS, help="Left out: by the file's name.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--draft", is_flag=True, help="Save drafts instead of publishing.")
@author_option
@why_option
def import_file(file: Path, named: str | None, dry_run: bool, draft: bool, author: str, why: str) -> None:
    """Publish the messages of FILE that differ from the store. Nothing is written where one of them is refused.

    \b
    haptik-actions messages import copy.csv --dry-run
    haptik-actions messages import copy.csv --why "translated by the agency"
    """
    format = named or _SUFFIXES.get(file.suffix.lower())
    if format is None:
        raise click.UsageError(f"{file} is neither .csv nor .yml; say --format.")
    data = file.read_bytes()

    async def work(catalogue: Catalogue) -> tuple[ImportPlan, Applied | None]:
        plan = await catalogue.plan_import(data, format)
        if dry_run or plan.count("refused"):
            return plan, None
        return plan, await catalogue.apply_import(
            plan, author=author, why=why or f"import of {file.name}", as_draft=draft
        )

    plan, applied = with_catalogue(work)
    _show_plan(plan, in_full=dry_run)
    if plan.count("refused"):
        raise click.ClickException("Nothing is written. Correct what is named above.")
    for conflict in applied.conflicts if applied else ():
        click.echo(f"conflict: {printable(str(conflict))}", err=True)
    if applied:
        click.echo(f"{applied.written} {'drafts are saved' if draft else 'messages are published'}.")
        if applied.conflicts:
            raise click.ClickException("The messages named above were changed meanwhile and are left as they are.")


@click.command()
@click.option("--domain", type=click.Path(exists=True, path_type=Path), help="The domain file, or the folder of them.")
@locale_option
@click.option(
    "--packaged",
    multiple=True,
    type=click.Choice(["de", "hi"]),
    help="A language of the package's own sentences; several times for several.",
)
@click.option("--yes", is_flag=True, help="Remove the defaults that the domain does not have without asking.")
def seed(domain: Path | None, locale: str, packaged: tuple[str, ...], yes: bool) -> None:
    """Make a domain's responses the defaults.

    Or the package's own translations, with --packaged. What was edited stays. Before defaults are removed that the
    domain does not have, it asks: they may be those of another bot.

    \b
    haptik-actions messages seed --domain domain/
    haptik-actions messages seed --domain domain/ --yes
    haptik-actions messages seed --packaged hi --packaged de
    """
    from haptik_actions.messages import read_domain

    if domain is None and not packaged:
        raise click.UsageError("Say what to seed: --domain, --packaged, or both.")
    copy = read_domain(domain) if domain else None
    if copy and not yes:
        responses = copy.responses
        _ask_for(with_catalogue(lambda catalogue: catalogue.removed_by_seed(responses, locale=locale)), locale)
    for tag in dict.fromkeys(packaged):
        _say_seeded(with_catalogue(partial(_seed_packaged, tag)), f"{tag}: ")
    # After the package's, so that a domain's own words for the same key are what stays.
    if copy:
        _say_seeded(
            with_catalogue(lambda catalogue: catalogue.seed(copy.responses, locale=locale, slots=copy.slots)), ""
        )


def _ask_for(gone: tuple[str, ...], locale: str) -> None:
    """Let somebody confirm that these defaults are removed.

    Raises:
        click.ClickException: nobody is there to ask, or the answer is no.
    """
    if not gone:
        return
    names = ", ".join(map(printable, gone[:_NAMED])) + (f" and {len(gone) - _NAMED} more" if gone[_NAMED:] else "")
    what = f"This would remove {len(gone)} defaults in {locale} that the domain does not have: {names}."
    if not sys.stdin.isatty():
        raise click.ClickException(
            f"{what} Nothing is written. If no other bot has written them, say --yes; otherwise give each bot a "
            "HAPTIK_NAMESPACE of its own."
        )
    click.echo(what, err=True)
    if not click.confirm("Remove them?", err=True):
        raise click.ClickException("Nothing is written.")


async def _seed_packaged(tag: str, catalogue: Catalogue) -> Seeded:
    return await catalogue.seed_packaged(tag)


def _say_seeded(done: Seeded, before: str) -> None:
    for key, problem in done.refused:
        click.echo(f"warning: {printable(key)} is left out: {printable(problem)}", err=True)
    for key, problem in done.partly:
        click.echo(f"warning: {printable(key)} is not seeded as it stands: {printable(problem)}", err=True)
    for key in done.kept_edited:
        click.echo(f"note: the default of {printable(key)} changed; users go on reading the edit.", err=True)
    click.echo(
        f"{before}{done.added} defaults are new, {done.changed} changed, {done.removed} removed, "
        f"{done.unchanged} unchanged."
    )


def _show_plan(plan: ImportPlan, *, in_full: bool) -> None:
    if plan.doubt:
        click.echo(f"warning: {plan.doubt}", err=True)
    for row in plan.rows:
        if row.state == "refused":
            click.echo(f"refused: {printable(row.key)} in {printable(row.locale)}", err=True)
            say_findings(row.findings)
        elif in_full and row.state != "unchanged":
            click.echo(f"{row.state}: {printable(row.key)} in {row.locale}: {printable(row.new)}")
    states = ("added", "changed", "unchanged", "refused")
    click.echo(", ".join(f"{plan.count(state)} {state}" for state in states) + ".", err=True)
