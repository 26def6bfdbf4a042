"""The agents' side of the control plane: chats, agents, events and the webhook as JSON under `/_sandbox/`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from haptik_actions.sandbox._events import Closing
from haptik_actions.sandbox._habits import Sentence
from haptik_actions.sandbox._orders import Order, json_order
from haptik_actions.sandbox._platform import Platform
from haptik_actions.sandbox._state import Sender, Webhook
from haptik_actions.sandbox._transcripts import Message, as_hsl

__all__ = ["AgentRoutes"]


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
