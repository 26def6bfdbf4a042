"""`haptik-actions studio`: the editor of the bot's sentences, and who may use it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec.structs import asdict

from haptik_actions.cli._connect import load_settings
from haptik_actions.cli._console import Group, echo_json, printable, run_until_signal
from haptik_actions.config import nearest

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from haptik_actions.studio import AuditEntry, Users
    from haptik_actions.studio._audit import Event

__all__ = ["command"]

T = TypeVar("T")

# As `studio.ROLES`, which needs the extra.
_ROLES = ["viewer", "editor", "publisher"]


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
    haptik-actions studio user role asha editor
    haptik-actions studio user passwd asha
    haptik-actions studio user remove asha
    haptik-actions studio user unlock asha
    """


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What they may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of stdin.")
def add(name: str, role: str, password_stdin: bool) -> None:
    """Add a user. The password is asked for.

    \b
    haptik-actions studio user add asha --role publisher
    """
    password = _password(password_stdin)
    _with_users(lambda users: users.add(name, role, password), ("user added", name, role))
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
    _with_user(name, lambda users: users.set_password(name, password), ("password changed", name, ""))
    click.echo(f"{printable(name)} has a new password.")


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(_ROLES))
def set_role(name: str, role: str) -> None:
    """Give a user another ROLE. Open sessions have it from their next request.

    \b
    haptik-actions studio user role asha editor
    """
    _with_user(name, lambda users: users.set_role(name, role), ("role changed", name, role))
    click.echo(f"{printable(name)} is {role} now.")


@user.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove a user, which ends all of the user's sessions.

    \b
    haptik-actions studio user remove asha
    """
    _with_user(name, lambda users: users.remove(name), ("user removed", name, ""))
    click.echo(f"{printable(name)} is no user any more.")


@user.command()
@click.argument("name")
def unlock(name: str) -> None:
    """Lift the wait after too many failed sign-ins.

    \b
    haptik-actions studio user unlock asha
    """
    from haptik_actions.studio import Passwords, Throttle, Users

    async def lift(redis: Redis) -> bool:
        await _known_user(Users(redis, Passwords()), name)
        return await Throttle(redis).unlock(name)

    was_locked = _with_redis(lift, ("user unlocked", name, ""))
    click.echo(f"{printable(name)} {'may sign in at once' if was_locked else 'had no failed sign-ins'}.")


@command.command("log")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def show_log(limit: int, as_json: bool) -> None:
    """List who signed in, who failed to, and what became of users.

    \b
    haptik-actions studio log
    """
    from haptik_actions.studio import Audit

    found = _with_redis(lambda redis: Audit(redis).entries(limit))
    if as_json:
        echo_json([asdict(entry) for entry in found])
        return
    for entry in found:
        who = entry.name or "(no such user)"
        parts = [entry.at, entry.event, who, *(f"{name} {value}" for name, value in _origin(entry) if value)]
        click.echo(printable("  ".join(parts)))


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


def _origin(entry: AuditEntry) -> tuple[tuple[str, str], ...]:
    return (("by", entry.by), ("from", entry.address), ("as", entry.detail))


def _with_users(work: Callable[[Users], Awaitable[T]], noted: tuple[Event, str, str] | None = None) -> T:
    from haptik_actions.studio import Passwords, Users

    return _with_redis(lambda redis: work(Users(redis, Passwords())), noted)


def _with_user(name: str, work: Callable[[Users], Awaitable[T]], noted: tuple[Event, str, str]) -> T:
    async def checked(users: Users) -> T:
        await _known_user(users, name)
        return await work(users)

    return _with_users(checked, noted)


async def _known_user(users: Users, name: str) -> None:
    """End the command where there is no such user, and name one like it."""
    names = await users.names()
    if name not in names:
        hint = nearest(name, names) or " `list` shows who there is."
        raise click.ClickException(f"There is no user {printable(name)!r}.{hint}")


def _with_redis(work: Callable[[Redis], Awaitable[T]], noted: tuple[Event, str, str] | None = None) -> T:
    """Run `work`, and write into the studio's log what was done: the event, the user, and as what."""
    from redis.exceptions import RedisError

    from haptik_actions._redis import connect, disconnect
    from haptik_actions.studio import Audit

    redis = connect(load_settings().require("redis_url"), seconds=5.0)

    async def run() -> T:
        try:
            done = await work(redis)
            if noted is not None:
                event, name, detail = noted
                await Audit(redis).note(event, name, by="command line", detail=detail)
            return done
        finally:
            await disconnect(redis)

    try:
        return asyncio.run(run())
    except (RedisError, OSError) as error:
        raise click.ClickException(f"Redis does not answer ({type(error).__name__}). Check REDIS_URL.") from error
