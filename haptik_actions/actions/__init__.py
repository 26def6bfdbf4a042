"""Guards for the custom actions of a Rasa bot. The only package that imports rasa_sdk; importing it registers nothing.

class ActionOrderStatus(Action):
    def name(self): return "action_order_status"

    @escalate_on_error
    async def run(self, dispatcher, tracker, domain): ...

The ready actions are imported by name, and only a name that is imported is registered with Rasa:

    from haptik_actions.actions import ActionHaptikHandoff
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from haptik_actions.actions._executor import guard_all_actions
from haptik_actions.actions._guard import IntegrationAction, escalate_on_error
from haptik_actions.actions._haptik_form import HaptikForm
from haptik_actions.actions._runtime import Runtime, configure
from haptik_actions.actions._tracker import chosen
from haptik_actions.actions._utter import utter

if TYPE_CHECKING:
    from haptik_actions.actions._ready_fallback import ActionHaptikDefaultFallback as ActionHaptikDefaultFallback
    from haptik_actions.actions._ready_handoff import ActionHaptikHandoff as ActionHaptikHandoff
    from haptik_actions.actions._ready_open import ActionHaptikOpen as ActionHaptikOpen
    from haptik_actions.actions._ready_two_stage import ActionHaptikTwoStageFallback as ActionHaptikTwoStageFallback

# Not in __all__: `import *` would register them all, and with them an action_default_fallback.
_READY = {
    "ActionHaptikDefaultFallback": "_ready_fallback",
    "ActionHaptikHandoff": "_ready_handoff",
    "ActionHaptikOpen": "_ready_open",
    "ActionHaptikTwoStageFallback": "_ready_two_stage",
}

__all__ = [
    "HaptikForm",
    "IntegrationAction",
    "Runtime",
    "chosen",
    "configure",
    "escalate_on_error",
    "guard_all_actions",
    "utter",
]


def __getattr__(name: str) -> object:
    if name not in _READY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_READY[name]}"), name)
