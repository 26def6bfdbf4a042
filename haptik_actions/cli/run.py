"""`haptik-actions run`: rasa-sdk's action server, with every action guarded."""

from __future__ import annotations

import errno
import os
import sys
from argparse import SUPPRESS, ArgumentError, ArgumentParser, Namespace
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import click

from haptik_actions._log import get_logger
from haptik_actions.cli._connect import find_domain
from haptik_actions.cli._console import printable

__all__ = ["command"]

logger = get_logger(__name__)

_ACTIONS = "actions"


class _RunCommand(click.Command):
    """Shows the options of the installed rasa-sdk below its own help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"\nOf the installed rasa-sdk:\n\n{_parser().format_help()}")


@click.command(cls=_RunCommand, context_settings={"ignore_unknown_options": True})
@click.option(
    "--domain",
    envvar="HAPTIK_DOMAIN",
    type=click.Path(path_type=Path),
    show_default="./domain or ./domain.yml",
    help="The domain's folder or file, checked at the start. Setting: HAPTIK_DOMAIN.",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF RASA-SDK]...")
def command(domain: Path | None, options: tuple[str, ...]) -> None:
    """Run an action server in which every action is guarded.

    It is rasa-sdk's own server with rasa-sdk's own options, over HTTP or with --grpc. An action that raises, hangs or
    returns what Rasa cannot read becomes a hand-off and an answer to the user, without a change to its code.

    What is wrong with the domain's slot `haptik` is named on stderr before the server starts. It starts all the same:
    a server that is not there answers nobody. `haptik-actions check` is for pipelines. With a REDIS_URL that cannot
    work it does not start (status 2).

    \b
    haptik-actions run
    haptik-actions run --actions actions --port 5056 --auto-reload
    """
    arguments = _parse(options)
    # As `python -m rasa_sdk` finds the package: a script has its own folder there instead of the current one.
    sys.path.insert(0, os.getcwd())
    _find(getattr(arguments, "actions_module", None) or arguments.actions)
    _check_redis()
    _check(domain)

    import rasa_sdk.__main__

    from haptik_actions.actions import guard_all_actions

    guard_all_actions()
    _stay_up(arguments)
    try:
        rasa_sdk.__main__.main_from_args(arguments)
    except (OSError, RuntimeError) as error:
        if not _is_about_the_port(error):
            raise
        what = f"Port {arguments.port} cannot be had ({error})"
        raise click.ClickException(f"{what}. Name another with --port, and in Rasa's endpoints.yml.") from error


def _stay_up(arguments: Namespace) -> None:
    """Serve in a process of its own where the server is a single one, so that it is started again should it die."""
    from haptik_actions.actions._patches import has_main_process
    from haptik_actions.actions._supervise import is_possible, stay_up

    if not is_possible() or not (getattr(arguments, "grpc", False) or not has_main_process()):
        return
    status = stay_up()
    if status is not None:
        sys.exit(status)


def _is_about_the_port(error: OSError | RuntimeError) -> bool:
    if isinstance(error, OSError):
        # One that is about a file comes from the actions.
        return error.errno in (errno.EADDRINUSE, errno.EACCES) and error.filename is None
    # gRPC's words.
    return str(error).startswith("Failed to bind")


def _find(package: str) -> None:
    # rasa-sdk says it with a traceback of importlib. What fails inside of the package keeps its own.
    if find_spec(package.partition(".")[0]) is None:
        where = "Start the server in the folder that holds it, or name that folder in PYTHONPATH."
        raise click.UsageError(f"There is no package {printable(package)} in {printable(os.getcwd())}. {where}")


def _check_redis() -> None:
    """Refuse a `REDIS_URL` that cannot work: promises would depend on this process alone.

    Raises:
        ConfigurationError: it cannot work; says what to write instead.
    """
    from haptik_actions._redis import check_url
    from haptik_actions.errors import ConfigurationError
    from haptik_actions.escalation import load_settings

    try:
        url = load_settings().redis_url
    except ConfigurationError:
        # Another setting; it is named below.
        return
    check_url(url)


def _check(domain: Path | None) -> None:
    from haptik_actions.errors import ConfigurationError
    from haptik_actions.escalation import advice_on_domain, check_domain, load_settings

    found = find_domain(domain)
    try:
        findings: list[object] = []
        if found is not None:
            # Channels are the server's log to tell of.
            findings = [*check_domain(found), *advice_on_domain(found, load_settings())]
    except ConfigurationError as error:
        findings = [error]
    except Exception:
        logger.exception("The domain %s could not be checked.", found)
        return
    for finding in findings:
        click.echo(printable(str(finding)), err=True)


def _parse(options: Sequence[str]) -> Namespace:
    try:
        arguments, unknown = _parser().parse_known_args(options)
    except ArgumentError as error:
        raise click.UsageError(str(error)) from error
    if "--grpc" in unknown:
        from rasa_sdk import __version__

        raise click.UsageError(f"--grpc needs rasa-sdk 3.7 or newer; {__version__} is installed.")
    if unknown:
        raise click.UsageError(f"rasa-sdk has no option {' '.join(unknown)}.")
    if not 0 <= arguments.port <= 65535:
        raise click.UsageError(f"--port {arguments.port} is no port: it has to be between 0 and 65535.")
    if not (arguments.actions or getattr(arguments, "actions_module", None)):
        # As `rasa run actions` does.
        arguments.actions = _ACTIONS
    return arguments


def _parser() -> ArgumentParser:
    from rasa_sdk.endpoint import create_argument_parser

    parser: ArgumentParser = create_argument_parser()
    parser.exit_on_error = False
    parser.usage, parser.description = SUPPRESS, None
    return parser
