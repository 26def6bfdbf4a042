"""The sandbox behind httpx's transport interface, without a socket. Imported when it is used: it needs httpx."""

from __future__ import annotations

import httpx
from starlette.types import ASGIApp

from haptik_actions._deadline import DeadlinePassed, deadline

__all__ = ["InProcessTransport"]


class InProcessTransport(httpx.AsyncBaseTransport):
    """`httpx.ASGITransport`, where a broken connection and a time-out look like those of a real connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer `request`, or raise what httpx raises over a socket."""
        try:
            async with deadline(request.extensions.get("timeout", {}).get("read")):
                return await self._inner.handle_async_request(request)
        except ConnectionResetError as error:
            raise httpx.ReadError(str(error), request=request) from error
        except ConnectionAbortedError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        except DeadlinePassed as error:
            raise httpx.ReadTimeout("the sandbox did not answer in time", request=request) from error
