"""The base class for actions that call somebody else's system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions.actions._guard import guard, options_of
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.actions._server_hooks import start_with_server
from haptik_actions.escalation import HandOffOptions

__all__ = ["IntegrationAction"]

_OPTIONS = ("team", "countdown", "pause", "messages", "deadline", "retry", "idempotent", "breaker", "thread")


class IntegrationAction(Action, ABC):
    """An action whose failure hands the chat to an agent. Write `name` and `perform`; `run` is the guard.

    The class's options mean the same as those of `escalate_on_error`.

        class ActionCancelOrder(IntegrationAction):
            team = "orders"

            def name(self): return "action_cancel_order"

            async def perform(self, dispatcher, tracker, domain): ...
    """

    team: ClassVar[str | Sequence[str] | None] = None
    countdown: ClassVar[int | None] = None
    pause: ClassVar[bool | None] = None
    messages: ClassVar[Mapping[str, str] | None] = None
    deadline: ClassVar[float | None] = None
    retry: ClassVar[int | None] = None
    idempotent: ClassVar[bool | None] = None
    breaker: ClassVar[str | Mapping[str, Any] | None] = None
    thread: ClassVar[bool | None] = None

    _options: ClassVar[HandOffOptions] = HandOffOptions()

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Check the options of a new class.

        Raises:
            ConfigurationError: an option cannot work; names the class and the option.
        """
        super().__init_subclass__(**kwargs)
        start_with_server()
        cls._options = options_of({name: getattr(cls, name) for name in _OPTIONS}, cls.__qualname__)

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Call `perform`, guarded."""
        return await guard(self.perform, self.name(), self._options, dispatcher, tracker, domain)

    run.__haptik_guarded__ = True  # type: ignore[attr-defined]

    @abstractmethod
    async def perform(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Call the other system, utter what the user asked for, and return the events; raise where it fails."""
