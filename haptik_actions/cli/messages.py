"""`haptik-actions messages`: the bot's copy in Redis, from the command line.

One of its commands, `serve-nlg`, is Rasa's NLG endpoint where no studio runs.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from haptik_actions._network import is_loopback
from haptik_actions.cli import _messages_files as files
from haptik_actions.cli._connect import load_settings
from haptik_actions.cli._console import Group, echo_json, printable, run_until_signal, text_of
from haptik_actions.cli._messages_store import (
    author_option,
    entry_json,
    locale_option,
    say_findings,
    why_option,
    with_catalogue,
)
from haptik_actions.config import nearest
from haptik_actions.errors import ConfigurationError

if TYPE_CHECKING:
    from haptik_actions.messages import Catalogue, Entry, Finding, Page, Version

__all__ = ["command", "serve_nlg"]

_ALL = 10_000


@click.group(cls=Group)
def command() -> None:
    """Read and edit what the bot says (REDIS_URL). Running bots show an edit at once.

    \b
    haptik-actions messages list order
    haptik-actions messages set utter_greet "Hello {name}!" --why "shorter"
    haptik-actions messages rollback utter_greet 3
    """


for file_command in (files.export, files.import_file, files.seed):
    command.add_command(file_command)


@command.command()
@click.argument("key")
@locale_option
@click.option("--json", "as_json", is_flag=True, help="Print an object with version, default and draft too.")
def get(key: str, locale: str, as_json: bool) -> None:
    """Print what users read under KEY in one language.

    \b
    haptik-actions messages get utter_greet --locale hi
    """

    async def work(catalogue: Catalogue) -> Entry:
        entry = await catalogue.get(key, locale)
        if entry.value is None and not as_json:
            raise await _no_message(catalogue, key, locale)
        return entry

    entry = with_catalogue(work)
    if as_json:
        echo_json(entry_json(entry))
    else:
        click.echo(printable(entry.value or "", keep="\n"))


@command.command("set")
@click.argument("key")
@click.argument("value")
@locale_option
@author_option
@why_option
@click.option(
    "--expected", metavar="REVISION", help="Refuse where the message is no longer that revision (`get --json`)."
)
@click.option("--channels", default="", metavar="NAMES", help="Those of the bot, with commas: what they cut is said.")
def set_value(key: str, value: str, locale: str, author: str, why: str, expected: str | None, channels: str) -> None:
    """Publish VALUE under KEY, after the checks; `-` reads stdin.

    \b
    haptik-actions messages set utter_greet "Hello {name}!" --why "the campaign"
    haptik-actions messages set utter_menu - < menu.json
    """
    text = text_of(Path("-")).replace("\r\n", "\n").rstrip("\n") if value == "-" else value

    async def work(catalogue: Catalogue) -> tuple[Entry, tuple[Finding, ...], str]:
        before = await catalogue.get(key, locale)
        everywhere = (await catalogue.locales_of(key)).values()
        is_new = all(entry.origin == "missing" for entry in everywhere)
        hint = await _other_key(catalogue, key) if is_new else ""
        revision = expected or before.revision
        names = [name.strip() for name in channels.split(",") if name.strip()]
        checked = catalogue.checked(before, text, channels=names)
        entry = await catalogue.publish_checked(checked, author=author, why=why, expected=revision)
        return entry, checked.findings, hint

    entry, findings, hint = with_catalogue(work)
    say_findings(findings)
    if hint:
        click.echo(f"{printable(key)} is new: nothing had this key.{hint}", err=True)
    click.echo(f"{printable(key)} in {entry.locale} is version {entry.number} now.")


@command.command()
@click.argument("key")
@locale_option
@author_option
@why_option
def delete(key: str, locale: str, author: str, why: str) -> None:
    """Go back to the default of KEY.

    \b
    haptik-actions messages delete utter_greet --locale hi
    """

    async def work(catalogue: Catalogue) -> Entry:
        entry = await catalogue.get(key, locale)
        if entry.origin == "missing":
            raise await _no_message(catalogue, key, locale)
        if entry.origin == "default":
            raise click.ClickException(f"{printable(key)} in {locale} is its default already.")
        return await catalogue.delete(key, locale, author=author, why=why, expected=entry.revision)

    entry = with_catalogue(work)
    rest = "Its default is read again." if entry.value is not None else "It has no default."
    click.echo(f"{printable(key)} in {entry.locale} is deleted. {rest}")


@command.command("list")
@click.argument("words", nargs=-1)
@locale_option
@click.option("--only", type=click.Choice(["edited", "draft", "missing"]), help="Only messages that are so.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="Print an object with the rows and the total.")
def list_messages(words: tuple[str, ...], locale: str, only: str | None, limit: int, as_json: bool) -> None:
    """List the messages with all WORDS in their key or text.

    \b
    haptik-actions messages list
    haptik-actions messages list thank you --locale de --only missing
    """

    async def work(catalogue: Catalogue) -> Page:
        return await catalogue.search(" ".join(words), locale=locale, only=only, limit=limit)  # type: ignore[arg-type]

    page = with_catalogue(work)
    if as_json:
        rows = [
            {name: getattr(row, name) for name in ("key", "locale", "text", "origin", "draft")} for row in page.rows
        ]
        echo_json({"total": page.total, "rows": rows})
        return
    for row in page.rows:
        click.echo(f"{printable(row.key)}  {row.origin}{', draft' if row.draft else ''}  {printable(row.text)}")
    more = page.total - len(page.rows)
    hint = f". {more} are not shown: name words of theirs, or --limit {page.total}" if more else ""
    click.echo(f"{page.total} messages{hint}.", err=True)


@command.command()
@click.argument("key")
@locale_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def history(key: str, locale: str, limit: int, as_json: bool) -> None:
    """List who changed KEY, when and why, newest first.

    \b
    haptik-actions messages history utter_greet
    """

    async def work(catalogue: Catalogue) -> tuple[Version, ...]:
        versions = await catalogue.history(key, locale, limit)
        if not versions and (await catalogue.get(key, locale)).origin == "missing":
            raise await _no_message(catalogue, key, locale)
        return versions

    versions = with_catalogue(work)
    if as_json:
        echo_json([_version_json(version) for version in versions])
        return
    for version in versions:
        click.echo(_version_line(version))
    if not versions:
        click.echo(f"{printable(key)} in {locale} was never edited.")


@command.command()
@click.argument("key")
@click.argument("number", type=click.IntRange(min=1))
@locale_option
@author_option
@why_option
def rollback(key: str, number: int, locale: str, author: str, why: str) -> None:
    """Publish version NUMBER of KEY again, as a new version.

    \b
    haptik-actions messages rollback utter_greet 3
    """

    async def work(catalogue: Catalogue) -> Entry:
        revision = (await catalogue.get(key, locale)).revision
        history = await catalogue.history(key, locale, _ALL)
        version = next((version for version in history if version.number == number), None)
        if version is None:
            raise _no_version(key, locale, number)
        return await catalogue.rollback(key, locale, version, author=author, why=why, expected=revision)

    entry = with_catalogue(work)
    click.echo(f"{printable(key)} in {entry.locale} is version {entry.number} now, the same as version {number}.")


@command.command()
@click.argument("key")
@click.argument("number", type=click.IntRange(min=1), required=False)
@locale_option
def diff(key: str, number: int | None, locale: str) -> None:
    """Compare KEY with version NUMBER, or with the default.

    \b
    haptik-actions messages diff utter_greet
    haptik-actions messages diff utter_greet 2
    """
    from haptik_actions.messages import unified_diff

    async def work(catalogue: Catalogue) -> tuple[Entry, tuple[Version, ...]]:
        versions = await catalogue.history(key, locale, _ALL) if number else ()
        entry = await catalogue.get(key, locale)
        if entry.value is None and not number:
            raise await _no_message(catalogue, key, locale)
        return entry, versions

    entry, versions = with_catalogue(work)
    older = next((version for version in versions if version.number == number), None)
    if number and older is None:
        raise _no_version(key, locale, number)
    name = f"version {number}" if older else "default"
    changed = unified_diff(older.value if older else entry.default, entry.value, before=name, after="now")
    click.echo(printable(changed, keep="\n") if changed else f"Nothing differs from the {name}.")


async def _no_message(catalogue: Catalogue, key: str, locale: str) -> click.ClickException:
    hint = await _other_key(catalogue, key) or " `list` shows what there is, `set` writes one."
    return click.ClickException(f"There is no message {printable(key)} in {locale}.{hint}")


async def _other_key(catalogue: Catalogue, key: str) -> str:
    """Ask whether another key was meant, where there is one like it."""
    return nearest(key, [row.key for row in (await catalogue.search(limit=_ALL)).rows if row.key != key])


def _no_version(key: str, locale: str, number: int) -> click.ClickException:
    return click.ClickException(f"{printable(key)} in {locale} has no version {number}. `history` lists what there is.")


def _version_json(version: Version) -> dict[str, object]:
    return {
        "number": version.number,
        "action": version.action,
        "author": version.author,
        "at": version.at.isoformat() if version.at else None,
        "why": version.why,
        "value": version.value,
    }


def _version_line(version: Version) -> str:
    when = f"{version.at:%Y-%m-%d %H:%M}" if version.at else "at an unknown time"
    who = printable(version.author) or "by hand in Redis"
    why = f" ({printable(version.why)})" if version.why else ""
    what = "deleted" if version.value is None else printable(version.value)
    return f"{version.number}  {when}  {who}  {version.action}{why}: {what}"


@command.command("serve-nlg")
@click.option("--port", type=click.IntRange(0, 65535), default=5056, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Another address than loopback needs a token.")
@click.option(
    "--domain",
    type=click.Path(exists=True, path_type=Path),
    help="Its responses answer where Redis has nothing, or is down and nothing was read yet.",
)
@click.option("--locale", metavar="TAG", help="The language of the domain; HAPTIK_LOCALE, or else en, if left out.")
@click.option("--token", envvar="HAPTIK_NLG_TOKEN", help="What Rasa has to send. Better set HAPTIK_NLG_TOKEN.")
def serve_nlg(port: int, host: str, domain: Path | None, locale: str | None, token: str | None) -> None:
    """Answer Rasa's NLG calls from the message store, until Ctrl-C.

    The studio answers them too. Run one of the two, beside Rasa.

    \b
    haptik-actions messages serve-nlg --domain domain/
    In endpoints.yml:  nlg: {url: "http://localhost:5056"}
    """
    # The endpoint is plain ASGI: the server below it is all that the extra brings here.
    if find_spec("uvicorn") is None:
        raise ConfigurationError('The NLG endpoint needs the package uvicorn: pip install "haptik-actions[sandbox]"')
    if not is_loopback(host) and not token:
        raise click.UsageError(f"On {host} everybody could read the bot's copy. Set --token or HAPTIK_NLG_TOKEN.")
    run_until_signal(_serve(port, host, domain, locale, token))


async def _serve(port: int, host: str, domain: Path | None, named: str | None, token: str | None) -> None:
    from haptik_actions._connections import ConnectionLimits
    from haptik_actions._serving import serve_app
    from haptik_actions.messages import PACKAGED_LOCALE, MessageStore, read_domain
    from haptik_actions.nlg import nlg_app

    settings = load_settings()
    locale = named or settings.locale or PACKAGED_LOCALE
    defaults = {locale: read_domain(domain).values} if domain else None
    store = MessageStore.from_url(
        settings.redis_url, defaults=defaults, locale=locale, snapshot=settings.messages_snapshot
    )
    store.start()
    limits = ConnectionLimits.of_this_process()
    try:
        async with serve_app(nlg_app(store, token=token, is_local=not token), port, host=host, limits=limits) as url:
            click.echo(f"The NLG endpoint answers on {url}")
            await asyncio.Event().wait()
    finally:
        await store.aclose()
