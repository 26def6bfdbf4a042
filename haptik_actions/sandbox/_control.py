"""The control plane: JSON under `/_sandbox/` for tests and for the page. No authentication; loopback only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from mimetypes import guess_type
from typing import Annotated, Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._chat_control import AgentRoutes, Handler, NodeRoutes, Order, json_order
from haptik_actions.sandbox._faults import Fault, FaultKind
from haptik_actions.sandbox._journal import Endpoint
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import User

__all__ = ["ControlPlane"]


class _FaultOrder(Order):
    """The fields of a `Fault`, as a struct, because msgspec refuses unknown fields only for those."""

    kind: FaultKind
    endpoint: Endpoint | None = None
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    code: int | None = None
    message: str | None = None
    retry_after: int | None = None
    carried_out: bool = False

    def __post_init__(self) -> None:
        # Raised while decoding, so that the answer is 400: the body does not fit.
        self.fault()

    def fault(self) -> Fault:
        return Fault(**msgspec.structs.asdict(self))


class ApiRoutes:
    """Lets things go wrong, and shows what became of uploads, users, feedback and files."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/_sandbox`."""
        return [
            Route("/faq", self._faq, methods=["GET"]),
            Route("/users", self._users, methods=["GET"]),
            Route("/feedback", self._feedback, methods=["GET"]),
            Route("/files/{number:int}/{name:path}", self._file, methods=["GET"]),
            Route("/faults", self._list_faults, methods=["GET"]),
            Route("/faults", json_order(_FaultOrder, self._add_fault), methods=["POST"]),
            Route("/faults", json_order(Order, self._clear_faults), methods=["DELETE"]),
        ]

    async def _faq(self, request: Request) -> Response:
        faq = self._platform.faq
        nodes = {name: [asdict(node) for node in faq.nodes(name)] for name in faq.domain_names()}
        return JSONResponse({"nodes": nodes, "tasks": [asdict(task) for task in faq.tasks()]})

    async def _users(self, request: Request) -> Response:
        return JSONResponse([person.shown() for person in self._platform.users.all()])

    async def _feedback(self, request: Request) -> Response:
        return JSONResponse([asdict(given) for given in self._platform.feedback.all()])

    async def _file(self, request: Request) -> Response:
        file = self._platform.files.numbered(request.path_params["number"])
        if file is None or file.name != request.path_params["name"]:
            return JSONResponse({"error": "there is no such file, or it had to make room for newer ones"}, 404)
        kind = guess_type(file.name)[0] if file.is_image else None
        # A browser must never open a user's file as a page: images are shown as images, all else is downloaded.
        headers = {"X-Content-Type-Options": "nosniff"}
        if kind is None:
            headers["Content-Disposition"] = "attachment"
        return Response(file.content, media_type=kind or "application/octet-stream", headers=headers)

    async def _list_faults(self, request: Request) -> Response:
        return JSONResponse(self._platform.faults.listed())

    def _add_fault(self, order: _FaultOrder) -> list[dict[str, Any]]:
        self._platform.faults.add(order.fault())
        return self._platform.faults.listed()

    def _clear_faults(self, order: Order) -> list[dict[str, Any]]:
        self._platform.faults.clear()
        return self._platform.faults.listed()


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

    def _order(self, kind: type[_OrderT], carry_out: Callable[[_OrderT], None]) -> Handler:
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
