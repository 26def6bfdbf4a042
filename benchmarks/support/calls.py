"""Playing Rasa: recorded calls on the way to an action server, and what Rasa would make of the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp

from support.processes import ActionServer

RECORDED = Path(__file__).parents[2] / "tests" / "fixtures" / "rasa"
BUSINESS = 1201

# The `type_name` of every event class in rasa/shared/core/events.py of 3.6.21. One event of another name makes Rasa
# drop all of an answer.
RASA_EVENTS = {
    *("action", "action_execution_rejected", "active_loop", "agent", "bot", "cancel_reminder", "entities", "export"),
    *("followup", "form", "form_validation", "loop_interrupted", "pause", "reminder", "reset_slots", "restart"),
    *("resume", "rewind", "session_started", "slot", "undo", "user", "user_featurization"),
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: `status` is 0 where nothing did."""

    status: int
    seconds: float
    events: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)

    @property
    def receipt(self) -> str | None:
        """The state in the slot `haptik_handoff`."""
        values = [event.get("value") for event in self.events if event.get("name") == "haptik_handoff"]
        return values[-1]["state"] if values and values[-1] else None

    @property
    def promises_an_agent(self) -> bool:
        """Whether the user was told that an agent comes."""
        if self.receipt is None:
            return "pause" in self.kinds
        return self.receipt != "unavailable"

    @property
    def kinds(self) -> list[Any]:
        return [event.get("event") for event in self.events]


def is_silent(action: str, answer: Answer) -> bool:
    """Tell whether Rasa would show the user nothing, for this turn or from now on."""
    if answer.status != 200 or not RASA_EVENTS.issuperset(answer.kinds):
        return True
    says = any(_has_content(message) for message in answer.responses)
    if action == "action_default_fallback":
        # Rasa calls a fallback that neither takes the message back nor listens ten times, and is silent for ever then.
        return not says or not ({"rewind"} & {*answer.kinds} or _listens(answer.events))
    if action.startswith("validate_"):
        return not says and not _form_goes_on(answer.events)
    return not says


def _has_content(message: Mapping[str, Any]) -> bool:
    return any(message.get(name) for name in ("text", "response", "custom", "image", "attachment", "elements"))


def _listens(events: list[dict[str, Any]]) -> bool:
    return any(event.get("event") == "action" and event.get("name") == "action_listen" for event in events)


def _form_goes_on(events: list[dict[str, Any]]) -> bool:
    # A validation says nothing when all is well: the form then asks its next question, or is done.
    return not any(event["event"] in ("pause", "active_loop") for event in events)


@cache
def _recorded(name: str) -> str:
    return (RECORDED / f"action_call_{name}.json").read_text(encoding="utf-8")


def call_of(recorded: str, action: str, user: str, fault: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The body that Rasa would post: a recorded one, with another user, action and domain slot `haptik`."""
    text = _recorded(recorded)
    if "blocking_form" in action:
        text = text.replace("my_form" if action.startswith("validate_") else "ask_form", "blocking_form")
    call: dict[str, Any] = json.loads(text)
    tracker = call["tracker"]
    call["next_action"], call["sender_id"], tracker["sender_id"] = action, user, user
    tracker["slots"].update(haptik=dict(options), fault=fault, haptik_handoff=None)
    tracker["latest_message"]["metadata"] = {"user_name": user, "business_id": BUSINESS}
    return call


class Rasa:
    """Posts calls as Rasa does, and waits `patience` seconds for each answer."""

    def __init__(self, server: ActionServer, patience: float) -> None:
        self._server, self._patience = server, patience

    async def post_all(self, calls: list[dict[str, Any]], session: aiohttp.ClientSession | None = None) -> list[Answer]:
        """Post all calls at once, through `session` where there is one already."""
        if self._server.grpc:
            return await self._post_all_by_grpc(calls)
        if session is not None:
            return await asyncio.gather(*(self._post(session, call) for call in calls))
        connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=self._patience)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            return await asyncio.gather(*(self._post(session, call) for call in calls))

    async def _post(self, session: aiohttp.ClientSession, call: dict[str, Any]) -> Answer:
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with session.post(f"http://127.0.0.1:{self._server.port}/webhook", json=call) as reply:
                body = await reply.json() if reply.status == 200 else {}
                found = {name: body.get(name) or [] for name in ("events", "responses")}
                return Answer(status=reply.status, seconds=clock() - began, **found)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError):
            return Answer(status=0, seconds=clock() - began)

    async def _post_all_by_grpc(self, calls: list[dict[str, Any]]) -> list[Answer]:
        from google.protobuf.json_format import MessageToDict, ParseDict
        from grpc import RpcError, aio
        from rasa_sdk.grpc_py import action_webhook_pb2, action_webhook_pb2_grpc

        clock = asyncio.get_running_loop().time
        async with aio.insecure_channel(f"127.0.0.1:{self._server.port}") as channel:
            stub = action_webhook_pb2_grpc.ActionServiceStub(channel)

            async def post(call: dict[str, Any]) -> Answer:
                began = clock()
                request = ParseDict(call, action_webhook_pb2.WebhookRequest(), ignore_unknown_fields=True)
                try:
                    reply = MessageToDict(await stub.Webhook(request, timeout=self._patience))
                except RpcError:
                    return Answer(status=0, seconds=clock() - began)
                found = {name: reply.get(name) or [] for name in ("events", "responses")}
                return Answer(status=200, seconds=clock() - began, **found)

            return await asyncio.gather(*map(post, calls))
