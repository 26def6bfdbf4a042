"""What the commands of `faq` have in common: their options, the source, the ledger, and the meaning of their status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haptik_actions.cli._connect import load_settings
from haptik_actions.cli._console import Group, printable
from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from haptik_actions.faq import Allowance, Ledger, Source

__all__ = [
    "CHANGES",
    "NOTHING",
    "REFUSED",
    "RefusingGroup",
    "allowance_of",
    "allowance_options",
    "domain_options",
    "ledger_of",
    "source_of",
    "source_options",
]

F = TypeVar("F", bound=Callable[..., Any])

NOTHING, REFUSED, CHANGES = 0, 1, 2
"""The statuses that a pipeline reads."""

_FORMATS = ("csv", "xlsx", "jsonl", "yaml", "markdown", "rasa")
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}


class RefusingGroup(Group):
    """Ends with 1 whatever went wrong: 2 means "there are changes" here, and click would use it for a wrong option."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the class."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _RefusedUsage(error.format_message(), error.ctx) from error
        except ConfigurationError as error:
            raise click.ClickException(printable(str(error), keep="\n")) from error


class _RefusedUsage(click.UsageError):
    exit_code = REFUSED


def _levels(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    if not given:
        return {}
    from haptik_actions.faq import Findings

    pairs = [pair.partition("=") for pair in given]
    # A rule without a level is refused with the levels, like one with a wrong level.
    levels: dict[str, Any] = {rule.strip(): level.strip() for rule, _, level in pairs}
    try:
        Findings(levels=levels)
    except ConfigurationError as error:
        raise click.BadParameter(str(error), ctx, parameter) from error
    return levels


def source_options(command: F) -> F:
    """Add the options that say how a source is read."""
    for option in reversed(
        (
            click.option(
                "--from", "format", type=click.Choice(_FORMATS), help="The format, where the suffix says none."
            ),
            click.option("--encoding", metavar="NAME", help="Of a CSV file, where it is found out wrongly."),
            click.option("--delimiter", type=click.Choice(list(_DELIMITERS)), help="Of a CSV file, as above."),
            click.option("--sheet", metavar="NAME", show_default="the first", help="Of an XLSX workbook."),
            click.option("--intents", metavar="PREFIX", default="faq", show_default=True, help="Of a Rasa project."),
            click.option(
                "--severity",
                "levels",
                multiple=True,
                metavar="RULE=LEVEL",
                callback=_levels,
                help="Make a rule of the lint error, warning or off.",
            ),
        )
    ):
        command = option(command)
    return command


def domain_options(command: F) -> F:
    """Add the options that name the bot and its ledger."""
    for option in reversed(
        (
            click.option(
                "--domain",
                required=True,
                envvar="HAPTIK_FAQ_DOMAIN",
                metavar="NAME",
                help="The bot; HAPTIK_FAQ_DOMAIN.",
            ),
            click.option(
                "--ledger", metavar="FOLDER", help="Where the ledger is kept, instead of in Redis (REDIS_URL)."
            ),
        )
    ):
        command = option(command)
    return command


def allowance_options(command: F) -> F:
    """Add the options that lift the rules against losing nodes."""
    for option in reversed(
        (
            click.option(
                "--allow-deactivate", "names", multiple=True, metavar="NODE", help="This node may become inactive."
            ),
            click.option(
                "--allow-deactivations",
                "ceiling",
                default="10%",
                show_default=True,
                metavar="N|N%",
                help="So many others may.",
            ),
            click.option(
                "--first", is_flag=True, help="No ledger knows what the platform holds, and that is all right."
            ),
        )
    ):
        command = option(command)
    return command


def source_of(path: str, how: Mapping[str, Any]) -> Source:
    """Return the source at `path`; `how` has the values of `source_options`, and perhaps others."""
    from haptik_actions.faq import open_source

    return open_source(
        path,
        format=how["format"],
        encoding=how["encoding"],
        delimiter=_DELIMITERS[how["delimiter"]] if how["delimiter"] else None,
        sheet=how["sheet"],
        prefix=how["intents"],
    )


def ledger_of(domain: str, folder: str | None) -> Ledger:
    """Return the ledger to close after use.

    Raises:
        click.UsageError: neither a folder nor REDIS_URL is given.
    """
    from haptik_actions.faq import FileLedger, RedisLedger

    if folder is not None:
        return FileLedger(folder, domain)
    url = load_settings().redis_url
    if url is None:
        raise click.UsageError(
            "The ledger of what was applied has no place. Set REDIS_URL, or name a folder that stays with --ledger."
        )
    from haptik_actions._redis import connect

    return RedisLedger(connect(url, seconds=30.0), domain)


def allowance_of(how: Mapping[str, Any]) -> Allowance:
    """Return what may be lost; `how` has the values of `allowance_options`, and perhaps others."""
    from haptik_actions.faq import Allowance

    return Allowance(names=how["names"], ceiling=how["ceiling"], first=how["first"])
