"""`haptik-actions outbox`: what waits for Haptik, and what was given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

import click

from haptik_actions.cli._connect import with_redis
from haptik_actions.cli._console import Group, echo_json, printable

if TYPE_CHECKING:
    from haptik_actions.escalation import Entry, RedisOutbox, Unreadable

__all__ = ["command"]

T = TypeVar("T")


@click.group(cls=Group)
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
    entries, unreadable = _with_outbox(_everything)
    if as_json:
        echo_json([*map(_row, entries), *map(_unreadable_row, unreadable)])
        return
    for entry in entries:
        click.echo(_line(entry))
    for lost in unreadable:
        click.echo(_unreadable_line(lost))
    if not entries and not unreadable:
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
        revived, unreadable = _with_outbox(_revive_all)
        click.echo(f"{revived} are tried again by the next action server that looks.")
        if unreadable:
            click.echo(f"{unreadable} cannot be read and stay. `haptik-actions outbox list` shows them.", err=True)
        return
    why = _with_outbox(lambda outbox: _revive(outbox, chat))
    if why is not None:
        raise click.ClickException(why)
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


async def _everything(outbox: RedisOutbox) -> tuple[list[Entry], list[Unreadable]]:
    return await outbox.entries(), await outbox.unreadable()


async def _revive(outbox: RedisOutbox, chat: str) -> str | None:
    """Return None, or why the chat is not tried again."""
    if await outbox.revive(chat):
        return None
    for entry in await outbox.unreadable():
        if entry.chat == chat:
            return (
                f"{printable(chat)} cannot be read, and so cannot be tried ({printable(entry.why)}). Let a server of "
                "the version that wrote it run, retry it with that version, or erase it with `haptik-actions outbox "
                "drop`."
            )
    return f"{printable(chat)} is not in the outbox. `haptik-actions outbox list` shows what is."


async def _revive_all(outbox: RedisOutbox) -> tuple[int, int]:
    """Return how many were given up and are tried again, and how many of those cannot be read."""
    dead = [entry.handoff.chat for entry in await outbox.entries() if entry.due is None]
    unreadable = sum(entry.due is None for entry in await outbox.unreadable())
    return sum([await outbox.revive(chat) for chat in dead]), unreadable


def _row(entry: Entry) -> dict[str, object]:
    handoff = entry.handoff
    return {
        "chat": handoff.chat,
        "id": handoff.id,
        "user_name": handoff.user_name,
        "business_id": handoff.business_id,
        "teams": list(handoff.teams),
        "since": _time(entry.created),
        "tries": entry.tries,
        "due": None if entry.due is None else _time(entry.due),
        "error": entry.error,
        "unreadable": None,
    }


def _unreadable_row(entry: Unreadable) -> dict[str, object]:
    # The same keys as the others, and nothing where nobody knows.
    unknown = dict.fromkeys(("id", "user_name", "business_id", "teams", "tries", "error"))
    return {
        "chat": entry.chat,
        **unknown,
        "since": None if entry.since is None else _time(entry.since),
        "due": None if entry.due is None else _time(entry.due),
        "unreadable": entry.why,
    }


def _unreadable_line(entry: Unreadable) -> str:
    since = "" if entry.since is None else f"  since {_time(entry.since)}"
    return f"{printable(entry.chat)}  {_state(entry)}{since}  unreadable: {printable(entry.why)}"


def _state(entry: Entry | Unreadable) -> str:
    return "given up" if entry.due is None else f"due {_time(entry.due)}"


def _line(entry: Entry) -> str:
    after = f" after {entry.error}" if entry.error else ""
    tries = f"{entry.tries} {'try' if entry.tries == 1 else 'tries'}"
    teams = ", ".join(map(printable, entry.handoff.teams))
    return f"{printable(entry.handoff.chat)}  to {teams}  {_state(entry)}  {tries}{after}  hand-off {entry.handoff.id}"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
