"""Routes of the control plane for faults, and for what came in by the APIs, under `/_sandbox/`."""

from __future__ import annotations

from dataclasses import asdict
from mimetypes import guess_type
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._endpoints import Endpoint
from haptik_actions.sandbox._faults import Fault, FaultKind
from haptik_actions.sandbox._orders import Order, json_order
from haptik_actions.sandbox._platform import Platform

__all__ = ["ApiRoutes"]


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
