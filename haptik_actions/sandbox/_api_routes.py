"""The APIs' side of the control plane: faults, and what was loaded of FAQ nodes, as JSON under `/_sandbox/`."""

from __future__ import annotations

from dataclasses import asdict
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
    """The fields of a `Fault`; a body with others is refused, which a dataclass would not do."""

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
        # Refused here, a fault that cannot work is a body that does not fit.
        self.fault()

    def fault(self) -> Fault:
        return Fault(**msgspec.structs.asdict(self))


class ApiRoutes:
    """Lets things go wrong, and shows what became of uploads."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/_sandbox`."""
        return [
            Route("/faq", self._faq, methods=["GET"]),
            Route("/faults", self._list_faults, methods=["GET"]),
            Route("/faults", json_order(_FaultOrder, self._add_fault), methods=["POST"]),
            Route("/faults", json_order(Order, self._clear_faults), methods=["DELETE"]),
        ]

    async def _faq(self, request: Request) -> Response:
        faq = self._platform.faq
        nodes = {name: [asdict(node) for node in faq.nodes(name)] for name in faq.domain_names()}
        return JSONResponse({"nodes": nodes, "tasks": [asdict(task) for task in faq.tasks()]})

    async def _list_faults(self, request: Request) -> Response:
        return JSONResponse(self._platform.faults.listed())

    def _add_fault(self, order: _FaultOrder) -> list[dict[str, Any]]:
        self._platform.faults.add(order.fault())
        return self._platform.faults.listed()

    def _clear_faults(self, order: Order) -> list[dict[str, Any]]:
        self._platform.faults.clear()
        return self._platform.faults.listed()
