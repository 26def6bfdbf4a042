"""One call as a value: what is sent, and whether it may be sent again."""

from __future__ import annotations

import msgspec

from haptik_actions.errors import (
    ApiError,
    HaptikError,
    RateLimited,
    TransportError,
)

__all__ = ["Call", "may_repeat"]

_PASSING_STATUS = frozenset({429, 502, 503, 504})


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request without its signature. `repeatable` says that doing it twice does no harm."""

    method: str
    endpoint: str
    query: str = ""
    body: bytes = b""
    content_type: str = "application/json"
    repeatable: bool = True


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
