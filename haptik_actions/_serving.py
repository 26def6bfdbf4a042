"""An ASGI app on a port, of the loopback interface unless said otherwise. Needs uvicorn, of the extra `sandbox`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from haptik_actions._connections import ConnectionLimits, Connections
from haptik_actions._request_gate import QUEUE, RequestGate
from haptik_actions.errors import ConfigurationError

__all__ = ["free_port", "serve_app", "serve_at"]

_LOOPBACK = "127.0.0.1"
_GRACE_SECONDS = 1


def free_port() -> int:
    """Return a loopback port that was free a moment ago, for programs that cannot be handed a socket."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serve_app(
    app: Any,
    port: int = 0,
    *,
    host: str = _LOOPBACK,
    protocol: type[asyncio.Protocol] | None = None,
    proxy: str | None = None,
    limits: ConnectionLimits | None = None,
) -> AsyncIterator[str]:
    """Run `app` in the running loop and yield its base URL; port 0 takes a free one.

    `protocol` is the class that reads and writes HTTP on each connection, uvicorn's choice when None. `proxy` is the
    address of the reverse proxy whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; None believes nobody.
    `limits` is for connections; None waits for slow callers. Afterwards nothing is left: requests still in flight are
    ended after one second.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    with _listener(host, port) as listener:
        # Where nobody stands in front, the caller's address is that of the connection, whatever a header says.
        app = ProxyHeadersMiddleware(app, trusted_hosts=proxy) if proxy is not None else app
        async with _running(app, listener, protocol or AutoHTTPProtocol, limits):
            yield _address(host, listener.getsockname()[1])


@asynccontextmanager
async def serve_at(app: object, socket_path: str) -> AsyncIterator[None]:
    """Run `app` in the running loop at a Unix socket, which is made at that path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(socket_path)
        async with _running(app, listener, AutoHTTPProtocol, None):
            yield


@asynccontextmanager
async def _running(
    app: object, listener: socket.socket, protocol: type[asyncio.Protocol], limits: ConnectionLimits | None
) -> AsyncIterator[None]:
    door = None
    if limits is not None:
        connections = Connections(limits)
        app, protocol = connections.app(app), connections.protocol(protocol)
        door = RequestGate(listener, connections)
    server = _Server(_config(app, protocol), door)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.accepting(running)
        yield
    finally:
        await server.close_door()
        server.should_exit = True
        await running


@contextmanager
def _listener(host: str, port: int) -> Iterator[socket.socket]:
    # Bound here and handed over: the port is known and nobody can take it in between.
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        # With the protocol named: asyncio turns Nagle's algorithm off only then, and each answer would take 40 ms more.
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"{host} is no address of this machine ({error}). Use 127.0.0.1.") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address[0], port, *address[2:]))
        except (OSError, OverflowError) as error:
            what = f"Port {port} on {host} cannot be had ({error})"
            raise ConfigurationError(f"{what}. Use another port, or 0 for a free one.") from error
        yield listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _config(app: Any, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        backlog=QUEUE,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """uvicorn that tells when it accepts, and leaves the process's signals to the program it runs in.

    With a door it accepts nobody itself.
    """

    def __init__(self, config: uvicorn.Config, door: RequestGate | None) -> None:
        super().__init__(config)
        self._accepting = asyncio.Event()
        self._door = door
        self._opened = AsyncExitStack()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets if self._door is None else [])
        if self._door is not None:
            await self._opened.enter_async_context(self._door.open(self._protocol))
        self._accepting.set()

    async def close_door(self) -> None:
        """Let nobody in any more, and send away who waits at the door."""
        await self._opened.aclose()

    def _protocol(self) -> asyncio.Protocol:
        config: Any = self.config
        made: asyncio.Protocol = config.http_protocol_class(
            config=config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

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
