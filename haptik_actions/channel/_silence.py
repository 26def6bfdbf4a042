"""A turn in which the bot says nothing: the user gets an agent, and reads that one comes.

Rasa Open Source answers with silence where an action fails that nobody guards, where a form cannot ask, and where a
conversation is stuck. Haptik makes a "bot break" of it, and moves the chat to the default team without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rasa.shared.core.events import BotUttered, ConversationPaused, SlotSet
from rasa.shared.core.trackers import EventVerbosity

from haptik_actions._log import get_logger
from haptik_actions.channel._integration import IntegrationRequest
from haptik_actions.channel._tracker_events import is_paused, listen
from haptik_actions.errors import RelayAway, SilentTurn
from haptik_actions.escalation import RECEIPT_SLOT, Conversation, Escalation, Failure, HandOffOptions
from haptik_actions.relay import HAPTIK_CHANNEL

if TYPE_CHECKING:
    from haptik_actions.channel._parts import Parts

__all__ = ["SilenceBreaker", "is_with_agent", "tracker_of"]

logger = get_logger(__name__)

_LISTEN = "action_listen"
_WAIT_SECONDS = 0.05
# One object: the reader of the slot remembers plans by it.
_IN_CODE = HandOffOptions()


class SilenceBreaker:
    """Hands chats over in which the bot fell silent."""

    def __init__(self, parts: Callable[[], Parts]) -> None:
        self._parts = parts

    async def told(self, request: IntegrationRequest) -> str:
        """Hand the chat over, note it in the conversation, and return what to tell the user.

        Where the conversation is paused an agent has it: nothing is handed over, and the result is empty.
        """
        parts = self._parts()
        tracker = await tracker_of(parts, request.sender_id)
        if (tracker is not None and is_paused(tracker)) or await is_with_agent(parts, request):
            return ""
        action, conversation = _last_action(tracker), _conversation(tracker, request)
        escalator = parts.engine.escalator
        plan = escalator.plan(action, _IN_CODE, conversation.slots.get("haptik"))
        escalation = await escalator.escalate(Failure(action=action, error=SilentTurn(action), plan=plan), conversation)
        try:
            await _note(parts, request.sender_id, escalation)
        except Exception as error:  # noqa: BLE001
            # The user is told all the same: Haptik has the chat, whatever the conversation says.
            logger.error("The hand-off could not be written into the conversation: %s.", type(error).__name__)
        return escalation.text


async def is_with_agent(parts: Parts, request: IntegrationRequest) -> bool:
    """Tell whether the relay keeps what this user writes from the bot, because an agent has the chat."""
    if parts.relay is None:
        return False
    try:
        return await parts.relay.holds(HAPTIK_CHANNEL, request.sender_id) is not None
    except RelayAway:
        return False


async def tracker_of(parts: Parts, sender_id: str) -> Any:
    """Return the conversation; None where there is none, or where nobody can say."""
    try:
        return await parts.agent.tracker_store.retrieve(sender_id)
    except Exception as error:  # noqa: BLE001
        logger.error("The conversation of a turn cannot be read: %s.", type(error).__name__)
        return None


def _conversation(tracker: Any, request: IntegrationRequest) -> Conversation:
    from haptik_actions.actions._tracker import conversation_of

    if tracker is None:
        # No model is loaded, or the tracker store is down. Haptik knows the user, and that is what it takes.
        return Conversation(sender_id=request.sender_id, channel=HAPTIK_CHANNEL, metadata=(request.metadata(),))
    from rasa_sdk import Tracker

    read = conversation_of(Tracker.from_dict(tracker.current_state(EventVerbosity.ALL)))
    # The turn itself may have been lost, and its message with it.
    return replace(read, channel=HAPTIK_CHANNEL, metadata=(request.metadata(), *read.metadata))


def _last_action(tracker: Any) -> str:
    """The name of the action that the bot fell silent in, for the domain's `actions` and the receipt."""
    for event in reversed(tracker.events if tracker is not None else ()):
        name = getattr(event, "action_name", None)
        if event.type_name == "user":
            break
        if name and name != _LISTEN:
            return str(name)
    return _LISTEN


async def _note(parts: Parts, sender_id: str, escalation: Escalation) -> None:
    agent = parts.agent
    async with agent.lock_store.lock(sender_id, wait_time_in_seconds=_WAIT_SECONDS):
        tracker = await agent.processor.get_tracker(sender_id)
        if not tracker.events:
            # A conversation that begins with these events would have no session.
            return
        events: list[Any] = [BotUttered(escalation.text)]
        if escalation.receipt is not None and RECEIPT_SLOT in tracker.slots:
            events.append(SlotSet(RECEIPT_SLOT, escalation.receipt.to_slot()))
        events += listen(tracker)
        if escalation.pause:
            events.append(ConversationPaused())
        for event in events:
            tracker.update(event, agent.domain)
        await agent.processor.save_tracker(tracker)
