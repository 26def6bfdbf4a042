"""The channel for `credentials.yml`: Haptik and Rasa meet here, in Rasa's own process.

Written for Rasa 3.6.21 and, as far as the wheels of rasa-pro up to 3.21 tell, for them: the same class serves both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.exceptions import InvalidConfigException
from redis.asyncio import Redis
from sanic import Blueprint

from haptik_actions._from_outside import JsonObject
from haptik_actions._log import get_logger
from haptik_actions._redis import check_url, connect, disconnect
from haptik_actions.channel._keeper import ConversationKeeper
from haptik_actions.channel._options import ChannelOptions, read_settings
from haptik_actions.channel._outputs import Outputs
from haptik_actions.channel._parts import Parts
from haptik_actions.channel._patches import install
from haptik_actions.channel._rasa_host import RasaHost
from haptik_actions.channel._routes import routes
from haptik_actions.channel._turns import LateWords, MemoryLateWords, RedisLateWords
from haptik_actions.client import HaptikClient
from haptik_actions.config import Settings
from haptik_actions.errors import ConfigurationError
from haptik_actions.escalation import Engine
from haptik_actions.relay import Relay

__all__ = ["HaptikInput", "Worker"]

logger = get_logger(__name__)

_Handler = Callable[[UserMessage], Awaitable[Any]]
_REDIS_SECONDS = 0.5


class HaptikInput(InputChannel):
    """Brings agents' words to the users of all channels of this Rasa server, and their words to the agents.

    Named in `credentials.yml`; what can stand below it is said at `ChannelOptions`. Its addresses are below
    `/webhooks/haptik/`.
    """

    def __init__(self, options: ChannelOptions | None = None) -> None:
        self._options = options or ChannelOptions()
        self._worker: Worker | None = None
        self._keeper = ConversationKeeper(self._parts)

    @classmethod
    def name(cls) -> str:
        """Return the name of the channel, which is also its path."""
        return "haptik"

    @classmethod
    def from_credentials(cls, credentials: JsonObject | None) -> HaptikInput:
        """Make the channel of its section in `credentials.yml`.

        Raises:
            InvalidConfigException: the section cannot work; Rasa prints why and does not start.
        """
        try:
            # Rasa reports an ImportError or AttributeError from in here as a class that it does not find.
            return cls(ChannelOptions.from_credentials(credentials))
        except ConfigurationError as error:
            raise InvalidConfigException(str(error)) from error
        except (AttributeError, ImportError):
            logger.exception("This is why HaptikInput cannot be made; Rasa will say that it does not find the class.")
            raise

    def blueprint(self, on_new_message: _Handler) -> Blueprint:
        """Return the routes, with what starts and stops the relay beside them.

        Rasa calls this once, before it forks its workers. From here on Rasa asks this channel who gets a message.
        """
        _say_what_is_missing(self._options)
        install(self._keeper)
        blueprint = Blueprint("haptik_webhook")
        routes(blueprint, self._running, on_new_message)
        blueprint.listener("after_server_start")(self._start)
        blueprint.listener("before_server_stop")(self._stop)
        return blueprint

    async def _start(self, app: object, *_: object) -> None:
        # Now a model is loaded, and with it every class that processes messages.
        install(self._keeper)
        worker = Worker(self._options)
        try:
            await worker.start(app)
        except Exception:
            logger.exception("The relay between users and agents cannot be started. The bot goes on without it.")
            return
        self._worker = worker

    async def _stop(self, *_: object) -> None:
        if self._worker is not None:
            await self._worker.stop()

    def _parts(self) -> Parts | None:
        return None if self._worker is None else self._worker.parts

    def _running(self) -> Parts:
        parts = self._parts()
        if parts is None:
            raise RuntimeError("the parts of a worker exist between its start and its end")
        return parts


def _say_what_is_missing(options: ChannelOptions) -> None:
    if options.webhook_secret is None:
        logger.warning("No `webhook_secret` for HaptikInput: no agent's words arrive here. Set it in credentials.yml.")
    if options.secret is None and options.unsigned:
        logger.warning("HaptikInput takes integration requests without a signature: anybody can write to the bot.")


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
