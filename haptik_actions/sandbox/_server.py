"""The sandbox on a port of the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from haptik_actions._serving import serve_app
from haptik_actions.sandbox._connection import Connections
from haptik_actions.sandbox._loopback import OwnNamesOnly
from haptik_actions.sandbox._sandbox import Sandbox

__all__ = ["serve"]


@asynccontextmanager
async def serve(sandbox: Sandbox, port: int = 0) -> AsyncIterator[str]:
    """Run the sandbox in the running loop and yield its base URL; port 0 takes a free one. Events go to the webhook.

    Afterwards nothing is left: requests still in flight are ended after one second. `ConfigurationError` where the port
    cannot be had.
    """
    connections = Connections()
    # Added here and not in the app, because without a socket tests call the sandbox by any name.
    app = connections.around(OwnNamesOnly(sandbox.app))
    async with serve_app(app, port, protocol=connections.protocol) as base_url:
        courier = asyncio.create_task(sandbox.keep_delivering_events())
        try:
            yield base_url
        finally:
            courier.cancel()
            with suppress(asyncio.CancelledError):
                await courier
