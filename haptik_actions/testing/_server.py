"""The sandbox on a real port, in a thread of its own, so that tests without an event loop can use it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from haptik_actions.config import ENVIRONMENT
from haptik_actions.testing._actions import settings_for

if TYPE_CHECKING:
    from haptik_actions.sandbox import Sandbox

__all__ = ["SandboxServer", "serve_in_thread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxServer:
    """A sandbox that serves: `url` is its base URL, `http://127.0.0.1:<port>`; `sandbox` is what to look into."""

    url: str
    sandbox: Sandbox

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which another process, an action server for example, calls this sandbox."""
        settings = settings_for(self.sandbox, base_url=self.url)
        values = {variable: getattr(settings, name) for name, variable in ENVIRONMENT.items()}
        return {variable: str(value) for variable, value in values.items() if value is not None}


@contextmanager
def serve_in_thread(sandbox: Sandbox, port: int = 0) -> Iterator[SandboxServer]:
    """Serve the sandbox on a loopback port, a free one when `port` is 0, until the block ends.

    Raises:
        ConfigurationError: the port cannot be had.
    """
    started: Future[tuple[str, Callable[[], object]]] = Future()
    thread = Thread(target=_run, args=(sandbox, port, started), name="haptik-sandbox", daemon=True)
    thread.start()
    try:
        url, stop = started.result()
        try:
            yield SandboxServer(url=url, sandbox=sandbox)
        finally:
            stop()
    finally:
        thread.join()


def _run(sandbox: Sandbox, port: int, started: Future[tuple[str, Callable[[], object]]]) -> None:
    try:
        asyncio.run(_serve(sandbox, port, started))
    except Exception as error:
        if started.done():
            raise
        started.set_exception(error)


async def _serve(sandbox: Sandbox, port: int, started: Future[tuple[str, Callable[[], object]]]) -> None:
    from haptik_actions.sandbox import serve

    loop, over = asyncio.get_running_loop(), asyncio.Event()
    async with serve(sandbox, port) as url:
        started.set_result((url, partial(loop.call_soon_threadsafe, over.set)))
        await over.wait()
