"""What stands in front of the platform's APIs: the journal of requests, and the outage."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from haptik_actions.sandbox._platform import Platform

__all__ = ["Gateway"]

_DOWN = HTMLResponse(
    "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n"
    "<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n",
    status_code=503,
)


class Gateway:
    """The platform's APIs as one ASGI app. In an outage every path answers 503 with a gateway's HTML page."""

    def __init__(self, platform: Platform, routes: Sequence[BaseRoute]) -> None:
        self._platform = platform
        # An app of its own, so that 404 and 405 are answers before the journal looks at them.
        self._apis = Starlette(routes=routes)
        # The documentation's paths end in a slash; nothing says that the platform repairs one that does not.
        self._apis.router.redirect_slashes = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(self._platform, scope, send)
        try:
            exchange.body = await Request(scope, receive).body()
            await (_DOWN if self._platform.outage else self._apis)(scope, exchange.replay, exchange.send)
        except ClientDisconnect:
            return
        finally:
            exchange.record()


class _Exchange:
    """One request read whole, and its answer as it passes on the way to the caller."""

    def __init__(self, platform: Platform, scope: Scope, send: Send) -> None:
        self.body = b""
        self._answer = b""
        self._status = 0
        self._recorded = False
        self._platform, self._scope, self._send = platform, scope, send

    async def replay(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        self._status = message.get("status", self._status)
        self._answer += message.get("body", b"")
        if message["type"] == "http.response.body" and not message.get("more_body"):
            # Before the answer leaves: who has it may look into the journal at once.
            self.record()
        await self._send(message)

    def record(self) -> None:
        if self._recorded:
            return
        self._recorded = True
        self._platform.journal.add(
            at=self._platform.clock(),
            method=self._scope["method"],
            path=self._scope["path"],
            status=self._status,
            body=self.body,
            answer=self._answer,
        )
