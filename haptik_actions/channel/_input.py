"""The channel for `credentials.yml`: Haptik and Rasa meet here, in Rasa's own process.

Written for Rasa 3.6.21 and, as far as the wheels of rasa-pro up to 3.21 tell, for them: the same class serves both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.exceptions import InvalidConfigException
from sanic import Blueprint

from haptik_actions._log import get_logger
from haptik_actions.channel._keeper import ConversationKeeper
from haptik_actions.channel._options import ChannelOptions
from haptik_actions.channel._parts import Parts
from haptik_actions.channel._patches import install
from haptik_actions.channel._routes import routes
from haptik_actions.channel._worker import Worker
from haptik_actions.errors import ConfigurationError

__all__ = ["HaptikInput"]

logger = get_logger(__name__)

_Handler = Callable[[UserMessage], Awaitable[Any]]


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
    def from_credentials(cls, credentials: dict[str, Any] | None) -> HaptikInput:
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

    async def _start(self, app: Any, *_: Any) -> None:
        # Now a model is loaded, and with it every class that processes messages.
        install(self._keeper)
        worker = Worker(self._options)
        try:
            await worker.start(app)
        except Exception:
            logger.exception("The relay between users and agents cannot be started. The bot goes on without it.")
            return
        self._worker = worker

    async def _stop(self, *_: Any) -> None:
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
