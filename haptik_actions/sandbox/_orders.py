"""Orders: JSON that is posted to the control plane, checked and carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox._agents import NoSuchAgent
from haptik_actions.sandbox._conversations import NoSuchChat

__all__ = ["Endpoint", "Order", "json_order"]

Endpoint = Callable[[Request], Awaitable[Response]]

_OrderT = TypeVar("_OrderT", bound="Order")


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """The base of all bodies. A key that is not a field is refused."""


def json_order(kind: type[_OrderT], carry_out: Callable[[_OrderT], Any]) -> Endpoint:
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
