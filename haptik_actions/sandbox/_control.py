"""The control plane: JSON under `/_sandbox/` for tests and for the page. No authentication; loopback only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._agent_routes import AgentRoutes
from haptik_actions.sandbox._api_routes import ApiRoutes
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._node_routes import NodeRoutes
from haptik_actions.sandbox._orders import Endpoint, Order, json_order
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import User

__all__ = ["ControlPlane"]

_LONGEST_ADVANCE = 366 * 24 * 3_600


class _Outage(Order):
    active: bool


class _Advance(Order):
    advance: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_ADVANCE)]


_OrderT = TypeVar("_OrderT", bound=Order)


class ControlPlane:
    """Looks into a platform and turns its knobs. Every answer is JSON; a body that does not fit is answered 400."""

    def __init__(self, platform: Platform, caller: NodeCaller) -> None:
        self._platform = platform
        self._caller = caller
        self._nodes = NodeRoutes(caller)
        self._agents = AgentRoutes(platform)
        self._apis = ApiRoutes(platform)

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/_sandbox`."""
        return [
            Route("/state", self._state, methods=["GET"]),
            Route("/queue", self._queue, methods=["GET"]),
            Route("/journal", self._journal, methods=["GET"]),
            Route("/reset", self._order(Order, self._reset), methods=["POST"]),
            Route("/outage", self._order(_Outage, self._set_outage), methods=["POST"]),
            Route("/clock", self._order(_Advance, self._move_clock), methods=["POST"]),
            *self._agents.routes(),
            *self._apis.routes(),
            *self._nodes.routes(),
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
            "users": [_user(user) for user in platform.state.users],
            "agents": [asdict(agent) for agent in platform.desk.agents()],
            "webhook": self._agents.webhook(),
            "chats": [asdict(chat) for chat in platform.board.chats()],
        }

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self.snapshot())

    async def _queue(self, request: Request) -> Response:
        return JSONResponse([asdict(chat) for chat in self._platform.board.queue()])

    async def _journal(self, request: Request) -> Response:
        return JSONResponse([asdict(entry) for entry in self._platform.journal.entries()])

    def _order(self, kind: type[_OrderT], carry_out: Callable[[_OrderT], None]) -> Endpoint:
        def and_look(order: _OrderT) -> dict[str, Any]:
            carry_out(order)
            return self.snapshot()

        return json_order(kind, and_look)

    def _reset(self, order: Order) -> None:
        self._platform.reset()
        self._caller.reset()

    def _set_outage(self, order: _Outage) -> None:
        self._platform.outage = order.active

    def _move_clock(self, order: _Advance) -> None:
        self._platform.clock.advance(order.advance)
        self._platform.automat.settle()


def _user(user: User) -> dict[str, Any]:
    return {"user_name": user.user_name, "businesses": user.businesses, "conversation_no": user.conversation_no}
