"""The addresses below `/webhooks/haptik/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json

from haptik_actions.channel._parts import Parts

__all__ = ["routes"]


def routes(blueprint: Blueprint, parts: Callable[[], Parts], on_new_message: Callable[[Any], Awaitable[Any]]) -> None:
    """Add the handlers to `blueprint`.

    `parts` gives the parts of the worker that answers; it may be called only while a request is handled.
    `on_new_message` takes a `UserMessage` through Rasa, as for every other channel.
    """

    async def health(_: Request) -> HTTPResponse:
        return json({"status": "ok"})

    blueprint.add_route(health, "/", methods=["GET"])
