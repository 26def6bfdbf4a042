"""What is added to rasa-sdk's HTTP server: a 500 without the call, and a delivery of the outbox from the start.

rasa-sdk's own 500 would send the tracker back, and Rasa would log it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import rasa_sdk.endpoint
from sanic import response

from haptik_actions.actions._runtime import current_runtime

__all__ = ["hide_calls_in_errors"]


def hide_calls_in_errors() -> None:
    """Make every server that rasa-sdk creates from now on answer an error of its own without the call's body."""
    rasa_sdk.endpoint.create_app = _discreet(rasa_sdk.endpoint.create_app)


def _discreet(create_app: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create_app)
    def create_discreet_app(*arguments: Any, **options: Any) -> Any:
        app = create_app(*arguments, **options)
        app.register_middleware(_without_call, "response")
        app.register_listener(_deliver_what_is_left, "after_server_start")
        return app

    return create_discreet_app


async def _deliver_what_is_left(app: Any, loop: Any) -> None:
    # A process that died may have left hand-offs in the outbox, and the first failure of this one may be hours away.
    current_runtime()


async def _without_call(request: Any, answer: Any) -> Any:
    if answer.status != 500:
        return None
    # Not the exception's words either: they may quote the call.
    return response.json({"error": "The action server failed. Its log says why."}, status=500)
