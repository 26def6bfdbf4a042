"""The control plane: JSON under `/_sandbox/` for tests and for the page. No authentication; loopback only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._platform import Platform

__all__ = ["ControlPlane"]

_LONGEST_ADVANCE = 366 * 24 * 3_600


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Outage(msgspec.Struct, forbid_unknown_fields=True):
    active: bool


class _Advance(msgspec.Struct, forbid_unknown_fields=True):
    advance: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_ADVANCE)]


_Endpoint = Callable[[Request], Awaitable[Response]]
_Order = TypeVar("_Order", _Nothing, _Outage, _Advance)


class ControlPlane:
    """Looks into a platform and turns its knobs. Every answer is JSON; a body that does not fit is answered 400."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/_sandbox`."""
        return [
            Route("/state", self._state, methods=["GET"]),
            Route("/queue", self._queue, methods=["GET"]),
            Route("/journal", self._journal, methods=["GET"]),
            Route("/reset", self._order(_Nothing, self._reset), methods=["POST"]),
            Route("/outage", self._order(_Outage, self._set_outage), methods=["POST"]),
            Route("/clock", self._order(_Advance, self._move_clock), methods=["POST"]),
        ]

    def snapshot(self) -> dict[str, Any]:
        """Return what the platform knows now, without tokens."""
        platform = self._platform
        return {
            "outage": platform.outage,
            "clock": platform.clock(),
            "partners": [{"client_id": client_id} for client_id in platform.partners],
            "businesses": [asdict(business) for business in platform.businesses.values()],
            "teams": [asdict(team) for team in platform.teams.values()],
            "users": [asdict(user) for user in platform.users.values()],
            "chats": [asdict(chat) for chat in platform.board.chats()],
        }

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self.snapshot())

    async def _queue(self, request: Request) -> Response:
        return JSONResponse([asdict(chat) for chat in self._platform.board.queue()])

    async def _journal(self, request: Request) -> Response:
        return JSONResponse([asdict(entry) for entry in self._platform.journal.entries()])

    def _order(
        self, kind: type[_Order], carry_out: Callable[[_Order], None]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                carry_out(msgspec.json.decode(await request.body() or b"{}", type=kind))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                return JSONResponse({"error": f"body: {error}"}, status_code=400)
            return JSONResponse(self.snapshot())

        return endpoint

    def _reset(self, order: _Nothing) -> None:
        self._platform.reset()

    def _set_outage(self, order: _Outage) -> None:
        self._platform.outage = order.active

    def _move_clock(self, order: _Advance) -> None:
        self._platform.clock.advance(order.advance)
