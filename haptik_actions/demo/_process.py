"""A server in a process of its own: started, waited for, and ended with all that it has started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from haptik_actions.errors import ConfigurationError

__all__ = ["running"]

_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_END_OF_LOG = 2_000


@asynccontextmanager
async def running(
    what: str, command: Sequence[str], ready: str, folder: Path, env: Mapping[str, str], log: Path, *, seconds: float
) -> AsyncIterator[None]:
    """Run `command` in `folder` for as long as the block lasts; begin when the URL `ready` answers 200.

    Raises:
        ConfigurationError: it did not within `seconds`; quotes the end of its log.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # The server has a process group of its own: Ctrl-C does not reach it, and its workers are ended with it.
            start_new_session=True,
        )
    try:
        if not await _answers(ready, process, seconds):
            raise ConfigurationError(f"{what} did not start. The end of its log:\n{_end_of(log)}")
        yield
    finally:
        await _end(process)


def _end_of(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-_END_OF_LOG:]


async def _answers(url: str, process: asyncio.subprocess.Process, seconds: float) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(int(seconds / _LOOK_SECONDS)):
            try:
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return True
            except httpx.TransportError:
                pass
            if process.returncode is not None:
                break
            await asyncio.sleep(_LOOK_SECONDS)
    return False


async def _end(process: asyncio.subprocess.Process) -> None:
    # The first signal asks the group to end. The second kills what has not ended.
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
