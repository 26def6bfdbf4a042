"""Makes the parts of one worker of Rasa's server, and takes them apart."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis

from haptik_actions._log import get_logger
from haptik_actions._redis import check_url, connect, disconnect
from haptik_actions.channel._host import RasaHost
from haptik_actions.channel._late_words import LateWords, MemoryLateWords, RedisLateWords
from haptik_actions.channel._options import ChannelOptions
from haptik_actions.channel._outputs import Outputs
from haptik_actions.channel._parts import Parts
from haptik_actions.channel._settings import read_settings
from haptik_actions.client import HaptikClient
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import Engine
from haptik_actions.relay import Relay

__all__ = ["Worker"]

logger = get_logger(__name__)

_REDIS_SECONDS = 0.5


class Worker:
    """One worker: its parts between `start` and `stop`."""

    def __init__(self, options: ChannelOptions) -> None:
        self._options = options
        self._redis: Redis | None = None
        self.parts: Parts | None = None

    async def start(self, app: Any) -> None:
        """Make the parts in the running loop, and start the relay.

        Raises:
            ConfigurationError: a setting cannot work.
        """
        settings = await asyncio.to_thread(read_settings)
        check_url(settings.redis_url)
        engine = Engine(load_settings=read_settings)
        host = RasaHost(self._running)
        self.parts = Parts(
            options=self._options,
            settings=settings,
            engine=engine,
            messages=engine.messages(),
            relay=self._relay(engine, host),
            store=engine.links(),
            host=host,
            outputs=Outputs(app),
            late=self._late(settings),
            app=app,
        )
        if self.parts.relay is not None:
            engine.start()
            self.parts.relay.start()

    async def stop(self) -> None:
        """Let the relay finish what is under way, and close the connections."""
        parts = self.parts
        if parts is None:
            return
        if parts.relay is not None:
            await parts.relay.aclose()
        self.parts = None
        await parts.engine.aclose()
        if self._redis is not None:
            await disconnect(self._redis)

    def _late(self, settings: Settings) -> LateWords:
        if not settings.redis_url:
            return MemoryLateWords()
        self._redis = connect(settings.redis_url, seconds=_REDIS_SECONDS)
        return RedisLateWords(self._redis)

    def _running(self) -> Parts:
        if self.parts is None:
            raise RuntimeError("the parts of a worker exist between its start and its end")
        return self.parts

    def _relay(self, engine: Engine, host: RasaHost) -> Relay | None:
        store = engine.links()
        if store is None:
            logger.warning("REDIS_URL is not set: no agent's words reach users, and no user's words reach an agent.")
            return None
        options = self._options
        return Relay(
            store,
            _client(engine),
            engine.messages(),
            host,
            secret=options.webhook_secret,
            hold_back=options.hold_back,
        )


def _client(engine: Engine) -> HaptikClient | None:
    try:
        return engine.client()
    except ConfigurationError as error:
        logger.error("What users write does not reach agents from this process: %s", error)
        return None
