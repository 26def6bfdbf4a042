"""Chats on the control plane, as JSON under `/_sandbox/`.

What agents do, and what users write to bots that nodes call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from inspect import isawaitable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._agents import NoSuchAgent
from haptik_actions.sandbox._chats import Message, as_hsl
from haptik_actions.sandbox._conversations import NoSuchChat
from haptik_actions.sandbox._events import Closing
from haptik_actions.sandbox._node_calls import NodeCaller
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import Node, Sender, Sentence, Webhook

__all__ = ["AgentRoutes", "Handler", "NodeRoutes", "Order", "json_order"]

Handler = Callable[[Request], Awaitable[Response]]

_OrderT = TypeVar("_OrderT", bound="Order")


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The base of all bodies. A key that is not a field is refused."""


def json_order(kind: type[_OrderT], carry_out: Callable[[_OrderT], Any]) -> Handler:
    """Return an endpoint that carries out what is posted and answers with what comes back, as JSON.

    What comes back may have to be awaited.

    An empty body is an order without fields. One that does not fit is answered 400, one that is not
    `application/json` 415, a chat or agent that is not there 404, and a step that is not allowed now 409.
    """

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        if body and not _is_json(request.headers.get("content-type", "")):
            return _refused("content-type: has to be application/json", 415)
        try:
            done = carry_out(msgspec.json.decode(body or b"{}", type=kind))
            return JSONResponse(await done if isawaitable(done) else done)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return _refused(f"body: {error}", 400)
        except (NoSuchAgent, NoSuchChat) as error:
            return _refused(str(error), 404)
        except ConfigurationError as error:
            return _refused(str(error), 409)

    return endpoint


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _refused(error: str, status: int) -> Response:
    return JSONResponse({"error": error}, status_code=status)


class _ChatOrder(Order):
    user_name: str
    business_id: int


class _Say(_ChatOrder):
    content: str | dict[str, Any]
    sender: Sender = "user"
    agent_name: str | None = None


class _Claim(_ChatOrder):
    agent: str


class _Answer(_ChatOrder):
    text: str | dict[str, Any]


class _Announce(_ChatOrder):
    sentence: Sentence
    words: str | None = None


class _End(_ChatOrder):
    ending: Literal["nobody_came", "waiting_for_user", "bot_completed"]


class _Complete(_ChatOrder):
    reason: str = ""
    sub_reason: str = ""
    comment: str = ""


class _Presence(Order):
    agent: str
    online: bool


class _Register(Order):
    url: str
    secret: Annotated[str, Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        # Raised as a ValueError while decoding, so that the answer is 400: the body does not fit.
        self.webhook()

    def webhook(self) -> Webhook:
        return Webhook(url=self.url, secret=self.secret)


class AgentRoutes:
    """What agents and a webhook's owner do with a platform, for tests and scripts."""

    def __init__(self, platform: Platform) -> None:
        self._desk = platform.desk
        self._conversations = platform.conversations
        self._events = platform.events

    def routes(self) -> list[Route]:
        """Return the routes, relative to `/_sandbox`."""
        return [
            Route("/agents", self._agents, methods=["GET"]),
            Route("/agents", json_order(_Presence, self._set_online), methods=["POST"]),
            Route("/say", json_order(_Say, self._say), methods=["POST"]),
            Route("/claim", json_order(_Claim, self._claim), methods=["POST"]),
            Route("/answer", json_order(_Answer, self._answer), methods=["POST"]),
            Route("/announce", json_order(_Announce, self._announce), methods=["POST"]),
            Route("/end", json_order(_End, self._end), methods=["POST"]),
            Route("/complete", json_order(_Complete, self._complete), methods=["POST"]),
            Route("/events", self._all_events, methods=["GET"]),
            Route("/webhook", self._webhook, methods=["GET"]),
            Route("/webhook", json_order(_Register, self._register), methods=["POST"]),
            Route("/webhook", json_order(Order, self._unregister), methods=["DELETE"]),
            Route("/webhook/enable", json_order(Order, self._enable), methods=["POST"]),
        ]

    async def _agents(self, request: Request) -> Response:
        return JSONResponse([asdict(agent) for agent in self._desk.agents()])

    async def _all_events(self, request: Request) -> Response:
        return JSONResponse([asdict(event) for event in self._events.events()])

    async def _webhook(self, request: Request) -> Response:
        return JSONResponse(self.webhook())

    def webhook(self) -> dict[str, Any] | None:
        """Return the webhook without its secret, None where there is none."""
        webhook = self._events.webhook
        return {"url": webhook.url, "enabled": self._events.is_enabled} if webhook else None

    def _set_online(self, order: _Presence) -> dict[str, Any]:
        return asdict(self._desk.set_online(order.agent, online=order.online))

    def _say(self, order: _Say) -> dict[str, Any]:
        body = as_hsl(order.content)
        said = self._conversations.say(
            order.user_name, order.business_id, body, sender=order.sender, agent_name=order.agent_name
        )
        return _message(said)

    def _claim(self, order: _Claim) -> dict[str, Any]:
        return asdict(self._desk.claim(order.user_name, order.business_id, agent=order.agent))

    def _answer(self, order: _Answer) -> dict[str, Any]:
        return _message(self._desk.answer(order.user_name, order.business_id, order.text))

    def _announce(self, order: _Announce) -> dict[str, Any]:
        said = self._desk.announce(order.user_name, order.business_id, order.sentence, order.words)
        return _message(said)

    def _end(self, order: _End) -> dict[str, Any]:
        return asdict(self._desk.end(order.user_name, order.business_id, order.ending))

    def _complete(self, order: _Complete) -> dict[str, Any]:
        closing = Closing(reason=order.reason, sub_reason=order.sub_reason, comment=order.comment)
        return asdict(self._desk.complete(order.user_name, order.business_id, closing))

    def _register(self, order: _Register) -> dict[str, Any] | None:
        self._events.set_webhook(order.webhook())
        return self.webhook()

    def _unregister(self, order: Order) -> None:
        self._events.set_webhook(None)

    def _enable(self, order: Order) -> dict[str, Any] | None:
        self._events.enable()
        return self.webhook()


def _message(message: Message) -> dict[str, Any]:
    return {**asdict(message), "at": message.at.isoformat()}


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
