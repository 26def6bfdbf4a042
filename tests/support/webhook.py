"""Webhooks for the sandbox's events that need no socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from haptik_actions.sandbox import Sandbox, Webhook

SEND = "/integration/external/v1.0/send_chat_to_agent/"
HEADERS = {"Authorization": "Bearer demo-token", "client-id": "demo-client"}
URL = "http://127.0.0.1:5005/webhooks/haptik"
SECRET = "a shared secret"


class Receiver(httpx.AsyncBaseTransport):
    """A webhook that keeps what it gets and answers with `answer`, an HTTP status or an error."""

    def __init__(self, answer: int | Exception = 200) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx.Response(self.answer)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def names(self) -> list[str]:
        return [body["event_name"] for body in self.bodies]


class Gate(Receiver):
    """A webhook that answers when `opened` is set; `asked` can be acquired once per request."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Semaphore(0)
        self.opened = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.asked.release()
        await self.opened.wait()
        return response


def sandbox_with(receiver: httpx.AsyncBaseTransport | None, secret: str | None = SECRET) -> Sandbox:
    sandbox = Sandbox(clock=lambda: 100.0, webhook_transport=receiver)
    sandbox.webhook = Webhook(url=URL, secret=secret)
    return sandbox


def client_of(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=sandbox.transport(), base_url="http://127.0.0.1", headers=HEADERS)


async def hand_over(sandbox: Sandbox, user_name: str = "asha", team_name: str = "orders") -> None:
    """Bring a chat into a team's queue, and let it count down."""
    body = {"user_name": user_name, "business_id": 1201, "team_name": team_name}
    async with client_of(sandbox) as client:
        assert (await client.post(SEND, json=body)).json() == {"success": True}
    sandbox.advance(10)


async def whole_run(sandbox: Sandbox) -> None:
    """Hand over, claim, answer and complete."""
    await hand_over(sandbox)
    sandbox.claim("asha", 1201, agent="Priya")
    sandbox.answer("asha", 1201, "Hello")
    sandbox.complete("asha", 1201, reason="late", sub_reason="courier", comment="sorry")
