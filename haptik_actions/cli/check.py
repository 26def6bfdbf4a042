"""`haptik-actions check`: is what the domain says about hand-offs right?"""

from __future__ import annotations

from pathlib import Path

import click

from haptik_actions.cli._connect import find_domain
from haptik_actions.cli._console import echo_json, printable

__all__ = ["command"]


@click.command()
@click.option(
    "--domain",
    envvar="HAPTIK_DOMAIN",
    type=click.Path(path_type=Path),
    show_default="./domain or ./domain.yml",
    help="The domain's folder or file. Setting: HAPTIK_DOMAIN.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def command(domain: Path | None, as_json: bool) -> None:
    """Check what a domain says about hand-offs, before training.

    It reads the slots `haptik` and `haptik_handoff`. Exit status 1 where one is wrong. What the bot lacks, and what
    that costs, is said as well and is no mistake: a slot that is missing, channels of `credentials.yml` whose users
    Haptik does not know.

    Where REDIS_URL is set, that Redis is asked what it promises: whether it keeps data, whether it evicts, what its
    account may not do. One that does not answer is said to be so, and is no mistake of the domain.

    Each mistake is named with file, line and path. Rasa gives actions the domain that was trained, so check what you
    train.

    \b
    haptik-actions check
    haptik-actions check --domain domain --json
    """
    from haptik_actions.escalation import check_domain

    found = find_domain(domain)
    if found is None:
        raise click.UsageError("There is no domain here. Name its folder or file with --domain.")
    findings, advice = check_domain(found), _advice(found)
    # On stderr: it is about the place where the check runs, not about what is trained.
    for sentence in _of_redis():
        click.echo(printable(sentence), err=True)
    for sentence in advice:
        click.echo(printable(sentence), err=as_json)
    if as_json:
        rows = ({"file": str(f.file), "line": f.line, "path": f.path, "problem": f.problem} for f in findings)
        echo_json(list(rows))
    for finding in () if as_json else findings:
        click.echo(printable(str(finding)))
    if findings:
        raise SystemExit(1)
    if not as_json and not advice:
        click.echo(f"{printable(str(found))} is fine.")


def _advice(domain: Path) -> list[str]:
    from haptik_actions.errors import ConfigurationError
    from haptik_actions.escalation import advice_on_channels, advice_on_domain, load_settings

    try:
        settings = load_settings()
    except ConfigurationError as error:
        return [str(error)]
    return [*advice_on_domain(domain, settings), *advice_on_channels(domain, settings)]


def _of_redis() -> list[str]:
    """Return what is to be said of the Redis of the settings.

    Raises:
        ConfigurationError: `REDIS_URL` cannot work.
    """
    from redis.exceptions import RedisError

    from haptik_actions._redis import check_url
    from haptik_actions._redis_health import remarks_on
    from haptik_actions.cli._connect import on_redis
    from haptik_actions.errors import ConfigurationError
    from haptik_actions.escalation import load_settings

    try:
        url = load_settings().redis_url
    except ConfigurationError:
        # Said among the advice.
        return []
    check_url(url)
    if url is None:
        return []
    try:
        return [remark.text for remark in on_redis(url, remarks_on)]
    except (RedisError, OSError) as error:
        return [f"Redis does not answer ({type(error).__name__}): what it promises cannot be told."]
