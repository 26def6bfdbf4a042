"""What the bot talks to, for trying it on one machine: a Haptik sandbox and a small orders service.

    python services.py --sandbox-port 8123 --orders-port 8124

The orders service knows the orders 1001 and 1002. `curl -X POST http://127.0.0.1:8124/mode/broken` makes it answer
every call with 500, `/mode/slow` lets callers wait until they give up, `/mode/working` heals it.
"""

from __future__ import annotations

import asyncio

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox import Sandbox, serve

MODES = ("working", "broken", "slow")


class Orders:
    """The orders service: orders by number, and how it behaves at the moment."""

    def __init__(self) -> None:
        self.status = {"1001": "on its way", "1002": "being packed"}
        self.mode = "working"

    @property
    def app(self) -> Starlette:
        """`GET /orders/<id>`, `POST /orders/<id>/cancel` and, to play with, `POST /mode/<mode>`."""
        return Starlette(
            routes=[
                Route("/orders/{id}", self.show, methods=["GET"]),
                Route("/orders/{id}/cancel", self.cancel, methods=["POST"]),
                Route("/mode/{mode}", self.behave, methods=["POST"]),
            ]
        )

    async def show(self, request: Request) -> Response:
        """The order as JSON, or 404."""
        return await self.answer(request)

    async def cancel(self, request: Request) -> Response:
        """The order as JSON, now cancelled, or 404."""
        number = request.path_params["id"]
        if self.mode == "working" and number in self.status:
            self.status[number] = "cancelled"
        return await self.answer(request)

    async def behave(self, request: Request) -> Response:
        """Change the mode, or 404 for one that does not exist."""
        mode = request.path_params["mode"]
        if mode not in MODES:
            return PlainTextResponse(f"choose one of {', '.join(MODES)}\n", status_code=404)
        self.mode = mode
        return PlainTextResponse(f"the orders service is {mode}\n")

    async def answer(self, request: Request) -> Response:
        """One reply in the present mode."""
        if self.mode == "broken":
            return PlainTextResponse("out of order", status_code=500)
        if self.mode == "slow":
            await given_up(request)
        number = request.path_params["id"]
        if number not in self.status:
            return JSONResponse({"error": "there is no such order"}, status_code=404)
        return JSONResponse({"id": number, "status": self.status[number]})


async def given_up(request: Request) -> None:
    """Return when the caller has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def run(sandbox_port: int, orders_port: int) -> None:
    """Serve both on 127.0.0.1 until Ctrl-C."""
    config = uvicorn.Config(Orders().app, port=orders_port, log_level="warning", timeout_graceful_shutdown=1)
    async with serve(Sandbox(), port=sandbox_port) as sandbox_url:
        click.echo(f"Haptik sandbox: {sandbox_url}  orders service: http://127.0.0.1:{orders_port}  Ctrl-C ends both")
        await uvicorn.Server(config).serve()


@click.command()
@click.option("--sandbox-port", default=8123, show_default=True)
@click.option("--orders-port", default=8124, show_default=True)
def main(sandbox_port: int, orders_port: int) -> None:
    """Serve a Haptik sandbox and a small orders service on this machine."""
    asyncio.run(run(sandbox_port, orders_port))


if __name__ == "__main__":
    main()
