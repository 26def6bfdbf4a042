"""Makes the parts of one worker of Rasa's server, and takes them apart."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any

from haptik_actions._redis import connect
from haptik_actions.channel._host import RasaHost
from haptik_actions.channel._late import LateAnswers
from haptik_actions.channel._options import ChannelOptions
from haptik_actions.channel._outputs import Outputs
from haptik_actions.channel._parts import Parts
from haptik_actions.client import HaptikClient, PlatformServer
from haptik_actions.config import Settings
from haptik_actions.credentials import Credentials
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import RedisOutbox, ResilientOutbox
from haptik_actions.messages import PACKAGED_LOCALE, MessageStore
from haptik_actions.relay import Relay, RelayStore

__all__ = ["Worker"]

logger = logging.getLogger(__name__)

_REDIS_SECONDS = 1.0
_ENDPOINTS = "endpoints.yml"


class Worker:
    """One worker: its parts between `start` and `stop`."""

    def __init__(self, options: ChannelOptions) -> None:
        self._options = options
        self._client: HaptikClient | None = None
        self.parts: Parts | None = None

    async def start(self, app: Any) -> None:
        """Make the parts in the running loop, and start the relay. What cannot work is logged: Rasa goes on without."""
        settings = await asyncio.to_thread(_settings)
        messages = MessageStore.from_url(
            settings.redis_url, snapshot=settings.messages_snapshot, locale=settings.locale or PACKAGED_LOCALE
        )
        messages.start()
        host = RasaHost(self._running)
        store = RelayStore.from_url(settings.redis_url) if settings.redis_url else None
        self.parts = Parts(
            options=self._options,
            settings=settings,
            messages=messages,
            relay=None if store is None else self._relay(settings, store, messages, host),
            store=store,
            outbox=_outbox(settings),
            host=host,
            outputs=Outputs(app),
            late=LateAnswers(),
            app=app,
        )
        if self.parts.relay is not None:
            self.parts.relay.start()

    async def stop(self) -> None:
        """Let the relay finish what is under way, and close the connections."""
        parts = self.parts
        if parts is None:
            return
        if parts.relay is not None:
            await parts.relay.aclose()
        self.parts = None
        for part in (self._client, parts.store, parts.outbox, parts.messages):
            if part is not None:
                await part.aclose()

    def _running(self) -> Parts:
        if self.parts is None:
            raise RuntimeError("the parts of a worker exist between its start and its end")
        return self.parts

    def _relay(self, settings: Settings, store: RelayStore, messages: MessageStore, host: RasaHost) -> Relay:
        try:
            self._client = _client(settings)
        except ConfigurationError as error:
            logger.error("What users write does not reach agents from this process: %s", error)
        options = self._options
        return Relay(store, self._client, messages, host, secret=options.webhook_secret, hold_back=options.hold_back)


class _SettingsCredentials:
    """Reads the settings anew each time, so that a rejected token can be replaced in `endpoints.yml`."""

    async def get(self) -> Credentials:
        settings = await asyncio.to_thread(_settings)
        return Credentials(client_id=settings.require("client_id"), token=settings.require("token"))


def _client(settings: Settings) -> HaptikClient:
    messenger = PlatformServer.messenger(settings.messenger_url) if settings.messenger_url else None
    server = PlatformServer(settings.require("base_url"))
    return HaptikClient(server, _SettingsCredentials(), messenger=messenger, receiver=settings.receiver)


def _outbox(settings: Settings) -> ResilientOutbox | None:
    if not settings.redis_url:
        logger.warning("REDIS_URL is not set: no agent's words reach users, and no user's words reach an agent.")
        return None
    return ResilientOutbox(RedisOutbox(connect(settings.redis_url, seconds=_REDIS_SECONDS)))


def _settings() -> Settings:
    return Settings.load(endpoints=_endpoints(sys.argv), tolerant=True)


def _endpoints(words: list[str]) -> str:
    """Return the file that `rasa run --endpoints` names, the environment's, or the one in the working directory."""
    named = os.environ.get("HAPTIK_ENDPOINTS")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if named is None and word == "--endpoints" and following:
            named = following
        elif named is None and word.startswith("--endpoints="):
            named = word.partition("=")[2]
    return named or _ENDPOINTS
