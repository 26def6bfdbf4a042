"""The process of the studio's pages: `python -m haptik_actions.studio._pages`, started by `pages_process`.

It reads one line of JSON, the order, and serves until that pipe closes, as it does when its parent ends in any way. It
writes lines of JSON: that it serves, that it lives, and what it logs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from typing import Any

import msgspec

from haptik_actions._log import get_logger
from haptik_actions._redis import connect
from haptik_actions._serving import serve_at
from haptik_actions.config import Settings
from haptik_actions.messages import Catalogue
from haptik_actions.studio._front import behind_front
from haptik_actions.studio._order import REDIS_SECONDS, Line, Order
from haptik_actions.studio._studio import Studio

__all__ = ["main"]

# Of memory: 100,000 messages are a tenth of it, and what needs more ends this process alone.
_MOST_BYTES = 2 * 1024**3
_ALIVE_SECONDS = 1.0
_NICENESS = 10


class _ToParent(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        given: Any = record.args
        arguments = list(given) if isinstance(given, tuple) else given or None
        words = Line(
            logger=record.name,
            level=record.levelno,
            words=str(record.msg),
            arguments=arguments,
            trace=record.exc_text,
        )
        _write(words)


_writing = threading.Lock()


def _write(line: Line) -> None:
    data = msgspec.json.encode(line, enc_hook=str) + b"\n"
    # The parent is gone where this fails, and then so is this process in a moment.
    with _writing, contextlib.suppress(OSError):
        while data:
            data = data[os.write(sys.stdout.fileno(), data) :]


def main() -> None:
    """Serve as the order on stdin says."""
    # Ctrl-C reaches both processes; the parent ends this one when it has let its callers go.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _hold_back()
    logging.basicConfig(handlers=[_ToParent()], level=logging.WARNING)
    # What is wanted of the library's own lines is decided in the parent.
    get_logger("haptik_actions").setLevel(1)
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    asyncio.run(_serve(order))


def _hold_back() -> None:
    """Leave the processor to Rasa's endpoint first, and the memory to everybody else."""
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    with contextlib.suppress(OSError, ValueError, ImportError):
        import resource

        # Not the address space, of which threads reserve far more than they use.
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = _MOST_BYTES if hard == resource.RLIM_INFINITY else min(_MOST_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


async def _serve(order: Order) -> None:
    redis = connect(Settings(**order.settings).require("redis_url"), seconds=REDIS_SECONDS)
    catalogue = Catalogue(redis, defaults=order.defaults, locale=order.locale, channels=order.channels)
    studio = Studio(redis, catalogue, must_sign_in=order.must_sign_in, has_proxy=order.has_proxy)
    try:
        async with serve_at(behind_front(studio.app), order.path):
            catalogue.start()
            _write(Line(serving=True))
            await _until_parent_ends()
    finally:
        await catalogue.aclose()


async def _until_parent_ends() -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.ensure_future(reader.read())
    while not ended.done():
        await asyncio.wait([ended], timeout=_ALIVE_SECONDS)
        _write(Line())


if __name__ == "__main__":
    main()
