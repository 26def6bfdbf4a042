"""The channel for `credentials.yml`: Haptik and Rasa meet here, in Rasa's own process.

Written for Rasa 3.6.21 and, as far as the wheels of rasa-pro up to 3.21 tell, for them: the same class serves both.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.exceptions import InvalidConfigException
from sanic import Blueprint

from haptik_actions.channel._options import ChannelOptions
from haptik_actions.channel._parts import Parts
from haptik_actions.errors import ConfigurationError

__all__ = ["HaptikInput"]

logger = logging.getLogger(__name__)

_Handler = Callable[[UserMessage], Awaitable[Any]]


class HaptikInput(InputChannel):
    """Brings agents' words to the users of all channels of this Rasa server, and their words to the agents.

    Named in `credentials.yml`; what can stand below it is said at `ChannelOptions`. Its addresses are below
    `/webhooks/haptik/`.
    """

    def __init__(self, options: ChannelOptions | None = None) -> None:
        self._options = options or ChannelOptions()
        self._parts: Parts | None = None

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
        """Return the routes, with what starts and stops the relay beside them. Rasa calls this once."""
        from haptik_actions.channel._routes import routes

        blueprint = Blueprint("haptik_webhook")
        routes(blueprint, self._running, on_new_message)
        return blueprint

    def _running(self) -> Parts:
        if self._parts is None:
            raise RuntimeError("the parts of a worker exist between its start and its end")
        return self._parts
