"""The studio as one ASGI app."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from haptik_actions.preview import STYLESHEET
from haptik_actions.studio._account import AccountPages
from haptik_actions.studio._audit import Audit
from haptik_actions.studio._door import Door
from haptik_actions.studio._editor import EditorPage
from haptik_actions.studio._edits import Edits
from haptik_actions.studio._frame import Frame
from haptik_actions.studio._front import beside
from haptik_actions.studio._history import HistoryPages
from haptik_actions.studio._lists import ListPages
from haptik_actions.studio._passwords import Passwords
from haptik_actions.studio._preview import DEFAULT_CHANNELS, Previews
from haptik_actions.studio._sessions import Sessions, new_token
from haptik_actions.studio._sheet import Sheets
from haptik_actions.studio._throttle import Throttle
from haptik_actions.studio._transfer import TransferPages
from haptik_actions.studio._users import Users
from haptik_actions.studio._views import render
from haptik_actions.studio._visit import Visit

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from haptik_actions.messages import Catalogue

__all__ = ["Studio"]

_STATIC = Path(__file__).parent / "static"


class Studio:
    """The editor of the bot's sentences.

    `redis` holds users and sessions, `catalogue` writes the messages; both are the caller's to close. With
    `must_sign_in` only users come in; without it everybody on this machine, as long as there are no users. `has_proxy`:
    the server knows of the proxy in front of it. `nlg` is an ASGI app to answer at `/nlg`, which has a door of its own.
    `clock` gives seconds since 1970, `timer` those of a clock that never steps back.
    """

    def __init__(
        self,
        redis: Redis,
        catalogue: Catalogue,
        *,
        must_sign_in: bool = False,
        has_proxy: bool = False,
        passwords: Passwords | None = None,
        nlg: ASGIApp | None = None,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        passwords = passwords or Passwords()
        users = Users(redis, passwords)
        sessions = Sessions(redis, users, clock)
        door = Door(users, sessions, must_sign_in=must_sign_in, has_proxy=has_proxy)
        accounts = AccountPages(door, users, passwords, Throttle(redis, clock), Audit(redis, clock))
        sheets = Sheets(catalogue)
        editor = EditorPage(door, catalogue, sheets, Previews(catalogue.channels or DEFAULT_CHANNELS))
        pages: ASGIApp = Starlette(
            routes=[
                *accounts.routes(),
                *ListPages(door, catalogue).routes(),
                *editor.routes(),
                *Edits(door, catalogue, sheets, editor).routes(),
                *HistoryPages(door, catalogue, sheets).routes(),
                *TransferPages(door, catalogue, timer).routes(),
                Route("/preview.css", _preview_style),
                Mount("/static", StaticFiles(directory=_STATIC)),
                Route("/favicon.ico", _icon),
            ],
            middleware=[Middleware(Frame)],
            exception_handlers={HTTPException: _not_found, 500: _failed},
        )
        self._app = pages if nlg is None else beside(pages, nlg)

    @property
    def app(self) -> ASGIApp:
        """The ASGI app."""
        return self._app


async def _icon(request: Request) -> Response:
    return FileResponse(_STATIC / "icon.svg")


async def _preview_style(request: Request) -> Response:
    return FileResponse(STYLESHEET, media_type="text/css")


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = "There is no such page." if error.status_code == 404 else error.detail
    return render(_nobody(request), "problem.html", error.status_code, problem=said)


async def _failed(request: Request, error: Exception) -> Response:
    return render(_nobody(request), "problem.html", 500, problem="The studio failed. Its log says why.")


def _nobody(request: Request) -> Visit:
    return Visit(request=request, token=new_token(), name="", role=None)
