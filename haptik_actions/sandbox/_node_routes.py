"""The nodes' side of the control plane: users write, bots are called, as JSON under `/_sandbox/`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._orders import Order, json_order
from haptik_actions.sandbox._state import Node

__all__ = ["NodeRoutes"]


class _NodeOrder(Order):
    """The fields of a `Node`."""

    name: str
    url: str
    secret: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    step: bool = False
    is_end: bool = False

    def __post_init__(self) -> None:
        # Raised while decoding, so that the answer is 400: the body does not fit.
        self.node()

    def node(self) -> Node:
        return Node(name=self.name, url=self.url, secret=self.secret, step=self.step, is_end=self.is_end)


class _Write(Order):
    user_name: str
    text: str
    business_id: int | None = None
    node: str | None = None
    entities: dict[str, Any] | None = None
    env_variables: dict[str, Any] | None = None
    within: Annotated[float, msgspec.Meta(gt=0, le=60)] = 30.0


class NodeRoutes:
    """What users write to the nodes of Haptik's bots, and the bots that those call."""

    def __init__(self, caller: NodeCaller) -> None:
        self._caller = caller

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/_sandbox`."""
        return [
            Route("/nodes", self._list_nodes, methods=["GET"]),
            Route("/nodes", json_order(_NodeOrder, self._add), methods=["POST"]),
            Route("/node_calls", self._calls, methods=["GET"]),
            Route("/write", json_order(_Write, self._write), methods=["POST"]),
        ]

    async def _list_nodes(self, request: Request) -> Response:
        return JSONResponse(self._listed())

    async def _calls(self, request: Request) -> Response:
        return JSONResponse([call.shown() for call in self._caller.calls()])

    def _add(self, order: _NodeOrder) -> list[dict[str, Any]]:
        self._caller.add(order.node())
        return self._listed()

    async def _write(self, order: _Write) -> dict[str, Any]:
        node = self._caller.named(order.node)
        if node is None:
            raise ConfigurationError(
                "no node can be called. Add one with POST /_sandbox/nodes, or to nodes in the state"
            )
        call = await self._caller.write(
            order.user_name,
            order.business_id,
            order.text,
            node,
            entities=order.entities,
            env_variables=order.env_variables,
            within=order.within,
        )
        return call.shown()

    def _listed(self) -> list[dict[str, Any]]:
        return [
            {"name": node.name, "url": node.url, "step": node.step, "is_end": node.is_end}
            for node in self._caller.nodes()
        ]
