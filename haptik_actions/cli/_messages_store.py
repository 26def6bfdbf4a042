"""The message store of the `messages` commands: which Redis, who edits, and how a change is told."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haptik_actions._from_outside import is_locale
from haptik_actions.cli._connect import load_settings
from haptik_actions.cli._console import printable

if TYPE_CHECKING:
    from haptik_actions.messages import Catalogue, Entry, Finding

__all__ = ["author_option", "entry_json", "locale_option", "say_findings", "why_option", "with_catalogue"]

T = TypeVar("T")


def _locale() -> str:
    return load_settings().locale or "en"


def _tag(context: click.Context, parameter: click.Parameter, value: str) -> str:
    tag = value.replace("_", "-")
    if not is_locale(tag):
        raise click.BadParameter(f"{printable(value)!r} is not a language tag such as `en` or `en-IN`.")
    return tag


locale_option = click.option(
    "--locale",
    callback=_tag,
    default=_locale,
    show_default="HAPTIK_LOCALE, or else en",
    metavar="TAG",
    help="A language tag such as en or en-IN.",
)
why_option = click.option("--why", default="", metavar="WORDS", help="Kept in the history.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # A container often runs under a number that has no name.
        return "command line"


author_option = click.option(
    "--author", default=_user, metavar="NAME", help="Kept in the history; the name of the system's user if left out."
)


def with_catalogue(work: Callable[[Catalogue], Awaitable[T]]) -> T:
    """Return what `work` makes of the catalogue on REDIS_URL.

    Raises:
        HaptikError: as the catalogue.
    """
    from haptik_actions.messages import PACKAGED_LOCALE, Catalogue

    settings = load_settings()
    url = settings.require("redis_url")

    async def run() -> T:
        catalogue = Catalogue.from_url(url, locale=settings.locale or PACKAGED_LOCALE)
        try:
            return await work(catalogue)
        finally:
            await catalogue.aclose()

    return asyncio.run(run())


def say_findings(findings: tuple[Finding, ...]) -> None:
    """Print what a check found on stderr, a line each."""
    for finding in findings:
        place = f"{printable(finding.path)}: " if finding.path else ""
        click.echo(f"{finding.severity}: {place}{printable(finding.words)}", err=True)


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as the commands print it with `--json`."""
    return {
        "key": entry.key,
        "locale": entry.locale,
        "value": entry.value,
        "default": entry.default,
        "origin": entry.origin,
        "number": entry.number,
        "revision": entry.revision,
        "author": entry.author,
        "at": entry.at.isoformat() if entry.at else None,
        "why": entry.why,
        "placeholders": list(entry.placeholders),
        "draft": entry.draft.value if entry.draft else None,
    }
