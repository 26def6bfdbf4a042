"""`action_default_fallback` in two stages. A module of its own, as importing an action registers it."""

from __future__ import annotations

from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from haptik_actions._log import get_logger
from haptik_actions.actions._failure import FALLBACK, taken_back
from haptik_actions.actions._guard import haptik_slot
from haptik_actions.actions._readable import Domain, Events
from haptik_actions.actions._ready_fallback import ActionHaptikDefaultFallback
from haptik_actions.actions._runtime import current_runtime
from haptik_actions.actions._tracker import language_of, say
from haptik_actions.escalation import HandOffOptions
from haptik_actions.messages import packaged_copy

__all__ = ["ActionHaptikTwoStageFallback"]

logger = get_logger(__name__)

_REPHRASE = "haptik_fallback_rephrase"
_NOTHING_SAID_IN_CODE = HandOffOptions()
_NEW_START = frozenset({"pause", "resume", "restart", "session_started"})


class ActionHaptikTwoStageFallback(ActionHaptikDefaultFallback):
    """Asks the user to rephrase first (message `haptik_fallback_rephrase`), and hands over the second time in a row.

    Rasa registers the class below too, under the same name, and the deeper class wins: this one.
    """

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Domain) -> Events:
        """Ask once; then hand over and tell the user."""
        if _fell_back_last_turn(tracker):
            return await super().run(dispatcher, tracker, domain)
        say(dispatcher, await _rephrase(tracker, domain), tracker.get_latest_input_channel())
        return taken_back(tracker, [])

    run.__haptik_guarded__ = True  # type: ignore[attr-defined]


def _fell_back_last_turn(tracker: Tracker) -> bool:
    """Whether this action ran between the latest two messages of the user. Rasa keeps what a revert took back."""
    users = 0
    for event in reversed(tracker.events or []):
        kind = event.get("event")
        users += kind == "user"
        if users > 1 or kind in _NEW_START:
            return False
        if users and kind == "action" and event.get("name") == FALLBACK:
            return True
    return False


async def _rephrase(tracker: Tracker, domain: object) -> str:
    try:
        runtime = current_runtime()
        plan = runtime.escalator.plan(FALLBACK, _NOTHING_SAID_IN_CODE, haptik_slot(tracker, domain))
        channel = tracker.get_latest_input_channel()
        return await runtime.messages().text(_REPHRASE, plan.locale or language_of(tracker), channel=channel)
    except Exception:
        logger.exception("The message store failed; using the packaged copy.")
        return packaged_copy()[_REPHRASE]
