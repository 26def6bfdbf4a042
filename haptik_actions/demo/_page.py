"""The demo's one page: the user's phone, the agent's desk, and what happens between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from haptik_actions._log import get_logger
from haptik_actions.demo._orders import OrdersService
from haptik_actions.demo._rasa import RealRasa
from haptik_actions.demo._stand_in import Phone, StandIn
from haptik_actions.demo._strip import Strip
from haptik_actions.relay import Relay
from haptik_actions.sandbox import Sandbox
from haptik_actions.sandbox._loopback import OwnPagesOnly

__all__ = ["BOT_PATH", "EVENTS_PATH", "DemoPage"]

logger = get_logger(__name__)

EVENTS_PATH = "/webhooks/haptik/events"
BOT_PATH = "/bot"
_HERE = Path(__file__).parent
_LOOK = _HERE.parent / "sandbox" / "static"
_LONGEST_TEXT = 2_000


class DemoPage:
    """Serves the demo's page and takes what people do on it. Who plays the bot is set later, by one of two methods."""

    def __init__(
        self,
        *,
        sandbox: Sandbox,
        orders: OrdersService,
        phone: Phone,
        strip: Strip,
        sandbox_url: str,
        studio_url: str | None,
    ) -> None:
        self._sandbox, self._orders, self._phone, self._strip = sandbox, orders, phone, strip
        self._sandbox_url, self._studio_url = sandbox_url, studio_url
        self._bot: StandIn | RealRasa | None = None
        self._relay: Relay | None = None
        self._turns: set[asyncio.Task[None]] = set()

    def played_by_stand_in(self, bot: StandIn, relay: Relay) -> None:
        """Let the stand-in answer on the phone; `relay` takes the platform's events."""
        self._bot, self._relay = bot, relay

    def run_by_rasa(self, bot: RealRasa) -> None:
        """Let a real Rasa answer on the phone; it takes the platform's events itself."""
        self._bot = bot

    async def user_writes(self, text: str) -> None:
        """Write something as the user; returns when the bot has answered, or the relay has taken it."""
        assert self._bot is not None
        await self._bot.user_writes(text)

    @property
    def app(self) -> Starlette:
        """The ASGI app."""
        pages = [
            Route("/say", self._form(self._say), methods=["POST"]),
            Route("/orders", self._form(self._set_orders), methods=["POST"]),
            Route("/haptik", self._form(self._set_haptik), methods=["POST"]),
        ]
        return Starlette(
            routes=[
                Route("/", self._whole),
                Route("/live", self._live),
                Route("/favicon.ico", _icon),
                Route(EVENTS_PATH, self._event, methods=["POST"]),
                Route(BOT_PATH, self._arrived, methods=["POST"]),
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
        # Not awaited: the page shows at once what the user wrote, and the bot's answer later.
        turn = asyncio.get_running_loop().create_task(self.user_writes(text))
        self._turns.add(turn)
        turn.add_done_callback(self._turns.discard)
        turn.add_done_callback(_log_failure)
        await asyncio.sleep(0)

    async def _set_orders(self, form: dict[str, str]) -> None:
        self._orders.mode = "broken" if form.get("mode") == "broken" else "working"
        works = self._orders.mode == "working"
        self._strip.note("you", "orders service", "works again" if works else "broken", "good" if works else "bad")

    async def _set_haptik(self, form: dict[str, str]) -> None:
        self._sandbox.outage = form.get("outage") == "true"
        down = self._sandbox.outage
        self._strip.note("you", "Haptik", "taken down" if down else "back", "bad" if down else "good")

    async def _event(self, request: Request) -> Response:
        if self._relay is None:
            return Response(status_code=404)
        signature = request.headers.get("x-hub-signature")
        return Response(status_code=await self._relay.take(await request.body(), signature))

    async def _arrived(self, request: Request) -> Response:
        """Take what Rasa's callback channel posts. Only the Rasa that this demo has started knows the address."""
        if not isinstance(self._bot, RealRasa):
            return Response(status_code=404)
        self._bot.arrived(await request.json())
        return JSONResponse({})

    def _render(self, template: str) -> Response:
        self._strip.look()
        html = (
            _templates()
            .get_template(template)
            .render(
                problem="",
                bubbles=self._phone.bubbles,
                happenings=self._strip.lines,
                orders_work=self._orders.mode == "working",
                haptik_up=not self._sandbox.outage,
                sandbox_url=self._sandbox_url,
                studio_url=self._studio_url,
                with_rasa=isinstance(self._bot, RealRasa),
            )
        )
        return HTMLResponse(html.encode("utf-8", "replace"), headers=self._headers())

    def _headers(self) -> dict[str, str]:
        policy = f"default-src 'self'; frame-src {self._sandbox_url}; base-uri 'none'; form-action 'self'"
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
