"""The sandbox on a port of the loopback interface."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from haptik_actions._serving import serve_app
from haptik_actions.sandbox._sandbox import Sandbox

__all__ = ["serve"]


def serve(sandbox: Sandbox, port: int = 0) -> AbstractAsyncContextManager[str]:
    """Run the sandbox in the running loop and yield its base URL; port 0 takes a free one.

    Afterwards nothing is left: requests still in flight are ended after one second. `ConfigurationError` where the port
    cannot be had.
    """
    return serve_app(sandbox.app, port)
