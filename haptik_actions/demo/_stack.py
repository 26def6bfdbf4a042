"""Everything that the demo runs, on loopback and free ports, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from haptik_actions._serving import free_port, serve_app
from haptik_actions.demo._orders import OrdersService
from haptik_actions.demo._valkey import message_store
from haptik_actions.errors import ConfigurationError
from haptik_actions.sandbox import Sandbox

__all__ = ["Stack", "example_project", "start_stack"]

_START_SECONDS = 60.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What runs: the parts that can be told something, and the addresses of all."""

    sandbox: Sandbox
    orders: OrdersService
    sandbox_url: str
    orders_url: str
    action_server_url: str
    redis_url: str


def example_project() -> Path:
    """Return the folder of the example bot: inside an installed package, or beside it in a checkout.

    Raises:
        ConfigurationError: there is none, which a broken installation would explain.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "rasa_project", package.parents[1] / "examples" / "rasa_project"):
        if (place / "actions").is_dir():
            return place
    raise ConfigurationError("The example bot is missing. Install haptik-actions again.")


@asynccontextmanager
async def start_stack() -> AsyncIterator[Stack]:
    """Start everything, yield it, and leave nothing running.

    Raises:
        ConfigurationError: a part cannot be started; names it and quotes the end of its log.
    """
    async with AsyncExitStack() as parts:
        temporary = tempfile.TemporaryDirectory(prefix="haptik-demo-", ignore_cleanup_errors=True)
        folder = Path(parts.enter_context(temporary))
        sandbox, orders = Sandbox(), OrdersService()
        sandbox_url = await parts.enter_async_context(serve_app(sandbox.app))
        orders_url = await parts.enter_async_context(serve_app(orders.app))
        redis_url = await parts.enter_async_context(message_store(folder))
        environ = {
            "HAPTIK_BASE_URL": sandbox_url,
            "HAPTIK_CLIENT_ID": "demo-client",
            "HAPTIK_TOKEN": "demo-token",
            "REDIS_URL": redis_url,
            "ORDERS_URL": orders_url,
        }
        action_server_url = await parts.enter_async_context(_action_server(environ, folder / "action_server.log"))
        yield Stack(
            sandbox=sandbox,
            orders=orders,
            sandbox_url=sandbox_url,
            orders_url=orders_url,
            action_server_url=action_server_url,
            redis_url=redis_url,
        )


@asynccontextmanager
async def _action_server(environ: Mapping[str, str], log: Path) -> AsyncIterator[str]:
    port = free_port()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "rasa_sdk", "--actions", "actions", "--port", str(port)),
            cwd=example_project(),
            env={**os.environ, **environ, "SANIC_HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A group of its own: Ctrl-C reaches the demo alone, and the workers that rasa-sdk starts end with it.
            start_new_session=True,
        )
    try:
        await _healthy(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        await _end(process)


async def _healthy(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(int(_START_SECONDS / 0.1)):
            try:
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            if process.returncode is not None:
                break
            await asyncio.sleep(0.1)
    raise ConfigurationError(f"The action server did not start. The end of its log:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


async def _end(process: asyncio.subprocess.Process) -> None:
    # The first signal asks, the second one ends what did not listen.
    for request, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, request)
        except ProcessLookupError:
            break
        try:
            await asyncio.wait_for(process.wait(), seconds)
        except asyncio.TimeoutError:
            continue
    await process.wait()
