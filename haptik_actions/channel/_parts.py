"""What belongs together in one worker of Rasa's server: made when it starts, closed when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from haptik_actions._log import get_logger
from haptik_actions.channel._options import ChannelOptions
from haptik_actions.channel._turns import LateWords
from haptik_actions.config import Settings
from haptik_actions.escalation import Engine
from haptik_actions.messages import MessageStore
from haptik_actions.relay import Relay, RelayStore

if TYPE_CHECKING:
    from haptik_actions.channel._outputs import Outputs

__all__ = ["Parts"]

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one worker, in its event loop.

    Attributes:
        options: The section of `credentials.yml`.
        settings: Connection to the platform and to Redis: the environment and `endpoints.yml`.
        engine: Hands chats over.
        messages: The copy for users.
        relay: Brings words from user to agent and back; None without Redis: then nothing is relayed.
        store: The relay's links; None without Redis.
        outputs: The ways to the users.
        late: What the bot said to users who could not be reached at that time, for all processes.
        app: Sanic's application of Rasa.
    """

    options: ChannelOptions
    settings: Settings
    engine: Engine
    messages: MessageStore
    relay: Relay | None
    store: RelayStore | None
    outputs: Outputs
    late: LateWords
    app: Any

    @property
    def agent(self) -> Any:
        """Rasa's agent. Ask anew each time: a new model replaces it. None until the first model is loaded."""
        return getattr(self.app.ctx, "agent", None)

    @property
    def business_id(self) -> int | None:
        """The business of chats whose metadata names none."""
        return self.options.business_id or self.settings.business_id
