"""`haptik-actions breakers`: which integrations are taken for down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from haptik_actions.cli._connect import with_redis
from haptik_actions.cli._console import Group, echo_json, printable

if TYPE_CHECKING:
    from haptik_actions.escalation import BreakerState

__all__ = ["command"]


@click.group(cls=Group)
def command() -> None:
    """Show the breakers of integrations (REDIS_URL); close them.

    \b
    haptik-actions breakers list
    haptik-actions breakers reset orders_api
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def list_breakers(as_json: bool) -> None:
    """List the breakers that had a failure within a day.

    A breaker is `closed`; or `open`, and its actions fail at once; or `half-open`, and the next call tries.

    \b
    haptik-actions breakers list
    haptik-actions breakers list --json
    """
    from haptik_actions.escalation import SharedBreakers

    states = with_redis(lambda client: SharedBreakers(client).states())
    if as_json:
        echo_json(states)
        return
    for state in states:
        click.echo(_line(state))
    if not states:
        click.echo("No breaker has had a failure within a day.")


@command.command()
@click.argument("name")
def reset(name: str) -> None:
    """Close a breaker and forget its failures.

    Every process calls the integration again, within a second.

    \b
    haptik-actions breakers reset orders_api
    """
    from haptik_actions.escalation import SharedBreakers

    if not with_redis(lambda client: SharedBreakers(client).close(name)):
        raise click.ClickException(
            f"The breaker {printable(name)} is closed and has no failures. `haptik-actions breakers list` shows those "
            "that have."
        )
    click.echo(f"The breaker {printable(name)} is closed.")


def _line(state: BreakerState) -> str:
    name = printable(state.name)
    if state.state == "open":
        return f"{name}  open  tried again in {state.seconds:.0f} s"
    if state.state == "half-open":
        return f"{name}  half-open  the next call tries"
    return f"{name}  closed  {state.failures} {'failure' if state.failures == 1 else 'failures'} in the running window"
