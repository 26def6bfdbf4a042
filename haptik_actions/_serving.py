"""An ASGI app on a loopback port: for the sandbox and for the demo. Needs the extra `sandbox` (uvicorn)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from haptik_actions.errors import ConfigurationError

__all__ = ["free_port", "serve_app"]

_LOOPBACK = "127.0.0.1"
_GRACE_SECONDS = 1


def free_port() -> int:
    """Return a loopback port that was free a moment ago, for programs that cannot be handed a socket."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serve_app(app: Any, port: int = 0, *, protocol: type[asyncio.Protocol] | None = None) -> AsyncIterator[str]:
    """Run `app` in the running loop and yield its base URL; port 0 takes a free one.

    `protocol` is the class that reads and writes HTTP on each connection, uvicorn's choice when None.
    Afterwards nothing is left: requests still in flight are ended after one second.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    with _listener(port) as listener:
        server = _Server(_config(app, protocol))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await server.accepting(running)
            yield f"http://{_LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    # Bound here and handed over: the port is known and nobody can take it in between.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LOOPBACK, port))
        except (OSError, OverflowError) as error:
            what = f"Port {port} on {_LOOPBACK} cannot be had ({error})"
            raise ConfigurationError(f"{what}. Use another port, or 0 for a free one.") from error
        yield listener


def _config(app: Any, protocol: type[asyncio.Protocol] | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol or "auto",
        # Nobody stands in front: the caller's address is that of the connection, whatever a header says.
        proxy_headers=False,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn that tells when it accepts, and leaves the process's signals to the program it runs in."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._accepting.set()

    async def accepting(self, running: asyncio.Task[None]) -> None:
        """Wait for the first moment that a connection can be made, or raise what `running` failed with."""
        started = asyncio.create_task(self._accepting.wait())
        await asyncio.wait({started, running}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if running.done():
            running.result()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def install_signal_handlers(self) -> None:
        """Do nothing; uvicorn up to 0.28 asks here, later ones in `capture_signals`."""
