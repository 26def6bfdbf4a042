"""Starts the process of the studio's pages, repeats its log, and replaces it when it ends or does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from haptik_actions._log import get_logger
from haptik_actions.errors import ConfigurationError
from haptik_actions.studio._front import Front
from haptik_actions.studio._order import Line, Order

__all__ = ["SOCKET", "pages_process"]

logger = get_logger(__name__)

SOCKET = "pages"
_START_SECONDS = 60.0
# An import of the largest file holds its event loop up for some seconds on a busy machine.
_SILENT_SECONDS = 60.0
_END_SECONDS = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_LONGEST_LINE = 1 << 20


@asynccontextmanager
async def pages_process(order: Order) -> AsyncIterator[Front]:
    """Run the pages in a process of their own and yield the app that leads to them. `order.path` is set here.

    Raises:
        ConfigurationError: the process did not come up; what it wrote says why.
    """
    folder = tempfile.mkdtemp(prefix="haptik-studio-")
    keeper = _Keeper(msgspec.structs.replace(order, path=str(Path(folder, SOCKET))))
    front = Front(keeper.path)
    try:
        await keeper.start()
        await front.warm_up()
        keeping = asyncio.create_task(keeper.keep())
        try:
            yield front
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])
    finally:
        await front.aclose()
        await keeper.end()
        shutil.rmtree(folder, ignore_errors=True)


class _Keeper:
    """Keeps one process of the pages."""

    def __init__(self, order: Order) -> None:
        self.path = order.path
        self._order = msgspec.json.encode(order) + b"\n"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it serves.

        Raises:
            ConfigurationError: it does not come up.
        """
        await self._begin()
        if not await self._serves():
            await self.end()
            raise ConfigurationError("The studio's pages did not start. The lines above say why.")

    async def keep(self) -> None:
        """Repeat what the process logs, and start another one whenever it has ended or is silent."""
        pause = _FIRST_PAUSE
        while True:
            await self._follow()
            code = await self.end()
            logger.error(
                "The process of the studio's pages ended (%s). Another one is started; Rasa's endpoint is not touched.",
                _how(code),
            )
            await asyncio.sleep(pause)
            await self._begin()
            pause = _FIRST_PAUSE if await self._serves() else min(2 * pause, _LONGEST_PAUSE)

    async def end(self) -> int | None:
        """End the process, which closes its pipe, and return its status; by force where it takes too long."""
        process, self._process = self._process, None
        if process is None:
            return None
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except (TimeoutError, asyncio.TimeoutError):
            _kill(process)
        return await process.wait()

    async def _begin(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "haptik_actions.studio._pages",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_environment(),
            limit=_LONGEST_LINE,
        )
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(self._order)
            await self._process.stdin.drain()

    async def _serves(self) -> bool:
        """Tell whether the process says that it serves, within a minute."""
        while (line := await self._line(_START_SECONDS)) is not None:
            if line.serving:
                return True
            _repeat(line)
        return False

    async def _follow(self) -> None:
        """Repeat lines until the process has ended, or has been silent for too long."""
        while (line := await self._line(_SILENT_SECONDS)) is not None:
            _repeat(line)

    async def _line(self, seconds: float) -> Line | None:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            data = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        except (TimeoutError, asyncio.TimeoutError):
            _kill(self._process)
            return None
        except ValueError:
            # Longer than a line of ours can be.
            return Line()
        if not data:
            return None
        try:
            return msgspec.json.decode(data, type=Line)
        except msgspec.DecodeError:
            # Something printed.
            return Line()


def _kill(process: asyncio.subprocess.Process) -> None:
    # Its own `kill` looks whether it has ended, and takes its status from asyncio, which would log that it is lost.
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _repeat(line: Line) -> None:
    """Give a record of the other process to this one's loggers, whose levels and handlers count."""
    if not line.logger:
        return
    target = get_logger(line.logger)
    if target.isEnabledFor(line.level):
        record = logging.LogRecord(line.logger, line.level, "", 0, line.words, None, None)
        record.args = tuple(line.arguments) if isinstance(line.arguments, list) else line.arguments
        record.exc_text = line.trace
        target.handle(record)


def _environment() -> dict[str, str]:
    """The environment, in which Python finds this very package, however it was found here."""
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _how(code: int | None) -> str:
    if code is None:
        return "it never began"
    return f"signal {-code}" if code < 0 else f"status {code}"
