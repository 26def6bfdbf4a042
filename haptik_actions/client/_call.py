"""One call as a value: what is sent, whether anything of it has left, and whether it may be sent again."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import msgspec

from haptik_actions.errors import (
    ApiError,
    HaptikError,
    RateLimited,
    TransportError,
)

__all__ = ["Call", "Sent", "encode_form", "may_repeat"]

_PASSING_STATUS = frozenset({429, 502, 503, 504})


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its signature. `repeatable` says that doing it twice does no harm."""

    method: str
    endpoint: str
    query: str = ""
    body: bytes = b""
    content_type: str = "application/json"
    repeatable: bool = True


class Sent(msgspec.Struct):
    """`begun` is False until a request of the call begins to leave; from then on the platform may have it.

    It travels with the request, and outlives what breaks that off.
    """

    begun: bool = False


def encode_form(
    fields: Mapping[str, str | int], *, field: str, name: str, content: bytes, content_type: str
) -> tuple[bytes, str]:
    """Return a form as httpx writes it (`multipart/form-data`), and its content type.

    It has `fields`, and under the name `field` a file called `name`.
    """
    form = httpx.Request("POST", "https://form.example", data=fields, files={field: (name, content, content_type)})
    return form.read(), form.headers["content-type"]


def may_repeat(call: Call, error: HaptikError, *, sent: bool) -> bool:
    """Tell whether repeating `call` after `error` can help and does no harm.

    It can help after connection failures, time-outs, 429, 502, 503 and 504. A call that is not repeatable is repeated
    only where nothing of it was `sent`.
    """
    if isinstance(error, TransportError):
        return call.repeatable or not sent
    if isinstance(error, RateLimited):
        return call.repeatable
    return call.repeatable and isinstance(error, ApiError) and error.status in _PASSING_STATUS
