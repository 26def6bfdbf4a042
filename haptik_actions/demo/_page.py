"""The demo's one page: the user's phone, the agent's desk, and what happens between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from haptik_actions.demo._orders import OrdersService
from haptik_actions.demo._phone import Phone
from haptik_actions.demo._strip import Strip
from haptik_actions.sandbox import Sandbox
from haptik_actions.sandbox._loopback import OwnPagesOnly

__all__ = ["EVENTS_PATH", "DemoPage"]

logger = logging.getLogger(__name__)

EVENTS_PATH = "/webhooks/haptik/events"
_HERE = Path(__file__).parent
_LOOK = _HERE.parent / "sandbox" / "static"
_LONGEST_TEXT = 2_000
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPage:
    """Shows the demo to people, and takes what they do.

    Attributes:
        user_writes: Takes what the visitor writes as the user. It may take as long as the bot does.
        take: Takes an event of the platform and its signature, and returns the HTTP status; None where Rasa does it.
        arrived: Takes what Rasa's callback channel posts; None without Rasa.
        with_whom: Who answers on the phone, and `what_is_real` of all this: two lines of the page.
    """

    sandbox: Sandbox
    orders: OrdersService
    phone: Phone
    strip: Strip
    sandbox_url: str
    studio_url: str | None
    with_whom: str
    what_is_real: str
    user_writes: Callable[[str], Awaitable[None]]
    take: Callable[[bytes, str | None], Awaitable[int]] | None = None
    arrived: Callable[[dict[str, Any]], None] | None = None

    @property
    def app(self) -> Starlette:
        """The ASGI app."""
        pages = [
            Route("/say", self._form(self._say), methods=["POST"]),
            Route("/orders", self._form(self._orders), methods=["POST"]),
            Route("/haptik", self._form(self._haptik), methods=["POST"]),
        ]
        return Starlette(
            routes=[
                Route("/", self._whole),
                Route("/live", self._live),
                Route("/favicon.ico", _icon),
                Route(EVENTS_PATH, self._event, methods=["POST"]),
                Route("/bot", self._callback, methods=["POST"]),
                Mount("/look", StaticFiles(directory=_LOOK)),
                Mount("/static", StaticFiles(directory=_HERE / "static")),
                Mount("/page", routes=pages, middleware=[Middleware(OwnPagesOnly)]),
            ]
        )

    async def _whole(self, request: Request) -> Response:
        return self._render("page.html")

    async def _live(self, request: Request) -> Response:
        return self._render("live.html")

    def _form(self, step: Callable[[dict[str, str]], Awaitable[None]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            await step(dict(parse_qsl((await request.body()).decode("utf-8", "replace"))))
            return RedirectResponse("/", status_code=303)

        return endpoint

    async def _say(self, form: dict[str, str]) -> None:
        text = form.get("text", "").strip()[:_LONGEST_TEXT]
        if text:
            await self._write(text)

    async def _write(self, text: str) -> None:
        # The page shows what was written at once; the bot's answer comes when it comes.
        asyncio.get_running_loop().create_task(self.user_writes(text)).add_done_callback(_log_failure)
        await asyncio.sleep(0)

    async def _orders(self, form: dict[str, str]) -> None:
        self.orders.mode = "broken" if form.get("mode") == "broken" else "working"
        works = self.orders.mode == "working"
        self.strip.note("you", "orders service", "works again" if works else "broken", "good" if works else "bad")

    async def _haptik(self, form: dict[str, str]) -> None:
        self.sandbox.outage = form.get("outage") == "true"
        down = self.sandbox.outage
        self.strip.note("you", "Haptik", "taken down" if down else "back", "bad" if down else "good")

    async def _event(self, request: Request) -> Response:
        if self.take is None:
            return Response(status_code=404)
        return Response(status_code=await self.take(await request.body(), request.headers.get("x-hub-signature")))

    async def _callback(self, request: Request) -> Response:
        body = await request.body()
        if self.arrived is None or len(body) > _MOST_BYTES:
            return Response(status_code=404 if self.arrived is None else 413)
        self.arrived(await request.json())
        return JSONResponse({})

    def _render(self, template: str) -> Response:
        self.strip.look()
        html = (
            _templates()
            .get_template(template)
            .render(
                problem="",
                bubbles=self.phone.bubbles,
                happenings=self.strip.lines,
                orders_work=self.orders.mode == "working",
                haptik_up=not self.sandbox.outage,
                sandbox_url=self.sandbox_url,
                studio_url=self.studio_url,
                with_whom=self.with_whom,
                what_is_real=self.what_is_real,
            )
        )
        return HTMLResponse(html.encode("utf-8", "replace"), headers=self._headers())

    def _headers(self) -> dict[str, str]:
        policy = f"default-src 'self'; frame-src {self.sandbox_url}; base-uri 'none'; form-action 'self'"
        return {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        }


async def _icon(request: Request) -> Response:
    return FileResponse(_LOOK / "icon.svg")


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("The bot's turn failed.", exc_info=task.exception())


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
