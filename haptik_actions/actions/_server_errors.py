"""The action server's own HTTP 500, without the call: rasa-sdk would send the tracker back, and Rasa would log it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import rasa_sdk.endpoint
from sanic import response

__all__ = ["hide_calls_in_errors"]


def hide_calls_in_errors() -> None:
    """Make every server that rasa-sdk creates from now on answer an error of its own without the call's body."""
    rasa_sdk.endpoint.create_app = _discreet(rasa_sdk.endpoint.create_app)


def _discreet(create_app: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create_app)
    def create_discreet_app(*arguments: Any, **options: Any) -> Any:
        app = create_app(*arguments, **options)
        app.register_middleware(_without_call, "response")
        return app

    return create_discreet_app


async def _without_call(request: Any, answer: Any) -> Any:
    if answer.status != 500:
        return None
    # Not the exception's words either: they may quote the call.
    return response.json({"error": "The action server failed. Its log says why."}, status=500)
