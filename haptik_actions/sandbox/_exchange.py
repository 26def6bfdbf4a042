"""One request with its whole body, and its answer, which goes to the caller and into the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Answer", "Exchange"]


@dataclass(slots=True)
class Answer:
    """An answer as far as it was sent; the status is 0 before it begins."""

    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    async def take(self, message: Message) -> None:
        """Add an ASGI message of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)


class Exchange:
    """One request. `body` is read already; `answer` is what the caller has received.

    `record` is called once with the exchange, before the last part of the answer is sent. So a caller who has the
    answer finds the request in the journal.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, record: Callable[[Exchange], None]) -> None:
        self.scope, self.receive = scope, receive
        self.body = b""
        self.endpoint: str | None = None
        self.fault: str | None = None
        self.answer = Answer()
        self._send = send
        self._record = record
        self._recorded = False

    async def let(self, app: ASGIApp) -> None:
        """Let `app` answer the caller."""
        await app(self.scope, self._replay, self.send)

    async def held_back(self, app: ASGIApp) -> Answer:
        """Let `app` carry the request out, and return its answer instead of sending it."""
        answer = Answer()
        await app(self.scope, self._replay, answer.take)
        return answer

    async def send(self, message: Message) -> None:
        """Pass a message of the answer on to the caller."""
        await self.answer.take(message)
        if self.answer.complete:
            self.record()
        await self._send(message)

    async def send_start(self, answer: Answer, *, length: int) -> None:
        """Send status and headers of an answer that was held back, with `length` as its content length."""
        kept = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
        headers = [*kept, (b"content-length", str(length).encode())]
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def send_body(self, body: bytes, *, more: bool = False) -> None:
        """Send a part of the body, the last one unless there is `more`."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    def record(self) -> None:
        """Put the exchange into the journal, unless it is there already."""
        if not self._recorded:
            self._recorded = True
            self._record(self)

    async def _replay(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}
