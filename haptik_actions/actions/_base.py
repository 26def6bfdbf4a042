"""The base class for actions that call somebody else's system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._guard import Events, guard, options_of
from haptik_actions.escalation import HandOffOptions

__all__ = ["IntegrationAction"]


class IntegrationAction(Action, ABC):
    """An action whose failure hands the chat to an agent. Write `name` and `perform`; `run` is the guard.

    `team`, `countdown`, `pause` and `messages` mean the same as those of `escalate_on_error`.

        class ActionCancelOrder(IntegrationAction):
            team = "orders"

            def name(self): return "action_cancel_order"

            async def perform(self, dispatcher, tracker, domain): ...
    """

    team: ClassVar[str | None] = None
    countdown: ClassVar[int | None] = None
    pause: ClassVar[bool | None] = None
    messages: ClassVar[Mapping[str, str] | None] = None

    _options: ClassVar[HandOffOptions] = HandOffOptions()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Check the options of a new class.

        Raises:
            ConfigurationError: an option cannot work; names the class and the option.
        """
        super().__init_subclass__(**kwargs)
        names = ("team", "countdown", "pause", "messages")
        cls._options = options_of({name: getattr(cls, name) for name in names}, cls.__qualname__)

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Call `perform`, guarded."""
        return await guard(self.perform, self, self._options, dispatcher, tracker, domain)

    @abstractmethod
    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        """Call the other system, utter what the user asked for, and return the events; raise where it fails."""
