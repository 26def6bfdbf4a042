"""`haptik-actions studio`: the editor of the bot's sentences, and who may use it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from haptik_actions.cli._group import Group
from haptik_actions.cli._output import echo_json, printable
from haptik_actions.cli._platform import load_settings
from haptik_actions.cli._signals import run_until_signal

if TYPE_CHECKING:
    from haptik_actions.studio import Users

__all__ = ["command"]

T = TypeVar("T")


@click.group(cls=Group, invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="Port; 0 for a free one.")
@click.option("--proxy", metavar="ADDRESS", help="Reverse proxy whose X-Forwarded headers are believed.")
@click.option(
    "--domain",
    type=click.Path(exists=True, path_type=Path),
    help="A Rasa domain, whose responses are shown and said where nothing else is written.",
)
@click.option("--locale", metavar="TAG", help="The language of the domain; HAPTIK_LOCALE, or else en, if left out.")
@click.option("--channels", metavar="NAMES", help="Those of the bot, with commas: texts are checked for them.")
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Run the page where people edit the bot's sentences.

    Until Ctrl-C. It answers Rasa's NLG calls too, at /nlg. The messages are those of REDIS_URL. Other
    addresses than this machine's own take a user who signs in.

    \b
    haptik-actions studio --domain domain/ --channels facebook,whatsapp
    haptik-actions studio user add asha --role publisher
    haptik-actions studio --host 0.0.0.0 --proxy 10.0.0.5
    """
    if context.invoked_subcommand is None:
        channels = [name.strip() for name in (options.pop("channels") or "").split(",") if name.strip()]
        run_until_signal(_serve(channels=_known(channels), **options))


@command.group()
def user() -> None:
    """Say who may use the studio: users with a role and a password.

    \b
    haptik-actions studio user add asha --role publisher
    haptik-actions studio user list
    haptik-actions studio user passwd asha
    haptik-actions studio user remove asha
    """


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "editor", "publisher"]), required=True, help="What they may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
def add(name: str, role: str, password_stdin: bool) -> None:
    """Add a user. The password is asked for.

    \b
    haptik-actions studio user add asha --role publisher
    """
    password = _password(password_stdin)
    _with_users(lambda users: users.add(name, role, password))
    click.echo(f"{printable(name)} is a user now: {role}.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def list_users(as_json: bool) -> None:
    """List the users and their roles.

    \b
    haptik-actions studio user list
    """
    found = _with_users(lambda users: users.all())
    if as_json:
        echo_json([{"name": known.name, "role": known.role} for known in found])
        return
    for known in found:
        click.echo(f"{printable(known.name)}  {known.role}")
    if not found:
        click.echo("There are no users: the studio is open to everybody on the machine it runs on.")


@user.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
def passwd(name: str, password_stdin: bool) -> None:
    """Set a user's password, which ends all of the user's sessions.

    \b
    haptik-actions studio user passwd asha
    """
    password = _password(password_stdin)
    _with_users(lambda users: users.set_password(name, password))
    click.echo(f"{printable(name)} has a new password.")


@user.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a user, which ends all of the user's sessions.

    \b
    haptik-actions studio user remove asha
    """
    _with_users(lambda users: users.remove(name))
    click.echo(f"{printable(name)} is no user any more.")


def _known(names: list[str]) -> list[str]:
    from haptik_actions.render import CHANNELS

    for name in names:
        if name not in CHANNELS:
            raise click.UsageError(f"--channels: {name} is not one of {', '.join(CHANNELS)}.")
    return names


async def _serve(**options: Any) -> None:
    from haptik_actions.studio import serve

    async with serve(load_settings(), **options) as url:
        click.echo(f"Studio: {url}/  (Ctrl-C ends it)")
        await asyncio.Event().wait()


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


def _with_users(work: Callable[[Users], Awaitable[T]]) -> T:
    from redis.exceptions import RedisError

    from haptik_actions._redis import connect, disconnect
    from haptik_actions.studio import Passwords, Users

    redis = connect(load_settings().require("redis_url"), seconds=5.0)

    async def run() -> T:
        try:
            return await work(Users(redis, Passwords()))
        finally:
            await disconnect(redis)

    try:
        return asyncio.run(run())
    except (RedisError, OSError) as error:
        raise click.ClickException(f"Redis does not answer ({type(error).__name__}). Check REDIS_URL.") from error
