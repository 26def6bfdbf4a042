"""The integration that fails: a small service that knows two orders."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

__all__ = ["OrdersService"]

_MODES = ("working", "broken", "slow")
_SLOW_SECONDS = 30.0


class OrdersService:
    """Orders by number, and how the service behaves at the moment.

    `mode` is `working`, `broken` (every call is answered with 500) or `slow` (an answer takes half a minute).
    """

    def __init__(self) -> None:
        self.status = {"1001": "on its way", "1002": "being packed"}
        self.mode = "working"
        self.app = Starlette(
            routes=[
                Route("/orders/{id}", self._show, methods=["GET"]),
                Route("/orders/{id}/cancel", self._cancel, methods=["POST"]),
                Route("/mode/{mode}", self._behave, methods=["POST"]),
            ]
        )

    async def _show(self, request: Request) -> Response:
        return await self._answer(request)

    async def _cancel(self, request: Request) -> Response:
        number = request.path_params["id"]
        if self.mode == "working" and number in self.status:
            self.status[number] = "cancelled"
        return await self._answer(request)

    async def _behave(self, request: Request) -> Response:
        mode = request.path_params["mode"]
        if mode not in _MODES:
            return PlainTextResponse(f"choose one of {', '.join(_MODES)}\n", status_code=404)
        self.mode = mode
        return PlainTextResponse(f"the orders service is {mode}\n")

    async def _answer(self, request: Request) -> Response:
        number = request.path_params["id"]
        if self.mode == "broken":
            return PlainTextResponse("out of order", status_code=500)
        if self.mode == "slow":
            await _until_gone(request, _SLOW_SECONDS)
        if number not in self.status:
            return JSONResponse({"error": "there is no such order"}, status_code=404)
        return JSONResponse({"id": number, "status": self.status[number]})


async def _until_gone(request: Request, seconds: float) -> None:
    # Callers give up long before. Stop waiting when they are gone, so that the service can end.
    for _ in range(int(seconds / 0.1)):
        if await request.is_disconnected():
            return
        await asyncio.sleep(0.1)
