"""A real Rasa in the stand-in's place, and servers in processes of their own."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from haptik_actions._serving import free_port
from haptik_actions.demo._stand_in import Phone
from haptik_actions.demo._strip import Strip
from haptik_actions.errors import ConfigurationError

__all__ = ["RealRasa", "run_rasa", "running"]

_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_END_OF_OUTPUT = 2_000


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
    return log.read_text(encoding="utf-8", errors="replace")[-_END_OF_OUTPUT:]


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


_START_SECONDS = 180.0
_TRAINING_SECONDS = 600.0
_TURN_SECONDS = 60.0
_END_OF_LOG = 2_000


class RealRasa:
    """Plays the user of a Rasa server: posts what they write to its callback channel, and shows what that answers."""

    def __init__(self, url: str, phone: Phone, strip: Strip) -> None:
        self.url, self._phone, self._strip = url, phone, strip
        self._sender = f"visitor-{secrets.token_hex(4)}"

    async def user_writes(self, text: str) -> None:
        """Post what the user wrote to Rasa, which answers on the callback channel."""
        self._phone.wrote(text)
        self._strip.note("user", "Rasa", self._phone.bubbles[-1].text)
        async with httpx.AsyncClient(trust_env=False, timeout=_TURN_SECONDS) as client:
            body = {"sender": self._sender, "message": text}
            (await client.post(f"{self.url}/webhooks/callback/webhook", json=body)).raise_for_status()

    def arrived(self, message: Mapping[str, object]) -> None:
        """Show what Rasa's callback channel has posted."""
        self._phone.read(message)
        self._strip.note("Rasa", "user", self._phone.bubbles[-1].text)


@asynccontextmanager
async def run_rasa(
    python: str, project: Path, folder: Path, environ: Mapping[str, str], *, actions_url: str, bot_url: str, secret: str
) -> AsyncIterator[str]:
    """Train the bot in `project` inside `folder`, run it, and yield its base URL.

    Args:
        python: The interpreter of an environment with Rasa 3.6.21 and this library.
        environ: The settings of haptik-actions.
        bot_url: Where Rasa's callback channel posts what the bot says.
        secret: The secret of the platform's webhook, which is at `/webhooks/haptik/events`.

    Raises:
        ConfigurationError: Rasa cannot train or run; quotes the end of what it said.
    """
    bot = folder / "bot"
    shutil.copytree(project, bot, ignore=shutil.ignore_patterns("models", ".rasa", "__pycache__"))
    credentials = f"callback:\n  url: {bot_url}\nhaptik_actions.channel.HaptikInput:\n  webhook_secret: {secret}\n"
    (bot / "credentials.yml").write_text(credentials, encoding="utf-8")
    (bot / "endpoints.yml").write_text(f"action_endpoint:\n  url: {actions_url}/webhook\n", encoding="utf-8")
    env = {**os.environ, **environ, "RASA_TELEMETRY_ENABLED": "false", "PYTHONUNBUFFERED": "1"}
    await _train(python, bot, env)
    port = free_port()
    command = [python, "-m", "rasa", "run", "--interface", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    ready = f"{url}/webhooks/haptik/"
    async with running("Rasa", command, ready, bot, env, folder / "rasa.log", seconds=_START_SECONDS):
        yield url


async def _train(python: str, bot: Path, env: Mapping[str, str]) -> None:
    command = [python, "-m", "rasa", "train", "--domain", "domain", "--fixed-model-name", "bot"]
    try:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=bot, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise ConfigurationError(
            f"{python} cannot be run ({error.strerror}). Name a Python with Rasa 3.6.21."
        ) from error
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _TRAINING_SECONDS)
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        end = said.decode(errors="replace")[-_END_OF_LOG:]
        raise ConfigurationError(f"Rasa could not train the example bot. The end of what it said:\n{end}")
