"""`haptik-actions outbox`: what waits for Haptik, and what was given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

import click

from haptik_actions.cli._output import echo_json, printable
from haptik_actions.cli._shared_redis import with_redis

if TYPE_CHECKING:
    from haptik_actions.escalation import Entry, RedisOutbox

__all__ = ["command"]

T = TypeVar("T")


@click.group()
def command() -> None:
    """Show the hand-offs that wait for Haptik (REDIS_URL).

    They are delivered by themselves; `retry` and `drop` steer that.

    \b
    haptik-actions outbox list
    haptik-actions outbox retry 1201:asha
    haptik-actions outbox drop 1201:asha
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def list_entries(as_json: bool) -> None:
    """List the hand-offs that wait, those that were given up at the end.

    \b
    haptik-actions outbox list
    haptik-actions outbox list --json
    """
    entries = _with_outbox(lambda outbox: outbox.entries())
    if as_json:
        echo_json([_row(entry) for entry in entries])
        return
    for entry in entries:
        click.echo(_line(entry))
    if not entries:
        click.echo("The outbox is empty.")


@command.command()
@click.argument("chat", required=False)
@click.option("--all", "everything", is_flag=True, help="Every hand-off that was given up.")
def retry(chat: str | None, everything: bool) -> None:
    """Try a hand-off again at once, also one that was given up. CHAT is as `list` shows it.

    \b
    haptik-actions outbox retry 1201:asha
    haptik-actions outbox retry --all
    """
    if (chat is None) is not everything:
        raise click.UsageError("Name one chat, or say --all for those that were given up.")
    if chat is None:
        click.echo(f"{_with_outbox(_revive_all)} are tried again by the next action server that looks.")
        return
    if not _with_outbox(lambda outbox: outbox.revive(chat)):
        raise click.ClickException(
            f"{printable(chat)} is not in the outbox. `haptik-actions outbox list` shows what is."
        )
    click.echo(f"{printable(chat)} is tried again by the next action server that looks, within a second.")


@command.command()
@click.argument("chat")
def drop(chat: str) -> None:
    """Erase a hand-off and end its episode: nobody delivers it. CHAT is as `list` shows it.

    \b
    haptik-actions outbox drop 1201:asha
    """
    if not _with_outbox(lambda outbox: outbox.drop(chat)):
        raise click.ClickException(
            f"{printable(chat)} is not in the outbox. `haptik-actions outbox list` shows what is."
        )
    click.echo(f"{printable(chat)} is erased.")


def _with_outbox(work: Callable[[RedisOutbox], Awaitable[T]]) -> T:
    from haptik_actions.escalation import RedisOutbox

    return with_redis(lambda client: work(RedisOutbox(client)))


async def _revive_all(outbox: RedisOutbox) -> int:
    dead = [entry.handoff.chat for entry in await outbox.entries() if entry.due is None]
    return sum([await outbox.revive(chat) for chat in dead])


def _row(entry: Entry) -> dict[str, object]:
    handoff = entry.handoff
    return {
        "chat": handoff.chat,
        "id": handoff.id,
        "user_name": handoff.user_name,
        "business_id": handoff.business_id,
        "teams": list(handoff.teams),
        "tries": entry.tries,
        "due": None if entry.due is None else _time(entry.due),
        "error": entry.error,
    }


def _line(entry: Entry) -> str:
    state = "given up" if entry.due is None else f"due {_time(entry.due)}"
    after = f" after {entry.error}" if entry.error else ""
    tries = f"{entry.tries} {'try' if entry.tries == 1 else 'tries'}"
    teams = ", ".join(map(printable, entry.handoff.teams))
    return f"{printable(entry.handoff.chat)}  to {teams}  {state}  {tries}{after}  hand-off {entry.handoff.id}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
