"""What belongs together in one worker of Rasa's server: made when it starts, closed when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from haptik_actions.channel._options import ChannelOptions
from haptik_actions.config import Settings
from haptik_actions.messages import MessageStore

if TYPE_CHECKING:
    from haptik_actions.channel._host import RasaHost

__all__ = ["Parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one worker, in its event loop.

    Attributes:
        options: The section of `credentials.yml`.
        settings: Connection to the platform and to Redis: the environment and `endpoints.yml`.
        messages: The copy for users.
        relay: Brings words from user to agent and back; None without Redis: then nothing is relayed.
        host: The relay's hands in Rasa: says things to users, writes into trackers, pauses and resumes.
        app: Sanic's application of Rasa.
    """

    options: ChannelOptions
    settings: Settings
    messages: MessageStore
    relay: Any
    host: RasaHost
    app: Any

    @property
    def agent(self) -> Any:
        """Rasa's agent. Ask anew each time: a new model replaces it. None until the first model is loaded."""
        return getattr(self.app.ctx, "agent", None)
