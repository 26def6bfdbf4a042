"""The page at `/`: each team's queue, the last requests, and the switch for an outage."""

from __future__ import annotations

import math
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from haptik_actions.sandbox._platform import Platform

__all__ = ["Page"]

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
_SHOWN_REQUESTS = 8

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Page:
    """Shows a platform to people. The script replaces the part that lives, `/_sandbox/live`, once a second."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.filters["duration"] = _duration

    def routes(self) -> list[BaseRoute]:
        """Return the page itself, and the icon that browsers ask for at the root."""
        return [Route("/", self._whole), Route("/favicon.ico", self._icon)]

    def parts(self) -> list[BaseRoute]:
        """Return what the page loads, relative to `/_sandbox`."""
        return [Route("/live", self._live), Mount("/static", StaticFiles(directory=_STATIC))]

    async def _whole(self, request: Request) -> Response:
        return self._render("page.html")

    async def _live(self, request: Request) -> Response:
        return self._render("live.html")

    async def _icon(self, request: Request) -> Response:
        return FileResponse(_STATIC / "icon.svg")

    def _render(self, template: str) -> Response:
        platform = self._platform
        chats = platform.board.chats()
        html = self._templates.get_template(template).render(
            outage=platform.outage,
            now=platform.clock(),
            teams=list(platform.teams.values()),
            businesses=platform.businesses,
            queue=platform.board.queue(),
            with_bot=sum(chat.state == "bot" for chat in chats),
            requests=platform.journal.entries()[: -_SHOWN_REQUESTS - 1 : -1],
        )
        return HTMLResponse(html, headers=_HEADERS)


def _duration(seconds: float) -> str:
    whole = math.floor(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min"
    return f"{whole // 3_600} h {whole % 3_600 // 60} min"
