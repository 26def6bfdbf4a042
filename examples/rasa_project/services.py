"""What the bot talks to, for trying it on one machine: a Haptik sandbox and a small orders service.

    python services.py --sandbox-port 8123 --orders-port 8124

The orders service knows the orders 1001 and 1002. `curl -X POST http://127.0.0.1:8124/mode/broken` makes it answer
every call with 500, `/mode/slow` keeps callers waiting for half a minute, `/mode/working` heals it.
"""

from __future__ import annotations

import asyncio

import click
import uvicorn

from haptik_actions.demo import OrdersService
from haptik_actions.sandbox import Sandbox, serve


async def run(sandbox_port: int, orders_port: int, state: str | None) -> None:
    """Serve both on 127.0.0.1 until Ctrl-C."""
    config = uvicorn.Config(OrdersService().app, port=orders_port, log_level="warning", timeout_graceful_shutdown=1)
    sandbox = Sandbox.from_file(state) if state else Sandbox()
    async with serve(sandbox, port=sandbox_port) as sandbox_url:
        click.echo(f"Haptik sandbox: {sandbox_url}  orders service: http://127.0.0.1:{orders_port}  Ctrl-C ends both")
        await uvicorn.Server(config).serve()


@click.command()
@click.option("--sandbox-port", default=8123, show_default=True)
@click.option("--orders-port", default=8124, show_default=True)
@click.option("--state", type=click.Path(exists=True), help="YAML file with the sandbox's teams and users.")
def main(sandbox_port: int, orders_port: int, state: str | None) -> None:
    """Serve a Haptik sandbox and a small orders service on this machine."""
    asyncio.run(run(sandbox_port, orders_port, state))


if __name__ == "__main__":
    main()
